"""What purchases say, save and ask for: by the counters of the stack's processes, and messages on its broker, where
those that nobody handles are heard too.
"""

from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import aiormq
from aiormq.abc import DeliveredMessage

from tests.eventually import eventually
from tests.kit.counts import Counts

EXCHANGES: Final = ("commands", "answers", "events", "public")
HANDLED_ONCE: Final = ("commands", "answers")
"""What is published there is handled by one service, and counted when that is over."""
INTERNAL: Final = "/internal/"
BEGUN_BY: Final = "/v1/checkouts"


@dataclass(frozen=True)
class Bill:
    """Each kind with its number."""

    messages: Counter[str]
    """By type."""
    saves: dict[str, float]
    """By service: documents stored, each on disk. Clearing what was sent is none."""
    requests: dict[str, float]
    """The one that begins a purchase and services' own, by route, and those to providers by operation; a mail is one,
    `send`."""

    def totals(self) -> dict[str, float]:
        return {
            "messages": self.messages.total(),
            "saves": sum(self.saves.values()),
            "requests": sum(self.requests.values()),
        }


class Tally:
    """Counts since it was opened, at a stack that was at rest. See `tallied`."""

    def __init__(self, urls: Iterable[str], before: Counts) -> None:
        self._urls = tuple(urls)
        self._before = before
        self._messages: Counter[str] = Counter()
        self._to_handle = 0

    async def hear(self, delivered: DeliveredMessage) -> None:
        self._messages[str(delivered.routing_key)] += 1
        self._to_handle += delivered.exchange in HANDLED_ONCE

    async def bill(self) -> Bill:
        """All until now, once every message is handled: call it when what is counted has come to its end."""
        return await eventually(self._at_rest, within=60.0)

    async def _at_rest(self) -> Bill:
        added = (await Counts.read(self._urls)).since(self._before)
        handled = sum(added.by("type", "messages_total").values())
        assert handled == self._to_handle, f"{handled:g} of {self._to_handle} messages are handled"
        routes = added.by("route", "http_requests_total")
        ours = {route: n for route, n in routes.items() if route == BEGUN_BY or route.startswith(INTERNAL)}
        asked = added.by("operation", "provider_requests_total")
        return Bill(Counter(self._messages), added.by("service", "store_seconds_count", operation="save"), ours | asked)


@asynccontextmanager
async def tallied(broker_url: str, *urls: str) -> AsyncIterator[Tally]:
    """`urls` are those of the stack's processes."""
    connection = await aiormq.connect(broker_url)
    try:
        channel = await connection.channel()
        queue = (await channel.queue_declare(exclusive=True)).queue or ""
        for exchange in EXCHANGES:
            await channel.queue_bind(queue, exchange, "#")
        tally = Tally(urls, await Counts.read(urls))
        await channel.basic_consume(queue, tally.hear, no_ack=True)
        yield tally
    finally:
        await connection.close()
