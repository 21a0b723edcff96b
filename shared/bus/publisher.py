"""Publishing: everything that waits goes out in one socket write, and each message is confirmed for itself."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile

from shared.bus import frames, wire
from shared.bus.bursts import Content, Named
from shared.bus.outbox import NotPublished, Unroutable
from shared.bus.wire import Channel
from shared.contracts.messages import OutboxMessage

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
        self._written: _Written | None = None
        self._waiting: list[_Publish] = []
        self._in_hand: dict[_Publish, None] = {}
        """Those that somebody waits for, oldest first."""
        self._timer: asyncio.TimerHandle | None = None
        self._flush_is_due = False
        self.published = 0

    def attach(self, channel: Channel) -> None:
        """Publish here from now on; what waited meanwhile goes out at once."""
        self._channel = channel
        self._written = written = _Written(channel, self._confirmed, self._on_unroutable)
        wire.listen(channel, written)
        wire.tell_end(channel, written.lost)
        self._flush_soon()

    def detach(self) -> None:
        """The channel is gone; what comes now waits for the next one."""
        self._channel = None

    @property
    def connected(self) -> bool:
        """Can anything be sent: is there a channel, and a broker that neither blocks us nor owes a confirm for long?

        A broker that is frozen, full or short of memory keeps its connections and confirms nothing.
        """
        if self._channel is None or self._written is None or wire.is_blocked(self._channel):
            return False
        oldest = self._written.oldest
        return oldest is None or time.monotonic() - oldest < CONFIRMED_WITHIN

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        """Send them and wait until the broker has taken each. Raises NotPublished, Unroutable."""
        loop = asyncio.get_running_loop()
        now = time.monotonic()
        publishes = [_Publish(message, loop.create_future(), now) for message in messages]
        self._waiting += publishes
        self._in_hand.update(dict.fromkeys(publishes))
        self._flush_soon()
        if self._timer is None:
            self._timer = loop.call_later(self._timeout, self._give_up)
        try:
            for each in publishes:
                await each.done
        finally:
            for each in publishes:
                del self._in_hand[each]
                _forget(each.done)
            if not self.connected:  # nothing is flushed: what nobody waits for must not pile up
                self._waiting = [each for each in self._waiting if not each.done.done()]

    def _give_up(self) -> None:
        """One timer for all: whoever began first has waited longest."""
        self._timer = None
        now = time.monotonic()
        for each in self._in_hand:
            left = each.begun + self._timeout - now
            if left > 0:
                self._timer = asyncio.get_running_loop().call_later(left, self._give_up)
                return
            each.fail(NotPublished(f"no confirm within {self._timeout:g} s"))

    def _flush_soon(self) -> None:
        if not self._flush_is_due:
            self._flush_is_due = True
            asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_is_due = False
        channel, written = self._channel, self._written
        if channel is None or written is None or channel.is_closed:
            return
        if not wire.has_room(channel):
            self._flush_is_due = True
            asyncio.get_running_loop().call_later(FULL_PAUSE, self._flush)
            return
        waiting, self._waiting = self._waiting, []
        payload = b"".join(written.frames(each) for each in waiting if not each.done.done())
        if payload:
            wire.write(channel, payload)

    def _confirmed(self) -> None:
        self.published += 1


@dataclass(frozen=True, slots=True, eq=False)
class _Publish:
    """One message that somebody wants the broker to have. `begun` is monotonic, in seconds."""

    message: OutboxMessage
    done: "asyncio.Future[None]"
    begun: float

    def fail(self, error: NotPublished) -> bool:
        """Tell whoever still waits; False when nobody does."""
        if self.done.done():
            return False
        self.done.set_exception(error)
        return True


class _Written:
    """What was written on one channel, which numbers its publishes 1, 2, 3 and so on, and what the broker says of it.

    `confirmed` is told of each message that the broker took, `unroutable` of each that found no queue.
    """

    def __init__(self, channel: Channel, confirmed: Callable[[], None], unroutable: Callable[[], None]) -> None:
        self._channel = channel
        self._confirmed = confirmed
        self._unroutable = unroutable
        self._last = 0
        self._owed: dict[int, tuple[_Publish, str, float]] = {}
        """By number, oldest first: each with its AMQP id, and when it was written."""
        self._numbers: dict[str, int] = {}
        """By AMQP id, of those that come back where no queue takes them."""

    @property
    def oldest(self) -> float | None:
        """Since when (monotonic) a confirm is owed; None when none is."""
        return next((since for _, _, since in self._owed.values()), None)

    def frames(self, publish: _Publish) -> bytes:
        """To be written next; nothing where it cannot be put on this channel."""
        message, amqp_id = publish.message, self._amqp_id(publish.message)
        try:
            encoded = frames.publish(self._channel.number, message, amqp_id, wire.largest_body(self._channel))
        except ValueError as error:  # nothing of it has reached the channel
            publish.fail(NotPublished(str(error)))
            return b""
        self._last += 1
        self._owed[self._last] = publish, amqp_id, time.monotonic()
        if message.mandatory:
            self._numbers[amqp_id] = self._last
        return encoded

    def confirmed(self, tag: int, *, multiple: bool, taken: bool) -> None:
        if multiple:
            for number in list(takewhile(lambda number: number <= tag, self._owed)):
                self._settle(number, taken=taken)
        else:
            self._settle(tag, taken=taken)

    def returned(self, content: Content) -> None:
        """Its confirm is still to come: a message that found no queue is confirmed too."""
        number = self._numbers.get(content.message_id)
        if number is None or number not in self._owed:
            return
        publish, _, _ = self._owed[number]
        message = publish.message
        if publish.fail(Unroutable(f"no queue takes {message.routing_key} from {message.exchange}")):
            self._unroutable()

    def delivered(self, named: Named, content: Content, body: bytes) -> None:
        """Nothing is consumed here."""

    def lost(self) -> None:
        """The channel is closed: nothing more will be said of what was written."""
        owed, self._owed = self._owed, {}
        for publish, _, _ in owed.values():
            publish.fail(NotPublished("the channel closed before the broker confirmed"))

    def _settle(self, number: int, *, taken: bool) -> None:
        found = self._owed.pop(number, None)
        if found is None:
            return
        publish, amqp_id, _ = found
        self._numbers.pop(amqp_id, None)
        if not taken:
            publish.fail(NotPublished("the broker refused the message"))
        elif not publish.done.done():
            self._confirmed()
            publish.done.set_result(None)

    def _amqp_id(self, message: OutboxMessage) -> str:
        """The message's own id, where AMQP can hold it and it is not on its way already: a returned message is known by
        this id alone, so two in flight must not share one."""
        fits = len(message.id.encode()) <= frames.LONGEST and message.id not in self._numbers
        return message.id if fits else f"again-{self._last + 1}"


def _forget(future: asyncio.Future[None]) -> None:
    """Nobody waits any more; an error that comes to it is nobody's surprise."""
    if future.done():
        if not future.cancelled():
            future.exception()
    else:
        future.cancel()
