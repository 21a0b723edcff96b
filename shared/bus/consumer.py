"""What drives a service's queue: a thin consumer that feeds the table of handlers and acknowledges in groups.

It sits on aiormq, the layer under aio-pika: per message it makes a task, and nothing else.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Protocol

from shared.bus import wire
from shared.bus.acknowledging import Acknowledgements
from shared.bus.arrival import OUR_OWN, Arrival, arrival
from shared.bus.headers import FINGERPRINT
from shared.bus.outbox import Publisher
from shared.bus.retry import Failed, Unreadable
from shared.bus.topology import tier_of
from shared.bus.tracing import traced, with_place
from shared.bus.wire import Channel, Delivery
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import Clock, far_off
from shared.kernel.errors import Later
from shared.kernel.meter import Meter

log = logging.getLogger(__name__)

REQUEUE_PAUSE = 1.0
CLOCK_PAUSE = 1.0


class GivenBack(Exception):
    """Nothing was done with the message: it stays in its queue, as if it had not been delivered."""


class Takes(Protocol):
    """Whoever handles what is delivered."""

    async def dispatch(self, arrival: Arrival, body: bytes) -> None:
        """Return when the work is saved. Raises GivenBack, or whatever else it must be passed on for."""
        ...


class PassesOn(Protocol):
    """Whoever decides where a message goes that was not handled."""

    def next_stop(self, failed: Failed, now: datetime) -> OutboxMessage:
        """The message as it goes on: to a tier, or to the dead letters."""
        ...


async def _nobody(_: Failed, __: OutboxMessage) -> None:
    return


class Consumer:
    """Handles one queue's messages. It outlives its channel: what is unacknowledged when a channel goes comes again."""

    def __init__(
        self,
        service: str,
        dispatcher: Takes,
        *,
        publisher: Publisher,
        retry: PassesOn,
        clock: Clock,
        meter: Meter,
        queue: str | None = None,
        passed_on: Callable[[Failed, OutboxMessage], Awaitable[None]] = _nobody,
    ) -> None:
        """`queue` is what is consumed, where it has not the service's name; `passed_on` hears of each message that the
        broker has elsewhere."""
        self._service = service
        self._queue = queue or service
        self._passed_on = passed_on
        self._dispatcher = dispatcher
        self._publisher = publisher
        self._retry = retry
        self._clock = clock
        self._meter = meter
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._acks = Acknowledgements()
        self._tasks: set[asyncio.Task[None]] = set()
        self._subscriptions: list[tuple[Channel, str]] = []

    async def attach(self, channel: Channel, queue: str) -> None:
        """Consume `queue` on this channel until it closes."""
        tag = await wire.consume(channel, queue, self._begin)
        living = [(each, tag) for each, tag in self._subscriptions if not each.is_closed]
        self._subscriptions = [*living, (channel, tag)]

    async def drain(self, seconds: float) -> None:
        """Take no more, and finish what is in hand, if it takes no longer than that."""
        self._draining = True
        subscriptions, self._subscriptions = self._subscriptions, []
        for channel, tag in subscriptions:
            if not channel.is_closed:
                await channel.basic_cancel(tag)
        try:
            async with asyncio.timeout(seconds):
                await self._idle.wait()
        except TimeoutError:
            log.warning("left unfinished", extra={"service": self._service, "count": self._in_hand})
        await self._acks.drain()

    def _begin(self, delivery: Delivery) -> None:
        """In a task of our own: aiormq cancels its tasks when the connection goes, in the middle of a call."""
        task = asyncio.create_task(self.take(delivery))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def take(self, delivery: Delivery) -> None:
        """Handle one delivery to its end: whatever becomes of it, it is acknowledged or given back."""
        self._in_hand += 1
        self._idle.clear()
        try:
            if far_off(self._clock) and not await self._clock_was_set():
                await self._requeue(delivery)
            else:
                await self._handle(delivery)
        finally:
            self._in_hand -= 1
            if self._in_hand == 0:
                self._idle.set()

    async def _clock_was_set(self) -> bool:
        """A far-off clock would expire what is not old, and set timers for another year: messages wait, unjudged.

        False when the process leaves before its clock is right.
        """
        while far_off(self._clock) and not self._draining:  # noqa: ASYNC110 - no event tells that a clock was set
            await asyncio.sleep(CLOCK_PAUSE)
        return not far_off(self._clock)

    async def _handle(self, delivery: Delivery) -> None:
        came = arrival(self._queue, _direct(delivery))
        began = time.perf_counter()
        outcome = "done"
        with traced(self._service, came) as span:
            try:
                await self._dispatcher.dispatch(came, delivery.body)
            except GivenBack:
                outcome = "requeued"
                await self._requeue(delivery)
            except Exception as error:  # noqa: BLE001 - whatever it is, the message must not be lost
                outcome = await self._pass_on(delivery, came, error)
                span.tell(error__type=type(error).__name__)
            else:
                self._acks.add(delivery)
            span.tell(milesaga__outcome=outcome)
        kind = str(came.headers.get("cloudEvents:type", ""))
        seconds = time.perf_counter() - began
        self._meter.handled(self._service, kind, outcome, seconds)
        if log.isEnabledFor(logging.DEBUG):
            self._trace(came.headers, outcome, seconds)

    async def _pass_on(self, delivery: Delivery, came: Arrival, error: Exception) -> str:
        """Move an unhandled message to a tier or to the dead letters, and only then acknowledge it here."""
        try:
            failed = Failed(self._queue, came, delivery.body, error)
            next_stop = self._retry.next_stop(failed, self._clock.now())
            outcome = "dead" if next_stop.exchange == OUR_OWN else "later" if isinstance(error, Later) else "retried"
            self._report(error, came.headers, outcome)
            await self._publisher.publish([with_place(next_stop)])
            self._count(next_stop)
            await self._passed_on(failed, next_stop)
        except Exception as unsent:  # noqa: BLE001 - it stays ours until the broker has it elsewhere
            log.warning("not passed on", extra={"service": self._service, "error": type(unsent).__name__})
            await asyncio.sleep(REQUEUE_PAUSE)  # or it would come again at once, for as long as the reason lasts
            await self._requeue(delivery)
            return "requeued"
        self._acks.add(delivery)
        return outcome

    def _count(self, next_stop: OutboxMessage) -> None:
        if next_stop.exchange == OUR_OWN:
            self._meter.died(self._service, next_stop.headers[FINGERPRINT])
        else:
            kind = next_stop.headers.get("cloudEvents:type", "")
            self._meter.retried(self._service, kind, tier_of(next_stop.exchange))

    def _report(self, error: Exception, headers: Mapping[str, Any], outcome: str) -> None:
        fields = {
            "service": self._service,
            "message_id": str(headers.get("cloudEvents:id", "")),
            "message_type": str(headers.get("cloudEvents:type", ""))[:100],
            "purchase_id": str(headers.get("cloudEvents:correlationid", "")),
            "error": str(error)[:300] if isinstance(error, Later | Unreadable) else type(error).__name__,
            "outcome": outcome,
        }
        if isinstance(error, Later):
            log.log(logging.DEBUG if error.routine else logging.INFO, "message waits", extra=fields)
        elif isinstance(error, Unreadable):
            log.warning("message cannot be read", extra=fields)
        else:
            log.error("handler failed", extra=fields, exc_info=error)

    def _trace(self, headers: Mapping[str, Any], outcome: str, seconds: float) -> None:
        fields = {
            "service": self._service,
            "message_id": str(headers.get("cloudEvents:id", "")),
            "message_type": str(headers.get("cloudEvents:type", ""))[:100],
            "purchase_id": str(headers.get("cloudEvents:correlationid", "")),
            "outcome": outcome,
            "seconds": round(seconds, 4),
        }
        log.debug("message handled", extra=fields)

    async def _requeue(self, delivery: Delivery) -> None:
        """Give it back by reject: RabbitMQ 4.3 does not count a nack towards the delivery limit."""
        if not delivery.channel.is_closed:
            await delivery.channel.basic_reject(delivery.tag, requeue=True)
            self._acks.pass_over(delivery)  # not before: an acknowledgement for all must not overtake the reject


def _direct(delivery: Delivery) -> Arrival:
    """The delivery as the broker made it."""
    return Arrival(delivery.exchange, delivery.routing_key, delivery.headers, delivery.user_id)
