"""How fast a replay may go: by its own rate, and as its targets' queues have room."""

from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from services.archive.domain.selecting import Chosen
from shared.kernel.clock import running_seconds

FULL: Final = 100
"""Messages in a target's queue, at which a replay sends it nothing."""
BURST: Final = 0.25
"""Seconds of its rate that may be sent at once."""


class Pace:
    """A token bucket, from empty: over any time no more than the rate allows, and one burst."""

    def __init__(self, seconds: Callable[[], float] = running_seconds) -> None:
        self._seconds = seconds
        self._at = seconds()
        self._tokens = 1.0

    def room(self, rate: int) -> int:
        """Copies that may be sent now."""
        now = self._seconds()
        self._tokens = min(max(1.0, rate * BURST), self._tokens + (now - self._at) * rate)
        self._at = now
        return int(self._tokens)

    def spend(self, copies: int) -> None:
        """More than there was room for is owed."""
        self._tokens -= copies


def take(pending: deque[Chosen], room: int, rooms: dict[str, int]) -> list[Chosen]:
    """From the front, in order, as many events as there is room for; one with more copies than the room of the rate
    goes alone. Those without copies take none."""
    taken: list[Chosen] = []
    left = dict(rooms)
    while pending:
        wanted = Counter(message.routing_key for _, message in pending[0].messages)
        copies = wanted.total()
        if copies and (room <= 0 or (copies > room and any(each.messages for each in taken))):
            break
        if any(left.get(queue, 0) < number for queue, number in wanted.items()):
            break
        for queue, number in wanted.items():
            left[queue] -= number
        room -= copies
        taken.append(pending.popleft())
    return taken
