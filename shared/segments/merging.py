"""Lines of many segments, closed and open ones, in the order of their ids, without holding more than overlaps.

Everything here blocks: it belongs into a thread.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shared.segments import frames
from shared.segments.files import CLOSED, OPEN, ReadLine, index_of, may_have
from shared.segments.lines import GONE, Block, Damaged, DamagedSegment, Line

Wanted = Callable[[Block], bool]
"""May what is looked for be in that block?"""


@dataclass(frozen=True, slots=True)
class Piece:
    """A block's place in a file. An open file may be closed meanwhile: the place stays."""

    path: Path
    offset: int
    length: int
    first: str

    def lines(self, may_be_gone: Callable[[str], bool]) -> list[bytes]:
        """None, where it may be gone and is. Raises DamagedSegment, OSError."""
        with _named(self.path):
            try:
                with self._opened() as file:
                    file.seek(self.offset)
                    return frames.unpacked(file.read(self.length)).splitlines()
            except FileNotFoundError:
                if may_be_gone(self.path.stem):
                    return []
                raise

    def _opened(self) -> IO[bytes]:
        try:
            return self.path.open("rb")
        except FileNotFoundError:
            return self.path.with_suffix(CLOSED).open("rb")


def pieces_of(path: Path, wanted: Wanted, read: ReadLine, text: str | None = None) -> list[Piece]:
    """Of one segment, as far as it is whole. `text` is an id or a key without which nothing of it is wanted. Raises
    DamagedSegment where a closed one is not whole, or is gone, OSError."""
    with _named(path):
        if path.suffix == OPEN:
            try:
                return _of_open(path, read)
            except FileNotFoundError:
                path = path.with_suffix(CLOSED)  # meanwhile
        if text is not None and not may_have(path, text):
            return []
        return [Piece(path, each.offset, each.length, each.first) for each in index_of(path)[0] if wanted(each)]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Whatever is wrong with a segment is said with its name."""
    try:
        yield
    except FileNotFoundError as error:
        raise DamagedSegment(path.stem, GONE) from error
    except Damaged as error:
        raise DamagedSegment(path.stem, str(error)) from error


def _of_open(path: Path, read: ReadLine) -> list[Piece]:
    """All that is whole: nothing is known yet of what is not in it."""
    found = []
    try:
        for offset, length, text in frames.frames(path.read_bytes()):
            first = min(read(line).id for line in text.splitlines())
            found.append(Piece(path, offset, length, first))
    except Damaged:
        pass  # a frame that is being written
    return found


def never(_: str) -> bool:
    return False


def merged(pieces: Iterable[Piece], read: ReadLine, may_be_gone: Callable[[str], bool] = never) -> Iterator[Line]:
    """In the order of ids; a line that was kept twice comes twice, one after the other. `may_be_gone` is asked by the
    name of a segment that is not there: was it taken away at its time? Raises DamagedSegment, OSError."""
    waiting: list[tuple[str, int, Line]] = []
    number = 0
    for piece in sorted(pieces, key=lambda each: each.first):
        while waiting and waiting[0][0] < piece.first:
            yield heapq.heappop(waiting)[2]
        for text in piece.lines(may_be_gone):
            line = read(text)
            number += 1
            heapq.heappush(waiting, (line.id, number, line))
    while waiting:
        yield heapq.heappop(waiting)[2]


def once(lines: Iterable[Line]) -> Iterator[Line]:
    """Of lines in the order of their ids, the first of each id."""
    last = None
    for line in lines:
        if line.id != last:
            last = line.id
            yield line
