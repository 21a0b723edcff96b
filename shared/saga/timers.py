"""Timers are data: whatever is due is found by an index and fired. Every replica polls; none claims.

Two replicas may fire the same timer; the second one's save meets a conflict, reloads, and finds nothing due. A record
that raises is pushed back, further each time, so that it starves nobody; in the end it is listed with the dead letters
too.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from shared.bus.arrival import Arrival
from shared.bus.outbox import Outbox
from shared.bus.retry import blame, origin
from shared.bus.topology import dead_queue
from shared.contracts.messages import Message, OutboxMessage
from shared.kernel.clock import Clock, far_off
from shared.kernel.errors import Later
from shared.kernel.pauses import growing
from shared.store.documents import Collection, Conflict, Document

log = logging.getLogger(__name__)

PAGE = 50
POLL_SECONDS = 0.25
FIRST_PUSH = timedelta(seconds=5)
UNSENT_PUSH = timedelta(seconds=2)
"""Until then the relay has tried again."""
LONGEST_PUSH = timedelta(hours=1)
FAILURES = 10
"""Doubling from five seconds, the last push back before a letter is about 40 minutes."""
COUNT = "timer_failures"


class TimerPoller:
    """Fires what is due in one collection."""

    def __init__(
        self,
        collection: Collection,
        fire: Callable[[str], Awaitable[None]],
        *,
        clock: Clock,
        outbox: Outbox,
        service: str,
        wake: Callable[[str], Message],
    ) -> None:
        """`wake(id)` makes the message that stands among the dead letters for a record that cannot be fired; retried
        from there, it wakes the record once more."""
        self._collection = collection
        self._fire = fire
        self._clock = clock
        self._outbox = outbox
        self._service = service
        self._wake = wake

    async def poll(self) -> int:
        """Fire one page of what is due; the number of records seen.

        Nothing is fired while nothing can be sent, nor for a record whose last message the broker has not confirmed: an
        ask that waits in the outbox would spend the budget for silence, and be one more of the same there. Nor by a
        clock that is far off: what is fired sets the next timer by it.
        """
        if not self._outbox.connected or far_off(self._clock):
            return 0
        due = await self._collection.due(self._clock.now(), PAGE)
        if not due:
            return 0
        await self._outbox.clear()
        unsent = await self._collection.unsent_of(document.id for document in due)
        await asyncio.gather(
            *(self._put_off(each, UNSENT_PUSH) if each.id in unsent else self._fire_one(each) for each in due)
        )
        return len(due)

    async def _fire_one(self, document: Document) -> None:
        try:
            await self._fire(document.id)
        except Later:  # busy, or of a newer release, which is no fault of the record's
            await self._put_off(document, FIRST_PUSH)
        except Exception as error:
            log.exception("timer failed", extra={"purchase_id": document.id, "error": type(error).__name__})
            await self._push_back(document, error)

    async def _push_back(self, document: Document, error: Exception) -> None:
        """Further each time; told once, and tried on: a letter that is discarded must not strand a purchase."""
        count = min(int(document.body.get(COUNT, 0)) + 1, FAILURES + 1)
        failed = replace(document, body={**document.body, COUNT: count})
        letters = [self._letter(document.id, error)] if count == FAILURES else []
        if await self._put_off(failed, growing(FIRST_PUSH, 2, LONGEST_PUSH, count - 1), letters):
            await self._outbox.send(self._collection, document.id, letters)

    async def _put_off(self, document: Document, delay: timedelta, letters: Sequence[OutboxMessage] = ()) -> bool:
        """False where somebody else moved the record on: then its next timer decides."""
        try:
            await self._collection.save(replace(document, wake_at=self._clock.now() + delay), letters)
        except Conflict:
            return False
        return True

    def _letter(self, document_id: str, error: Exception) -> OutboxMessage:
        entry = self._outbox.entry(self._wake(document_id))
        # Where it would have come from: sent back to work, it is taken as any other.
        came = Arrival(entry.exchange, entry.routing_key, entry.headers)
        headers = {**entry.headers, **origin(came), **blame(error)}
        return replace(entry, exchange="", routing_key=dead_queue(self._service), headers=headers)
