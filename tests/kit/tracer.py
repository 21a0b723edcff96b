"""A tracer that keeps what it records."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from shared.telemetry import spans
from shared.telemetry.spans import Kind, Place, Value


@dataclass
class Kept:
    """A span as it was recorded; fulfils `Recording`."""

    name: str
    kind: Kind
    parent: Place | None
    link: Place | None
    place: Place
    attributes: dict[str, Value] = field(default_factory=dict)
    ended: bool = False
    error: BaseException | None = None

    def tell(self, attributes: Mapping[str, Value]) -> None:
        self.attributes |= attributes

    def rename(self, name: str) -> None:
        self.name = name

    def end(self, error: BaseException | None) -> None:
        self.ended, self.error = True, error


class KeepingTracer:
    """Fulfils `Tracer`; ids are numbers, in their order."""

    def __init__(self, share: float = 1.0) -> None:
        self.share = share
        self.kept: list[Kept] = []

    def start(self, name: str, kind: Kind, parent: Place | None, link: Place | None) -> Kept:
        number = len(self.kept) + 1
        trace = parent.trace_id if parent is not None else f"{number:032x}"
        self.kept.append(Kept(name, kind, parent, link, Place(trace, f"{number:016x}", recorded=True)))
        return self.kept[-1]


@contextmanager
def recording(share: float = 1.0) -> Iterator[KeepingTracer]:
    """What is recorded meanwhile."""
    tracer = KeepingTracer(share)
    spans.install(tracer)
    try:
        yield tracer
    finally:
        spans.install(None)
