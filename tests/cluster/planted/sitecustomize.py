"""Every fifth message that the process is to handle fails, as by a mistake in a handler."""

from itertools import count

from shared.bus.arrival import Arrival
from shared.bus.dispatch import Dispatcher

EACH = 5

_dispatch = Dispatcher.dispatch
_turn = count(1)


async def _fails_at_times(self: Dispatcher, arrival: Arrival, body: bytes) -> None:
    if next(_turn) % EACH == 0:
        raise RuntimeError("planted")
    await _dispatch(self, arrival, body)


Dispatcher.dispatch = _fails_at_times  # type: ignore[method-assign]
