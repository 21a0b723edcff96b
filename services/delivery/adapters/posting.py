"""Requests to the endpoints, where they may go."""

from collections.abc import Mapping

from services.delivery.domain.places import Forbidden, Places
from services.delivery.domain.verdicts import Answer
from shared.outside.strangers import NOT_ALLOWED, NoAnswer, Strangers


class HttpPoster:
    """The `Poster` port."""

    def __init__(self, places: Places, strangers: Strangers) -> None:
        self._places = places
        self._strangers = strangers

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        try:
            self._places.check(url)
            answered = await self._strangers.send("POST", url, headers, body, seconds)
        except Forbidden:
            return Answer(error=NOT_ALLOWED)
        except NoAnswer as silence:
            return Answer(error=silence.word)
        return Answer(answered.status, answered.headers.get("retry-after"))

    async def close(self) -> None:
        await self._strangers.close()
