"""State and the messages it causes are saved in one write; this sends them, and again those a crash left behind."""

import asyncio
import logging
import zlib
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message, OutboxMessage
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids
from shared.store.documents import Collection, Unsent
from shared.telemetry import spans
from shared.telemetry.spans import Kind

log = logging.getLogger(__name__)

RELAY_AGE = timedelta(seconds=5)
"""Younger messages are on their way already; sending them too would double every message."""
RELAY_PAUSE = 2.0
"""Seconds between two relays."""
RELAY_PAGE = 200
"""Messages that are sent at a time, where many wait."""
RELAY_SHARE = 20
"""Where fewer wait, a page is so small a part of them that replicas seldom choose the same."""
RELAY_LEAST = 10
RELAY_WINDOW = 2_000
"""Messages that a relay chooses its page from: wide enough for several replicas to choose apart."""
RING: Final = 1 << 32
"""Places for documents, by their ids' checksums."""
CLEAR_PAUSE = 0.1
"""Seconds for which sent messages are gathered before they are cleared together."""


class NotPublished(Exception):
    """The broker did not confirm in time, or refused. Some of the messages may have gone out."""


class Unroutable(NotPublished):
    """No queue takes a message that must reach one."""


class Publisher(Protocol):
    """Puts messages on the bus."""

    @property
    def connected(self) -> bool:
        """Can anything be sent at the moment? A connection alone is not enough: see what fulfils it."""
        ...

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Send them and wait until the broker has taken each. Raises `NotPublished`: some may have gone out."""
        ...


class Outbox:
    """The messages of one service's documents, from their making to their confirmed sending."""

    def __init__(self, source: str, publisher: Publisher, clock: Clock, ids: Ids) -> None:
        self._source = source
        self._publisher = publisher
        self._clock = clock
        self._ids = ids
        self._collections: list[Collection] = []
        self._sent: dict[Collection, dict[str, list[str]]] = {}
        self._clearing: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    def watch(self, collection: Collection) -> Collection:
        """Have the relay look after a collection's unsent messages."""
        self._collections.append(collection)
        return collection

    def entry(self, message: Message, cause: Envelope | None = None, *, body: bytes | None = None) -> OutboxMessage:
        """The message in its envelope, ready to be saved with the state that causes it. `body` is its JSON text, where
        somebody has made that already."""
        now = self._clock.now()
        envelope = Envelope(
            id=self._ids.new(),
            source=self._source,
            type=message.type,
            time=now,
            correlation_id=message.subject,
            causation_id=cause.id if cause else "",
            traceparent=spans.traceparent() or (cause.traceparent if cause else ""),
        )
        return OutboxMessage(
            id=envelope.id,
            exchange=message.exchange,
            routing_key=message.type,
            headers=envelope.headers(),
            body=message.model_dump_json().encode() if body is None else body,
            mandatory=message.mandatory,
            saved_at=now,
        )

    async def say(self, message: Message, cause: Envelope | None = None) -> None:
        """Send what is already on record once more, such as the answer to a repeated command."""
        await self._publisher.publish([self.entry(message, cause)])

    async def send(self, collection: Collection, document_id: str, entries: Sequence[OutboxMessage]) -> None:
        """Publish saved messages, then have them cleared. When publishing fails, the relay will do it."""
        if not entries:
            return
        with spans.child("publish", Kind.PRODUCER) as span:
            span.tell(messaging__system="rabbitmq", messaging__batch__message_count=len(entries))
            await self._publisher.publish(entries)
        self._clear_soon(collection, document_id, [entry.id for entry in entries])

    def send_soon(self, collection: Collection, document_id: str, entries: Sequence[OutboxMessage]) -> None:
        """Like `send`, without waiting: for callers whose promise ends with the save, such as an HTTP request."""
        task = asyncio.create_task(self._send_quietly(collection, document_id, entries))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def relay(self) -> int:
        """Send what a crash or an absent broker left behind: all that is old enough, of every watched collection. The
        number sent. A collection that fails holds up no other."""
        if not self.connected:
            return 0
        relaying = (self._relay_all(collection) for collection in self._collections)
        counts = await asyncio.gather(*relaying, return_exceptions=True)
        for failure in counts:
            if isinstance(failure, BaseException):
                raise failure
        return sum(count for count in counts if not isinstance(count, BaseException))

    async def _relay_all(self, collection: Collection) -> int:
        """Page after page, while there is something that was not tried in this pass and the broker takes it."""
        count = 0
        tried: set[str] = set()
        older_than = self._clock.now() - RELAY_AGE
        while self.connected:
            # What nobody takes stays, and stands first: the window grows by it, so that it hides nothing behind it.
            unsent = await collection.unsent(older_than, RELAY_WINDOW + len(tried))
            page = self._apart([found for found in unsent if found.message.id not in tried])
            if not page:
                break
            outcomes = await self._relay_page(collection, page)
            tried = {found.message.id for found in unsent if found.message.id in tried}
            tried.update(found.message.id for found in page)
            failed = self._tell_failures(page, outcomes)
            count += len(page) - failed
            if failed == len(page) and not all(isinstance(outcome, Unroutable) for outcome in outcomes):
                break
        return count

    def _apart(self, unsent: Sequence[Unsent]) -> list[Unsent]:
        """The next page. Documents lie on a ring, and each page begins at a place that nobody else knows: replicas
        seldom send the same. One document's messages keep their order."""
        place = _ring(self._ids.new())
        size = min(max(len(unsent) // RELAY_SHARE, RELAY_LEAST), RELAY_PAGE)
        return sorted(unsent, key=lambda found: (_ring(found.document_id) - place) % RING)[:size]

    async def _relay_page(self, collection: Collection, page: Sequence[Unsent]) -> Sequence[BaseException | None]:
        sending = (self._publisher.publish([found.message]) for found in page)
        outcomes = await asyncio.gather(*sending, return_exceptions=True)
        ids: dict[str, list[str]] = defaultdict(list)
        for found, failure in zip(page, outcomes, strict=True):
            if failure is None:
                ids[found.document_id].append(found.message.id)
        if ids:
            await collection.sent(ids)
        return outcomes

    def _tell_failures(self, unsent: Sequence[Unsent], outcomes: Sequence[BaseException | None]) -> int:
        """One line for a whole pass; the number of failures."""
        failed = [(found.message, failure) for found, failure in zip(unsent, outcomes, strict=True) if failure]
        if failed:
            message, failure = failed[0]
            fields = {"message_id": message.id, "message_type": message.routing_key, "error": type(failure).__name__}
            log.warning("not relayed", extra={**fields, "count": len(failed)})
        return len(failed)

    @property
    def connected(self) -> bool:
        """Can anything be sent at the moment?"""
        return self._publisher.connected

    async def oldest(self) -> datetime | None:
        """When the oldest message that is still unsent was saved."""
        now = self._clock.now()
        pages = [await collection.unsent(now, 1) for collection in self._collections]
        return min((found.message.saved_at for page in pages for found in page), default=None)

    async def clear(self) -> None:
        """Have the messages that this process sent cleared now."""
        await self._clear_now()

    async def drain(self) -> None:
        """Finish what is on its way: sends begun without waiting, and clearing."""
        await asyncio.gather(*self._background, return_exceptions=True)
        if self._clearing:
            self._clearing.cancel()
        await self._clear_now()

    async def _send_quietly(self, collection: Collection, document_id: str, entries: Sequence[OutboxMessage]) -> None:
        try:
            await self.send(collection, document_id, entries)
        except Exception as error:  # noqa: BLE001 - the message is saved: the relay sends it
            log.warning("left to the outbox relay", extra={"error": type(error).__name__})

    def _clear_soon(self, collection: Collection, document_id: str, ids: list[str]) -> None:
        self._sent.setdefault(collection, {}).setdefault(document_id, []).extend(ids)
        if self._clearing is None or self._clearing.done():
            self._clearing = asyncio.create_task(self._clear_after_pause())

    async def _clear_after_pause(self) -> None:
        """Until nothing is left: what comes while the store is at work begins no clearing of its own."""
        while self._sent:
            await asyncio.sleep(CLEAR_PAUSE)
            await self._clear_now()

    async def _clear_now(self) -> None:
        sent, self._sent = self._sent, {}
        for collection, ids in sent.items():
            try:
                await collection.sent(ids)
            except Exception as error:  # noqa: BLE001 - they are sent a second time by the relay, which is harmless
                log.warning("sent messages stay in the outbox", extra={"error": type(error).__name__})


def _ring(text: str) -> int:
    return zlib.crc32(text.encode())
