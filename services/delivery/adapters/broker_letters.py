"""Dead letters where they lie, by the house's own engine."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from aio_pika.exceptions import AMQPError

from services.delivery.ports import InOtherHands
from shared.bus.dead_letters import Choice, DeadLetter, DeadLetters, Place, Reborn
from shared.bus.standing import BrokerAway


class BrokerLetters:
    """The `Letters` port: a connection for each request, which gives back whatever it had in hand."""

    def __init__(self, url: Callable[[], str]) -> None:
        """`url` names the broker when it is asked: a private one may not be there yet."""
        self._url = url

    async def listed(self, queue: str, limit: int, after: Place) -> Sequence[DeadLetter]:
        async with self._opened(queue) as letters:
            return await letters.page(queue, limit, after)

    async def letter(self, queue: str, handle: str) -> DeadLetter | None:
        async with self._opened(queue) as letters:
            return await letters.letter(queue, handle)

    async def redrive(self, queue: str, chosen: Choice, reborn: Reborn, most: int) -> int:
        async with self._opened(queue) as letters:
            return await letters.retry(queue, chosen, reborn, most)

    async def discard(self, queue: str, chosen: Choice, most: int) -> int:
        async with self._opened(queue) as letters:
            return await letters.discard(queue, chosen, most)

    @asynccontextmanager
    async def _opened(self, queue: str) -> AsyncIterator[DeadLetters]:
        try:
            async with DeadLetters(self._url(), [queue]) as letters:
                yield letters
                if letters.in_other_hands:
                    raise InOtherHands
        except (AMQPError, OSError, TimeoutError) as error:
            raise BrokerAway(type(error).__name__) from error
