"""The other processes of a stack on one machine, as the one at the public port knows them."""

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Final

import httpx

from shared.runtime.service import Task

log = logging.getLogger(__name__)

ANSWERS_WITHIN: Final = 2.0
"""Seconds for the figures of another process, which has them in memory."""


async def _nobody() -> None:
    """Nobody is waited for."""


class Peers:
    """What it asks them, for whoever asks at the public port, and how long it must be there for them."""

    def __init__(self, own: str = "", others: Mapping[str, str] | None = None, gone: Task = _nobody) -> None:
        """`own` is what this process is called beside them; `others` are base URLs by name; `gone` returns when none of
        them runs any more."""
        self._own = own
        self._others = dict(others or {})
        self.gone = gone
        self._clients: dict[str, httpx.AsyncClient] = {}

    def checks(self) -> dict[str, Task]:
        """For each whether it takes new work."""
        return {f"process {name}": partial(self._ready, name) for name in self._others}

    async def figures(self, own: bytes) -> bytes:
        """The page of metrics of all of them; whoever does not answer has none in it."""
        if not self._others:
            return own
        from shared.telemetry.merging import together  # noqa: PLC0415 - only a divided stack needs it

        pages = await asyncio.gather(*map(self._page, self._others))
        answered = {name: page for name, page in zip(self._others, pages, strict=True) if page is not None}
        return together({self._own: own} | answered)

    async def close(self) -> None:
        await asyncio.gather(*(client.aclose() for client in self._clients.values()))

    async def _ready(self, name: str) -> None:
        (await self._client(name).get("/readyz")).raise_for_status()

    async def _page(self, name: str) -> bytes | None:
        try:
            response = await self._client(name).get("/metrics")
            return response.raise_for_status().content
        except httpx.HTTPError as error:
            log.warning("a process tells no figures", extra={"error": type(error).__name__})
            return None

    def _client(self, name: str) -> httpx.AsyncClient:
        if name not in self._clients:
            url = self._others[name]
            self._clients[name] = httpx.AsyncClient(base_url=url, timeout=ANSWERS_WITHIN, trust_env=False)
        return self._clients[name]
