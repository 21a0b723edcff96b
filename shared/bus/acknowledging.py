"""Acknowledging in groups: a quorum queue settles a hundred messages for the price of one.

What is done waits a moment for what is done next. Then everything up to the first message that is still in hand goes in
one acknowledgement, and the rest one by one, so that a slow message holds back nobody's.
"""

import asyncio
from typing import Final

from shared.bus import wire
from shared.bus.wire import Channel, Delivery

PAUSE: Final = 0.005
"""Seconds for which acknowledgements gather. A crash in that time costs repetitions, which are harmless."""


class Acknowledgements:
    """What one consumer has done and not yet told the broker, by channel."""

    def __init__(self) -> None:
        self._channels: dict[Channel, _Deliveries] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, delivery: Delivery) -> None:
        """The message is done."""
        self._of(delivery).done.append(delivery.tag)
        self._send_soon()

    def pass_over(self, delivery: Delivery) -> None:
        """The message was given back to the broker."""
        self._of(delivery).ahead.add(delivery.tag)

    def send(self) -> None:
        """Tell the broker now: one write for each channel. What was delivered on a closed channel comes again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for channel, deliveries in list(self._channels.items()):
            if channel.is_closed:
                del self._channels[channel]
            elif not deliveries.done:
                continue
            elif not wire.has_room(channel):
                self._send_soon()
            else:
                through, alone = deliveries.settled()
                wire.acknowledge(channel, through, alone)

    async def drain(self) -> None:
        """Return when all that is done has been told."""
        self.send()
        while self._timer is not None:  # noqa: ASYNC110 - the writer tells nobody when it has room
            await asyncio.sleep(PAUSE)

    def _send_soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE, self.send)

    def _of(self, delivery: Delivery) -> "_Deliveries":
        channel = delivery.channel
        found = self._channels.get(channel)
        if found is None:
            found = self._channels[channel] = _Deliveries()
        return found


class _Deliveries:
    """One channel's deliveries, which the broker numbers 1, 2, 3 and so on."""

    def __init__(self) -> None:
        self.done: list[int] = []
        """Not acknowledged yet."""
        self.ahead: set[int] = set()
        """Settled, while an earlier one is still in hand."""
        self._through = 0
        """This one and every earlier one is settled."""

    def settled(self) -> tuple[int, list[int]]:
        """Through which delivery all are done (0: no further than was told), and which others are."""
        done, self.done = sorted(self.done), []
        group = 0
        rest: list[int] = []
        for tag in done:
            self._pass_over()
            if tag == self._through + 1:
                self._through = group = tag
            else:
                rest.append(tag)
                self.ahead.add(tag)
        self._pass_over()
        return group, rest

    def _pass_over(self) -> None:
        while self._through + 1 in self.ahead:
            self._through += 1
            self.ahead.discard(self._through)
