"""What there is in the segments of one collection, closed and open ones, in the order of hubids."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from typing import Final

from services.archive.cases.shelf import LISTED, place_of
from services.archive.cases.threads import Threads
from services.archive.domain.segment import Segment
from shared.contracts.hubids import AFTER_ALL
from shared.kernel.clock import Clock
from shared.segments.contents import ReadLine
from shared.segments.lines import GONE, Block, DamagedSegment, Line
from shared.segments.merging import Budget, Piece, Sealed, Wanted, merged, pieces_of
from shared.segments.places import Found, Place
from shared.segments.unclosed import Unclosed
from shared.store.repository import Repository

SEGMENTS: Final = 500
NOT_LISTED: Final = 3
"""Of a writer, those that it closed last may not be listed yet."""
A_PAGE: Final = 20_000
"""Lines that are read for one request, half a second's where nothing else goes on: whoever asks goes on by a cursor."""


@dataclass(frozen=True, slots=True)
class Span:
    """Hubids in [`first`, `last`)."""

    first: str = ""
    last: str = AFTER_ALL

    def overlaps(self, first: str, last: str) -> bool:
        return first < self.last and last >= self.first


@dataclass(frozen=True, slots=True)
class _There:
    """A segment, and where it lies; without a document one that is written, or was closed a moment ago."""

    keep: str
    place: Place
    found: Found
    segment: Segment | None = None


def _is_there(segment: Segment, span: Span) -> bool:
    """Has it something of the span, and was not taken away?"""
    return segment.removed_at is None and span.overlaps(segment.first, segment.last)


def anything(_: Block) -> bool:
    return True


class Reading:
    """`classes` are those of keeping that there are; it blocks."""

    def __init__(  # noqa: PLR0917 - its composition root has them in this order
        self,
        root: Place,
        classes: Callable[[], Sequence[str]],
        segments: Repository[Segment],
        read: ReadLine,
        threads: Threads,
        clock: Clock,
        open_ones: Unclosed | None = None,
    ) -> None:
        """`open_ones` is what is known of segments that are written."""
        self.threads = threads
        self._root = root
        self.classes = classes
        self._segments = segments
        self.read_line = read
        self._open_ones = open_ones or Unclosed(read)
        self._clock = clock

    async def lines(
        self,
        span: Span,
        wanted: Callable[[Block], bool] = anything,
        text: str | None = None,
        budget: Budget | None = None,
    ) -> Iterator[Line]:
        """Those of the span that are in blocks which may have what is wanted, as far as the budget goes; `text` is an
        id or a key without which nothing is. What was kept twice comes twice. Whoever goes on with the iterator blocks;
        it raises DamagedSegment, OSError."""
        return self._lines(await self._there(span), span, wanted, text, budget)

    async def parted(
        self,
        span: Span,
        wanted: Callable[[Block], bool] = anything,
        text: str | None = None,
        budget: Budget | None = None,
    ) -> dict[str, Iterator[Line]]:
        """The same by class of keeping."""
        parts: dict[str, list[_There]] = {}
        for each in await self._there(span):
            parts.setdefault(each.keep, []).append(each)
        return {keep: self._lines(there, span, wanted, text, budget) for keep, there in parts.items()}

    async def _there(self, span: Span) -> list[_There]:
        # before the list: what is closed meanwhile is in both
        unlisted = await self.threads.run(self._unlisted)
        since = await self._listed_since(span.first)
        there = [_There(each.keep, self.place_of(each), each.found, each) for each in since if _is_there(each, span)]
        names = {each.id for each in since}
        return there + [each for each in unlisted if each.found.name not in names]

    def _lines(
        self, there: Sequence[_There], span: Span, wanted: Wanted, text: str | None, budget: Budget | None
    ) -> Iterator[Line]:
        listed = {each.segment.id: each.segment for each in there if each.segment is not None}

        def may_have(block: Block) -> bool:
            return span.overlaps(block.first, block.last) and wanted(block)

        def was_time(name: str) -> bool:
            return name in listed and listed[name].is_over(self._clock.now())

        def sealed(each: _There) -> Sealed:
            first = each.segment.first if each.segment is not None else ""
            return Sealed(first, lambda: self._pieces(each, may_have, text))

        found = merged(map(sealed, there), self.read_line, was_time, budget)
        return takewhile(lambda line: line.id < span.last, dropwhile(lambda line: line.id < span.first, found))

    async def listed(self, span: Span) -> list[Segment]:
        """Closed segments that have something of the span, and are there."""
        return [each for each in await self._listed_since(span.first) if _is_there(each, span)]

    async def _listed_since(self, first: str) -> list[Segment]:
        """Closed segments that have something of then or later, also those that were taken away."""
        found: list[Segment] = []
        after = (first, "") if first else None
        while True:
            page = await self._segments.find(LISTED, (), limit=SEGMENTS, after=after)
            found += [stored.value for stored in page]
            if len(page) < SEGMENTS:
                return found
            after = page[-1].value.last, page[-1].value.id

    def writers(self) -> list[tuple[Place, str]]:
        """All of them, each where it writes. It blocks."""
        return [(place, writer) for _, place in self._places() for writer in place.writers()]

    def place_of(self, segment: Segment) -> Place:
        return place_of(self._root, segment.keep)

    def _places(self) -> list[tuple[str, Place]]:
        return [(keep, place_of(self._root, keep)) for keep in self.classes()]

    def _pieces(self, there: _There, wanted: Wanted, text: str | None) -> list[Piece]:
        try:
            return pieces_of(there.place, there.found, wanted, self._open_ones, text)
        except DamagedSegment as damaged:
            is_gone = damaged.wrong == GONE
            if is_gone and (there.segment is None or there.segment.is_over(self._clock.now())):
                return []  # its time was over, and it was taken away
            raise

    def _unlisted(self) -> list[_There]:
        """Those that are written at this moment, and those that were closed a moment ago."""
        found: list[_There] = []
        for keep, place in self._places():
            for writer in place.writers():
                segments = place.segments(writer)
                open_ones = [each for each in segments if each.is_open]
                closed = [each for each in segments if not each.is_open][-NOT_LISTED:]
                found += [_There(keep, place, each) for each in (*open_ones, *closed)]
        return found
