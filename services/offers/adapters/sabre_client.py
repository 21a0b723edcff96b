"""One line to Sabre's REST services: the sessionless token, time limits, what silence means."""

import asyncio
import base64
import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import httpx

from services.offers.ports import ShoppingUnavailable
from shared.kernel.clock import Clock

log = logging.getLogger(__name__)

TOKEN_MARGIN = timedelta(seconds=30)
"""A token is renewed so long before its end."""
UNAUTHORIZED = 401
OK = 200
TRIES = 2
"""For a line that broke, such as an idle one that Sabre closed, and for a token that it took back. Nothing here has an
effect, so repeating is safe; silence is not repeated, because the asker waits."""


class SabreClient:
    """Posts JSON with a bearer token. Everything that is not an answer is `ShoppingUnavailable`."""

    def __init__(
        self, http: httpx.AsyncClient, client_id: str, client_secret: str, clock: Clock, timeout_seconds: float
    ) -> None:
        """`timeout_seconds` bounds one call as a whole, its token and repetition included."""
        self._http = http
        self._credentials = _credentials(client_id, client_secret)
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._token = ""
        self._token_until = 0.0
        self._one_at_a_time = asyncio.Lock()

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """The answer's JSON, its decimals exact."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                return await self._post(path, body)
        except (httpx.HTTPError, TimeoutError, ValueError, KeyError, TypeError) as error:
            log.warning("sabre gave no answer", extra={"operation": path, "error": type(error).__name__})
            raise ShoppingUnavailable(f"{path}: {type(error).__name__}") from error

    async def _post(self, path: str, body: dict[str, Any]) -> Any:
        for left in reversed(range(TRIES)):
            token = await self._valid_token()
            try:
                response = await self._http.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
            except (httpx.NetworkError, httpx.RemoteProtocolError):
                if left:
                    continue
                raise
            if response.status_code == UNAUTHORIZED and left:
                self._forget(token)
                continue
            if response.status_code != OK:
                raise ShoppingUnavailable(f"{path}: HTTP {response.status_code}")
            return response.json(parse_float=Decimal)
        raise ShoppingUnavailable(f"{path}: not sent")

    def _forget(self, token: str) -> None:
        if token == self._token:
            self._token_until = 0.0

    async def _valid_token(self) -> str:
        if self._now() < self._token_until:
            return self._token
        async with self._one_at_a_time:
            if self._now() >= self._token_until:
                await self._renew()
        return self._token

    async def _renew(self) -> None:
        response = await self._http.post(
            "/v2/auth/token",
            data={"grant_type": "client_credentials"},
            headers={"Authorization": f"Basic {self._credentials}"},
        )
        if response.status_code != OK:
            raise ShoppingUnavailable(f"token: HTTP {response.status_code}")
        answer = response.json()
        self._token = str(answer["access_token"])
        self._token_until = self._now() + float(answer["expires_in"]) - TOKEN_MARGIN.total_seconds()

    def _now(self) -> float:
        return self._clock.now().timestamp()


def _credentials(client_id: str, client_secret: str) -> str:
    """Sabre wants id and secret encoded each, joined, and encoded again (Sabre, Authentication v2)."""
    parts = (base64.b64encode(part.encode()).decode() for part in (client_id, client_secret))
    return base64.b64encode(":".join(parts).encode()).decode()
