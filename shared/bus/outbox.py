"""State and the messages it causes are saved in one write; this sends them, and again those a crash left behind."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message, OutboxMessage
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids
from shared.store.documents import Collection, Unsent

log = logging.getLogger(__name__)

RELAY_AGE = timedelta(seconds=5)
"""Younger messages are on their way already; sending them too would double every message."""
RELAY_PAUSE = 2.0
RELAY_PAGE = 500
CLEAR_PAUSE = 0.1
"""Seconds for which sent messages are gathered before they are cleared together."""


class Publisher(Protocol):
    """Puts messages on the bus."""

    @property
    def connected(self) -> bool:
        """Can anything be sent at the moment?"""
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
        self._stuck: dict[Collection, int] = {}
        self._sent: dict[Collection, dict[str, list[str]]] = {}
        self._clearing: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()

    def watch(self, collection: Collection) -> Collection:
        """Have the relay look after a collection's unsent messages."""
        self._collections.append(collection)
        return collection

    def entry(self, message: Message, cause: Envelope | None = None) -> OutboxMessage:
        """The message in its envelope, ready to be saved with the state that causes it."""
        now = self._clock.now()
        envelope = Envelope(
            id=self._ids.new(),
            source=self._source,
            type=message.type,
            time=now,
            correlation_id=message.subject,
            causation_id=cause.id if cause else "",
            traceparent=cause.traceparent if cause else "",
        )
        return OutboxMessage(
            id=envelope.id,
            exchange=message.exchange,
            routing_key=message.type,
            headers=envelope.headers(),
            body=message.model_dump_json().encode(),
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
        await self._publisher.publish(entries)
        self._clear_soon(collection, document_id, [entry.id for entry in entries])

    def send_soon(self, collection: Collection, document_id: str, entries: Sequence[OutboxMessage]) -> None:
        """Like `send`, without waiting: for callers whose promise ends with the save, such as an HTTP request."""
        task = asyncio.create_task(self._send_quietly(collection, document_id, entries))
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def relay(self) -> None:
        """Send what a crash or an absent broker left behind, for ever."""
        while True:
            await asyncio.sleep(RELAY_PAUSE)
            try:
                await self.relay_once()
            except Exception as error:  # noqa: BLE001 - store or broker may be away; the next pass tries again
                log.warning("outbox relay waits", extra={"error": type(error).__name__})

    async def relay_once(self) -> int:
        """One pass over the watched collections; the number of messages sent. One that fails holds up no other."""
        if not self.connected:
            return 0
        count = 0
        older_than = self._clock.now() - RELAY_AGE
        for collection in self._collections:
            # What nobody takes stays, and stands first: the page grows by it, so that it hides nothing behind it.
            unsent = await collection.unsent(older_than, RELAY_PAGE + self._stuck.get(collection, 0))
            outcomes = await asyncio.gather(
                *(self._publisher.publish([found.message]) for found in unsent), return_exceptions=True
            )
            ids: dict[str, list[str]] = defaultdict(list)
            for found, failure in zip(unsent, outcomes, strict=True):
                if failure is None:
                    ids[found.document_id].append(found.message.id)
            if ids:
                await collection.sent(ids)
            self._stuck[collection] = self._tell_failures(unsent, outcomes)
            count += len(unsent) - self._stuck[collection]
        return count

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
        await asyncio.sleep(CLEAR_PAUSE)
        await self._clear_now()

    async def _clear_now(self) -> None:
        sent, self._sent = self._sent, {}
        for collection, ids in sent.items():
            try:
                await collection.sent(ids)
            except Exception as error:  # noqa: BLE001 - they are sent a second time by the relay, which is harmless
                log.warning("sent messages stay in the outbox", extra={"error": type(error).__name__})
