"""Traces: what happens on behalf of one purchase, wherever it happens, as one tree of spans.

Where something is in a trace travels as `traceparent` (W3C Trace Context): in messages' envelopes, which lie in the
outbox and in the delay tiers, in requests to our own services, and in the saga's record, for its timers. Whether a
trace is recorded is decided once, where it begins; what is not recorded costs the handing on of a text.

Without a tracer nothing of this happens, beyond handing on what others began.
"""

import os
import random
import re
from collections.abc import Mapping
from contextvars import ContextVar, Token
from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Final, Protocol, Self

_TRACEPARENT: Final = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
SAMPLED: Final = 0x01

Value = str | int | float | bool


class Kind(Enum):
    """On which side of a conversation a span is."""

    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"
    PRODUCER = "producer"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a trace: in which, at which span, and whether it is recorded."""

    trace_id: str
    span_id: str
    recorded: bool

    @classmethod
    def of(cls, traceparent: str) -> "Place | None":
        """None for what is no traceparent."""
        found = _TRACEPARENT.fullmatch(traceparent)
        return cls(found[1], found[2], bool(int(found[3], 16) & SAMPLED)) if found else None

    @property
    def traceparent(self) -> str:
        return f"00-{self.trace_id}-{self.span_id}-{SAMPLED if self.recorded else 0:02x}"


class Recording(Protocol):
    """A span that is being recorded."""

    place: Place

    def tell(self, attributes: Mapping[str, Value]) -> None: ...

    def rename(self, name: str) -> None: ...

    def end(self, error: BaseException | None) -> None: ...


class Tracer(Protocol):
    """Records spans."""

    share: float
    """Of the traces that begin here, how many are recorded: 0 to 1."""

    def start(self, name: str, kind: Kind, parent: Place | None, link: Place | None) -> Recording:
        """Begin a span: below `parent`, or a trace of its own; `link` is another trace that it has to do with."""
        ...


_HERE: Final[ContextVar[Place | None]] = ContextVar("place_in_trace", default=None)
_tracer: Tracer | None = None


def install(tracer: Tracer | None) -> None:
    """Record by this tracer from now on; None: not at all."""
    global _tracer  # noqa: PLW0603 - as with logging, there is one for a process
    _tracer = tracer


def are_wanted() -> bool:
    """Is there a tracer?"""
    return _tracer is not None


def traceparent() -> str:
    """Of what is in hand; empty where nothing is."""
    here = _HERE.get()
    return here.traceparent if here is not None else ""


def trace_id() -> str:
    """Of what is in hand; empty where nothing is."""
    here = _HERE.get()
    return here.trace_id if here is not None else ""


def is_recorded() -> bool:
    """Is what is in hand recorded?"""
    here = _HERE.get()
    return here is not None and here.recorded


class Span:
    """A part of a trace, for as long as its `with` block lasts. What is not recorded takes no attributes."""

    __slots__ = ("_place", "_recording", "_token")

    def __init__(self, place: Place | None = None, recording: Recording | None = None) -> None:
        """Without a place it is none at all."""
        self._place = place
        self._recording = recording
        self._token: Token[Place | None] | None = None

    @property
    def recorded(self) -> bool:
        return self._recording is not None

    def tell(self, **attributes: Value) -> None:
        """Attributes; a name's `__` stands for a dot."""
        if self._recording is not None:
            self._recording.tell({name.replace("__", "."): value for name, value in attributes.items()})

    def rename(self, name: str) -> None:
        if self._recording is not None:
            self._recording.rename(name)

    def __enter__(self) -> Self:
        if self._place is not None:
            self._token = _HERE.set(self._place)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _HERE.reset(self._token)
        if self._recording is not None:
            self._recording.end(error)


NO_SPAN: Final = Span()


def entered(name: str, kind: Kind, *, parent: str = "", link: str = "") -> Span:
    """Something comes in from outside the process. `parent` is a traceparent of ours; without one a trace begins.

    `link` is what a stranger said of a trace of his: it decides nothing.
    """
    tracer = _tracer
    if tracer is None:
        return NO_SPAN
    above = Place.of(parent) if parent else None
    recorded = above.recorded if above is not None else random.random() < tracer.share  # noqa: S311 - a choice
    if not recorded:
        return Span(above or Place(os.urandom(16).hex(), os.urandom(8).hex(), recorded=False))
    recording = tracer.start(name, kind, above, Place.of(link) if link else None)
    return Span(recording.place, recording)


def child(name: str, kind: Kind = Kind.INTERNAL) -> Span:
    """A part of what is in hand, where that is recorded."""
    here, tracer = _HERE.get(), _tracer
    if tracer is None or here is None or not here.recorded:
        return NO_SPAN
    recording = tracer.start(name, kind, here, None)
    return Span(recording.place, recording)


def under(parent: str, name: str) -> Span:
    """What follows belongs to the trace of `parent`: where another one is in hand, it goes on there, with a link."""
    here = _HERE.get()
    if _tracer is None or not parent or (here is not None and here.trace_id == parent[3:35]):
        return NO_SPAN
    return entered(name, Kind.INTERNAL, parent=parent, link=here.traceparent if here is not None else "")
