"""Logs as they are read for one page of a feed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from services.archive.domain.feed import Log
from shared.kernel.clock import running_seconds
from shared.segments.contents import ReadLine
from shared.segments.following import Position, followed
from shared.segments.lines import GONE, DamagedSegment, Line
from shared.segments.merging import Wanted
from shared.segments.places import Place


@dataclass
class Stream:
    """One log as it is read for a page: `position` is behind all that was taken or passed over. `names` are the
    segments there were before; `opened` those of them that were read."""

    log: Log
    place: Place
    names: Sequence[str]
    start: Position
    opened: set[str] = field(default_factory=set)
    ended: bool = False

    def __post_init__(self) -> None:
        self.position = self._next = self.start
        self._steps: Iterator[tuple[Position, Line | None]] = iter(())

    def begin(self, wanted: Wanted, read: ReadLine) -> None:
        self._steps = followed(self.place, list(self.names), self.start, wanted, read)

    def pull(self, until: float) -> Line | None:
        """The next line, to be taken or left; None at the end, and when the time is over. Raises DamagedSegment."""
        try:
            for position, line in self._steps:
                self.opened.add(position.segment)
                self._next = position
                if line is not None:
                    return line
                self.take()
                if running_seconds() >= until:
                    return None
        except DamagedSegment as damaged:
            if damaged.wrong != GONE:
                raise
            self.opened.discard(damaged.segment)  # whether that was its time is asked when the next page passes it
        self.ended = True
        return None

    def take(self) -> None:
        self.position = self._next

    @property
    def may_have_passed(self) -> bool:
        """Are there perhaps segments between where it was and where it is that are not there any more?"""
        return self.position.segment != self.start.segment or self.start.segment not in self.names
