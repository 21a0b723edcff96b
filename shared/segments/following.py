"""What one writer wrote, in the order in which it did: followed from a position on, whatever becomes of the segments.

Ids order all writers' lines by time, but a line may be written long after another one of a greater id: who goes on from
an id leaves behind what came late. Each writer by itself only ever adds to the end: its segments are ordered by name,
and one that has a successor is complete. So a position in each writer's log leaves nothing behind.

Everything here blocks: it belongs into a thread.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

from shared.segments import frames
from shared.segments.contents import ReadLine, index_of, lines_at
from shared.segments.frames import Packed
from shared.segments.lines import GONE, Damaged, DamagedSegment, Line
from shared.segments.merging import Wanted
from shared.segments.places import Found, Place, opened


@dataclass(frozen=True, slots=True)
class Position:
    """All before it was told or passed over: the segments of lesser names, `lines` lines of this one, which end at the
    block at `offset`, and `within` lines of that block."""

    segment: str
    offset: int = 0
    lines: int = 0
    within: int = 0

    @property
    def told(self) -> int:
        """Lines of the segment."""
        return self.lines + self.within

    def after(self, length: int, count: int) -> "Position":
        """Behind the block that it stands at."""
        return Position(self.segment, self.offset + length, self.lines + count)


Step: TypeAlias = tuple[Position, Line | None]
"""A line, or None where something was passed over, and the position after it."""


def followed(place: Place, names: list[str], start: Position, wanted: Wanted, read: ReadLine) -> Iterator[Step]:
    """Each line behind the position, with the position after it; without a line where something was passed over.
    `names` are those of one writer's segments, read before: all of them but the last are complete. It ends where
    nothing more is written yet. Raises DamagedSegment, OSError."""
    at = start
    for name in names:
        if name < start.segment:
            continue
        if name != at.segment:
            at = Position(name)
            yield at, None
        for at, line in _of_segment(place, at, wanted, read):  # noqa: B020 - it goes on from there
            yield at, line


def _of_segment(place: Place, start: Position, wanted: Wanted, read: ReadLine) -> Iterator[Step]:
    try:
        with opened(place, Found(start.segment, is_open=True)) as (packed, is_open):
            if is_open:
                yield from _of_open(packed, start, read)
            else:
                yield from _of_closed(packed, start, wanted, read)
    except FileNotFoundError as error:
        raise DamagedSegment(start.segment, GONE) from error
    except Damaged as damaged:
        raise DamagedSegment(start.segment, str(damaged)) from damaged


def _of_open(packed: Packed, start: Position, read: ReadLine) -> Iterator[Step]:
    at = start
    try:
        for _, length, text in frames.frames(packed, start.offset):
            lines = text.splitlines()
            yield from _of_block(at, length, lines, read)
            at = at.after(length, len(lines))
    except Damaged:
        return  # a frame that is being written


def _of_closed(packed: Packed, start: Position, wanted: Wanted, read: ReadLine) -> Iterator[Step]:
    at = start
    for block in index_of(packed)[0]:
        if block.offset < start.offset:
            continue
        if wanted(block):
            yield from _of_block(at, block.length, lines_at(packed, block.offset, block.length), read)
        at = at.after(block.length, block.count)
        yield at, None


def _of_block(at: Position, length: int, lines: list[bytes], read: ReadLine) -> Iterator[Step]:
    for place in range(at.within, len(lines)):
        is_last = place + 1 == len(lines)
        after = at.after(length, len(lines)) if is_last else replace(at, within=place + 1)
        yield after, read(lines[place])
