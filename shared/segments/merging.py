"""Lines of many segments, closed and open ones, in the order of their ids, without holding more than overlaps.

Everything here blocks: it belongs into a thread.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from shared.segments.contents import ReadLine, index_of, lines_at, may_have
from shared.segments.lines import GONE, Block, Damaged, DamagedSegment, Line
from shared.segments.places import Found, Place, opened
from shared.segments.unclosed import Unclosed

Wanted = Callable[[Block], bool]
"""May what is looked for be in that block?"""


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
