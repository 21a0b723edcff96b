"""Publishing: everything that waits goes out in one socket write, and each message is confirmed for itself."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial

from shared.bus import frames, wire
from shared.bus.outbox import NotPublished, Unroutable
from shared.bus.wire import AMQPError, Channel, Confirmation, PublishError
from shared.contracts.messages import OutboxMessage

log = logging.getLogger(__name__)

PUBLISH_TIMEOUT = 10.0
"""Seconds until a message that nobody confirmed counts as not published; it may still arrive."""

CONFIRMED_WITHIN = 3.0
"""Seconds for which a broker may owe a confirm and still count as able to take more."""

FULL_PAUSE = 0.002


class ConfirmingPublisher:
    """Publishes on a channel of its own; outlives the channel, which the bus gives and takes away."""

    def __init__(
        self, publish_timeout: float = PUBLISH_TIMEOUT, *, on_unroutable: Callable[[], None] = lambda: None
    ) -> None:
        """`on_unroutable` is told when a queue that should be there is not."""
        self._timeout = publish_timeout
        self._on_unroutable = on_unroutable
        self._channel: Channel | None = None
        self._waiting: list[tuple[OutboxMessage, asyncio.Future[None]]] = []
        self._unconfirmed: dict[Confirmation, float] = {}
        self._flush_is_due = False
        self.published = 0

    def attach(self, channel: Channel) -> None:
        """Publish here from now on; what waited meanwhile goes out at once."""
        self._channel = channel
        self._unconfirmed.clear()
        self._flush_soon()

    def detach(self) -> None:
        """The channel is gone; what comes now waits for the next one."""
        self._channel = None

    @property
    def connected(self) -> bool:
        """Can anything be sent: is there a channel, and a broker that neither blocks us nor owes a confirm for long?

        A broker that is frozen, full or short of memory keeps its connections and confirms nothing.
        """
        if self._channel is None or wire.is_blocked(self._channel):
            return False
        oldest = next(iter(self._unconfirmed.values()), None)
        return oldest is None or time.monotonic() - oldest < CONFIRMED_WITHIN

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Send them and wait until the broker has taken each. Raises NotPublished, Unroutable."""
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in messages]
        self._waiting += zip(messages, futures, strict=True)
        self._flush_soon()
        timer = loop.call_later(self._timeout, self._give_up, futures)
        try:
            for future in futures:
                await future
        finally:
            timer.cancel()
            for future in futures:
                _forget(future)
            if not self.connected:  # nothing is flushed: what nobody waits for must not pile up
                self._waiting = [(message, future) for message, future in self._waiting if not future.done()]

    def _give_up(self, futures: Sequence[asyncio.Future[None]]) -> None:
        for future in futures:
            if not future.done():
                future.set_exception(NotPublished(f"no confirm within {self._timeout:g} s"))

    def _flush_soon(self) -> None:
        if not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        channel = self._channel
        if channel is None or channel.is_closed:
            return
        if not wire.has_room(channel):
            self._flush_is_due = True
            asyncio.get_running_loop().call_later(FULL_PAUSE, self._flush)
            return
        waiting, self._waiting = self._waiting, []
        payload = b"".join(self._frames(channel, message, future) for message, future in waiting if not future.done())
        if payload:
            wire.write(channel, payload)

    def _frames(self, channel: Channel, message: OutboxMessage, future: asyncio.Future[None]) -> bytes:
        amqp_id = _amqp_id(channel, message)
        try:
            payload = frames.publish(channel.number, message, amqp_id, wire.largest_body(channel))
        except ValueError as error:  # nothing of it has reached the channel
            future.set_exception(NotPublished(str(error)))
            return b""
        confirmation = wire.promise(channel, amqp_id, mandatory=message.mandatory)
        self._unconfirmed[confirmation] = time.monotonic()
        confirmation.add_done_callback(partial(self._settle, message, future))
        return payload

    def _settle(self, message: OutboxMessage, future: asyncio.Future[None], confirmation: Confirmation) -> None:
        self._unconfirmed.pop(confirmation, None)
        error = None if confirmation.cancelled() else confirmation.exception()
        if future.done():
            return
        if confirmation.cancelled():
            future.set_exception(NotPublished("the channel closed before the broker confirmed"))
        elif isinstance(error, PublishError):
            future.set_exception(Unroutable(f"no queue takes {message.routing_key} from {message.exchange}"))
            self._on_unroutable()
        elif error is not None:
            future.set_exception(NotPublished(_reason(error)))
        else:
            self.published += 1
            future.set_result(None)


def _amqp_id(channel: Channel, message: OutboxMessage) -> str:
    """The message's own id, where AMQP can hold it and it is not on its way already: a returned message is known by
    this id alone, so two in flight must not share one."""
    fits = len(message.id.encode()) <= frames.LONGEST and not wire.is_under_way(channel, message.id)
    return message.id if fits else f"again-{wire.next_tag(channel)}"


def _reason(error: BaseException) -> str:
    if isinstance(error, AMQPError):
        return f"the broker refused or the channel closed: {type(error).__name__}"
    return f"the connection broke: {type(error).__name__}"


def _forget(future: asyncio.Future[None]) -> None:
    """Nobody waits any more; an error that comes to it is nobody's surprise."""
    if future.done():
        if not future.cancelled():
            future.exception()
    else:
        future.cancel()
