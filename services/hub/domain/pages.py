"""A page of events as the router reads it: what this process has accepted itself it need not read again."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Self

from shared.contracts.hub import RoutePage
from shared.kernel.clock import running_seconds

Json = dict[str, Any]

MOST_BYTES: Final = 2 * 1024 * 1024
"""Of texts that are known by heart; their values take several times as much."""
LIVES: Final = 10.0
"""Seconds after which one is given up that no page has brought: it was a duplicate, or another replica's to route."""
LINE_END: Final = b"\n"
BEGINS: Final = b'{"hubid":"'
OPENS: Final = b',"event":'
CLOSES: Final = b',"position":'
EMPTY: Final = b"{}"


class Recent:
    """What texts of events say, for a moment. It is as true whoever asks, and nobody changes what he is given."""

    def __init__(self, most: int = MOST_BYTES, seconds: Callable[[], float] = running_seconds) -> None:
        self._most = most
        self._seconds = seconds
        self._events: dict[bytes, tuple[float, Json]] = {}
        self._bytes = 0

    def add(self, text: bytes, event: Json) -> None:
        """Unless there is no room: those that have waited longer are routed sooner."""
        now = self._seconds()
        while self._events and next(iter(self._events.values()))[0] < now - LIVES:
            self.take(next(iter(self._events)))
        if text not in self._events and self._bytes + len(text) <= self._most:
            self._events[text] = now, event
            self._bytes += len(text)

    def take(self, text: bytes) -> Json | None:
        """What it says, once; None where it is not known any more."""
        found = self._events.pop(text, None)
        if found is None:
            return None
        self._bytes -= len(text)
        return found[1]


RECENT: Final = Recent()
"""This process's."""


class PageToRoute(RoutePage):
    """`RoutePage`, of which only what stands around the events is read, where all of these are known."""

    @classmethod
    def read(cls, body: bytes) -> Self:
        """The hub puts each event on a line of its own."""
        known = _known(body.split(LINE_END)[1:-1])
        if known is None:
            return super().read(body)
        around, events = known
        page = super().read(body[: body.index(LINE_END)] + b",".join(around) + b"]}")
        if len(page.events) != len(events) or any(entry.event for entry in page.events):
            return super().read(body)
        for entry, event in zip(page.events, events, strict=True):
            entry.event.update(event)
        return page


def _known(lines: Sequence[bytes]) -> tuple[list[bytes], list[Json]] | None:
    """What stands around the events of lines, and the events; None where one is not known, or there are none."""
    around: list[bytes] = []
    events: list[Json] = []
    for line in lines:
        begin, end = line.find(OPENS) + len(OPENS), line.rfind(CLOSES)
        event = RECENT.take(line[begin:end])
        if event is None or not line.startswith(BEGINS):
            return None
        around.append(line[:begin] + EMPTY + line[end:].removesuffix(b","))
        events.append(event)
    return (around, events) if events else None
