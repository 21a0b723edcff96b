"""What the sandbox asks of the miles service, as any operator would: by its public API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from services.sandbox.oauth import Issuer
from services.sandbox.problems import ProblemError

if TYPE_CHECKING:
    import httpx

TIMEOUT = 10.0  # seconds; longer than any provider call, for a machine under test is often busy


class Miles:
    """A client of `{url}/v1/miles`."""

    def __init__(self, url: str, issuer: Issuer) -> None:
        self._base, self._issuer = f"{url.rstrip('/')}/v1/miles", issuer
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def open_account(self, member_id: str, tier: str, lots: list[dict[str, Any]]) -> None:
        """Open or replace the account; returns when the balance shows it."""
        await self._ask("PUT", f"/accounts/{_segment(member_id)}", json={"tier": tier, "lots": lots})

    async def used(self) -> list[dict[str, Any]]:
        """Miles redeemed and given back, per member and purchase, as the ledger's entries say."""
        redeemed: defaultdict[tuple[str, str], int] = defaultdict(int)
        reversed_: defaultdict[tuple[str, str], int] = defaultdict(int)
        async for entry in self._entries():
            key = (entry["member_id"], entry.get("reference") or "")
            if entry["kind"] == "redemption":
                redeemed[key] -= entry["miles"]
            elif entry["kind"] == "reversal":
                reversed_[key] += entry["miles"]
        return [
            {"member_id": member, "reference": reference}
            | {"redeemed": redeemed[member, reference], "reversed": reversed_[member, reference]}
            for member, reference in sorted(redeemed.keys() | reversed_.keys())
        ]

    async def _entries(self) -> AsyncIterator[dict[str, Any]]:
        parameters: dict[str, str] = {}
        while True:
            page = await self._ask("GET", "/entries", params=parameters)
            for entry in page["entries"]:
                yield entry
            if not page.get("next_cursor"):
                return
            parameters = {"cursor": page["next_cursor"]}

    async def _ask(self, method: str, path: str, **request: Any) -> Any:
        import httpx  # noqa: PLC0415 - only a stack that is being tested needs it

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=TIMEOUT, trust_env=False)
        try:
            response = await self._client.request(
                method, self._base + path, headers=self._issuer.ops_headers(), **request
            )
        except httpx.HTTPError as error:
            raise ProblemError(503, "miles_unavailable", f"{self._base}{path}: {error!r}") from error
        if response.status_code == 422:  # noqa: PLR2004
            raise ProblemError(422, "invalid_body", response.text)
        if not response.is_success:
            raise ProblemError(503, "miles_unavailable", f"{self._base}{path}: HTTP {response.status_code}")
        return response.json() if response.content else None


def _segment(member_id: str) -> str:
    """One part of a path, also for members called `a/b` or `..`, which would lead elsewhere."""
    return quote(member_id, safe="").replace(".", "%2E")
