"""Lines of many segments, closed and open ones, in the order of their ids, without holding or looking into more than
overlaps.

Everything here blocks: it belongs into a thread.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Final

from shared.segments.contents import ReadLine, index_of, lines_at, may_have
from shared.segments.lines import GONE, Block, Damaged, DamagedSegment, Line
from shared.segments.places import Found, Place, opened
from shared.segments.unclosed import Unclosed

Wanted = Callable[[Block], bool]
"""May what is looked for be in that block?"""
LOOKED_INTO: Final = 250
"""Lines that are read in the time in which a segment is looked into, where nothing of it is wanted."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A block's place in a segment. An open one may be closed meanwhile: the place stays."""

    place: Place
    segment: Found
    offset: int
    length: int
    first: str

    def lines(self, may_be_gone: Callable[[str], bool]) -> list[bytes]:
        """None, where it may be gone and is. Raises DamagedSegment, OSError."""
        with _named(self.segment):
            try:
                with opened(self.place, self.segment) as (packed, _):
                    return lines_at(packed, self.offset, self.length)
            except FileNotFoundError:
                if may_be_gone(self.segment.name):
                    return []
                raise


@dataclass(frozen=True, slots=True)
class Sealed:
    """A segment in which nothing is before `first`; what is in it is looked for when that is reached."""

    first: str
    pieces: Callable[[], Sequence[Piece]]


class Budget:
    """How much is read for one answer, in lines: whoever is answered goes on at `reached`, before which all is told;
    None where there is nothing more. Several may read by one."""

    def __init__(self, lines: int, start: str) -> None:
        """`start` is where the answer begins: what overlaps there is read in any case, so that each goes on."""
        self._left = lines
        self._start = start
        self.reached: str | None = None

    def spend(self, lines: int) -> None:
        self._left -= lines

    def is_over(self, first: str) -> bool:
        """Is what begins there left to the next answer?"""
        if self._left > 0 or first <= self._start:
            return False
        self.end(first)
        return True

    def end(self, at: str) -> None:
        """What begins there is left to the next answer, whatever could be read."""
        self.reached = min(at, self.reached or at)

    def has(self, id_: str) -> bool:
        """Is that told by this answer?"""
        return self.reached is None or id_ < self.reached


def pieces_of(place: Place, segment: Found, wanted: Wanted, unclosed: Unclosed, text: str | None = None) -> list[Piece]:
    """Of one segment, as far as it is whole. `text` is an id or a key without which nothing of it is wanted. Raises
    DamagedSegment where a closed one is not whole, or is gone, OSError."""
    with _named(segment), opened(place, segment) as (packed, is_open):
        if is_open:
            blocks = unclosed.blocks(segment.name, packed)
        else:
            unclosed.forget(segment.name)
            blocks = index_of(packed)[0] if text is None or may_have(packed, text) else []
        found = Found(segment.name, is_open)
        return [Piece(place, found, each.offset, each.length, each.first) for each in blocks if wanted(each)]


@contextmanager
def _named(segment: Found) -> Iterator[None]:
    """Whatever is wrong with a segment is said with its name."""
    try:
        yield
    except FileNotFoundError as error:
        raise DamagedSegment(segment.name, GONE) from error
    except Damaged as error:
        raise DamagedSegment(segment.name, str(error)) from error


def never(_: str) -> bool:
    return False


def merged(
    sources: Iterable[Piece | Sealed],
    read: ReadLine,
    may_be_gone: Callable[[str], bool] = never,
    budget: Budget | None = None,
) -> Iterator[Line]:
    """In the order of ids; a line that was kept twice comes twice, one after the other. `may_be_gone` is asked by the
    name of a segment that is not there: was it taken away at its time? It ends where the budget does. Raises
    DamagedSegment, OSError."""
    waiting: list[tuple[str, int, Line]] = []
    numbers = count()
    left = [(source.first, next(numbers), source) for source in sources]
    heapq.heapify(left)
    while left:
        first, _, source = heapq.heappop(left)
        while waiting and waiting[0][0] < first:
            yield heapq.heappop(waiting)[2]
        if budget is not None and budget.is_over(first):
            return
        if isinstance(source, Sealed):
            spent = LOOKED_INTO
            for piece in source.pieces():
                heapq.heappush(left, (piece.first, next(numbers), piece))
        else:
            texts = source.lines(may_be_gone)
            spent = len(texts)
            for line in map(read, texts):
                heapq.heappush(waiting, (line.id, next(numbers), line))
        if budget is not None:
            budget.spend(spent)
    while waiting:
        yield heapq.heappop(waiting)[2]


def once(lines: Iterable[Line]) -> Iterator[Line]:
    """Of lines in the order of their ids, the first of each id."""
    last = None
    for line in lines:
        if line.id != last:
            last = line.id
            yield line
