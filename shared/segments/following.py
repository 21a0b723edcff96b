"""What one writer wrote, in the order in which it did: followed from a position on, whatever becomes of the segments.

Ids order all writers' lines by time, but a line may be written long after another one of a greater id: who goes on from
an id leaves behind what came late. Each writer by itself only ever adds to the end: its segments are ordered by name,
and one that has a successor is complete. So a position in each writer's log leaves nothing behind.

Everything here blocks: it belongs into a thread.
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from shared.segments import frames
from shared.segments.files import CLOSED, OPEN, ReadLine, index_of, names_in
from shared.segments.lines import GONE, Block, Damaged, DamagedSegment, Line
from shared.segments.merging import Wanted

SETTLED: Final = 2_000_000_000
"""Nanoseconds after which a change of a folder shows in its time for certain: file systems count in ticks."""


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


class Names:
    """The segments of a writer's folder, read anew when the folder has changed. Any thread may ask."""

    def __init__(self, read: Callable[[Path], set[str]] = names_in) -> None:
        self._read = read
        self._known: dict[Path, tuple[int, list[str]]] = {}

    def of(self, folder: Path) -> list[str]:
        """In their order. Raises OSError."""
        changed = folder.stat().st_mtime_ns
        known = self._known.get(folder)
        if known is not None and known[0] == changed:
            return known[1]
        found = sorted(self._read(folder))
        if time.time_ns() - changed > SETTLED:
            self._known[folder] = changed, found
        return found


def followed(
    folder: Path, names: list[str], start: Position, wanted: Wanted, read: ReadLine
) -> Iterator[tuple[Position, Line | None]]:
    """Each line behind the position, with the position after it; without a line where something was passed over.
    `names` were read before: all of them but the last are complete. It ends where nothing more is written yet. Raises
    DamagedSegment, OSError."""
    at = start
    for name in names:
        if name < start.segment:
            continue
        if name != at.segment:
            at = Position(name)
            yield at, None
        for at, line in _of_segment(folder, at, wanted, read):  # noqa: B020 - it goes on from there
            yield at, line


def _of_segment(
    folder: Path, start: Position, wanted: Wanted, read: ReadLine
) -> Iterator[tuple[Position, Line | None]]:
    path = folder / f"{start.segment}{CLOSED}"
    try:
        try:
            with (folder / f"{start.segment}{OPEN}").open("rb") as file:
                yield from _of_open(_Pieces(file.fileno()), start, read)
        except FileNotFoundError:
            yield from _of_closed(path, start, wanted, read)
    except FileNotFoundError as error:
        raise DamagedSegment(start.segment, GONE) from error
    except Damaged as damaged:
        raise DamagedSegment(start.segment, str(damaged)) from damaged


def _of_open(packed: frames.Packed, start: Position, read: ReadLine) -> Iterator[tuple[Position, Line | None]]:
    at = start
    try:
        for _, length, text in frames.frames(packed, start.offset):
            lines = text.splitlines()
            yield from _of_block(at, length, lines, read)
            at = at.after(length, len(lines))
    except Damaged:
        return  # a frame that is being written


def _of_closed(path: Path, start: Position, wanted: Wanted, read: ReadLine) -> Iterator[tuple[Position, Line | None]]:
    at = start
    with path.open("rb") as file:
        for block in index_of(path)[0]:
            if block.offset < start.offset:
                continue
            if wanted(block):
                yield from _of_block(at, block.length, _lines(file.fileno(), block), read)
            at = at.after(block.length, block.count)
            yield at, None


def _of_block(at: Position, length: int, lines: list[bytes], read: ReadLine) -> Iterator[tuple[Position, Line | None]]:
    for place in range(at.within, len(lines)):
        is_last = place + 1 == len(lines)
        after = at.after(length, len(lines)) if is_last else replace(at, within=place + 1)
        yield after, read(lines[place])


def _lines(descriptor: int, block: Block) -> list[bytes]:
    return frames.unpacked(os.pread(descriptor, block.length, block.offset)).splitlines()


class _Pieces:
    """A file that grows, and may be cut: what is asked for is read then."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        end = min(part.stop, self._size)
        return os.pread(self._descriptor, max(0, end - part.start), part.start)
