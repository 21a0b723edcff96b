"""Requests to the endpoints, where they may go."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from services.delivery.domain.places import Forbidden, Places
from services.delivery.domain.verdicts import Answer
from services.delivery.ports import Endpoint
from shared.outside.strangers import NOT_ALLOWED, NoAnswer, Strangers

MOST_URLS: Final = 2_000
"""Whose judgement is remembered; addresses are judged at each connection."""


class HttpPoster:
    """The `Poster` port."""

    def __init__(self, places: Places, strangers: Strangers) -> None:
        self._check = lru_cache(maxsize=MOST_URLS)(places.check)
        self._strangers = strangers

    async def post(self, to: Endpoint, headers: Mapping[str, str], body: bytes) -> Answer:
        return await self._send("POST", to, headers, body)

    async def ask(self, to: Endpoint, headers: Mapping[str, str]) -> Answer:
        return await self._send("OPTIONS", to, headers, b"")

    async def _send(self, method: str, to: Endpoint, headers: Mapping[str, str], body: bytes) -> Answer:
        try:
            self._check(to.url)
            answered = await self._strangers.send(method, to.url, headers, body, seconds=to.seconds, whose=to.partner)
        except Forbidden:
            return Answer(error=NOT_ALLOWED)
        except NoAnswer as silence:
            return Answer(error=silence.word)
        return Answer(answered.status, answered.headers.get("retry-after"), headers=answered.headers)

    async def close(self) -> None:
        await self._strangers.close()
