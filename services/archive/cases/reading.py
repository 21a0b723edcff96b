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
from shared.segments.merging import Piece, Wanted, merged, pieces_of
from shared.segments.places import Found, Place
from shared.segments.unclosed import Unclosed
from shared.store.repository import Repository

SEGMENTS: Final = 500
NOT_LISTED: Final = 3
"""Of a writer, those that it closed last may not be listed yet."""


@dataclass(frozen=True, slots=True)
class Span:
    """Hubids in [`first`, `last`)."""

    first: str = ""
    last: str = AFTER_ALL

    def overlaps(self, first: str, last: str) -> bool:
        return first < self.last and last >= self.first

    def has(self, hubid: str) -> bool:
        return self.first <= hubid < self.last


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
    ) -> None:
        self.threads = threads
        self._root = root
        self.classes = classes
        self._segments = segments
        self.read_line = read
        self._open_ones = Unclosed(read)
        self._clock = clock

    async def lines(
        self,
        span: Span,
        wanted: Callable[[Block], bool] = anything,
        text: str | None = None,
        *,
        keep: str | None = None,
    ) -> Iterator[Line]:
        """Those of the span, and of a class of keeping where one is named, that are in blocks which may have what is
        wanted; `text` is an id or a key without which nothing is. What was kept twice comes twice. Whoever goes on with
        the iterator blocks; it raises DamagedSegment, OSError."""
        # before the list: what is closed meanwhile is in both
        unlisted = await self.threads.run(lambda: self._unlisted(keep))
        listed = {each.id: each for each in await self.listed(span) if keep in {None, each.keep}}

        def may_have(block: Block) -> bool:
            return span.overlaps(block.first, block.last) and wanted(block)

        def pieces() -> Iterator[Piece]:
            for segment in listed.values():
                yield from self._pieces(self.place_of(segment), segment.found, segment, may_have, text)
            for place, found in unlisted:
                if found.name not in listed:
                    yield from self._pieces(place, found, None, may_have, text)

        def was_time(name: str) -> bool:
            return name in listed and listed[name].is_over(self._clock.now())

        def read() -> Iterator[Line]:
            found = merged(pieces(), self.read_line, was_time)
            return takewhile(lambda line: line.id < span.last, dropwhile(lambda line: line.id < span.first, found))

        return read()

    async def listed(self, span: Span) -> list[Segment]:
        """Closed segments that have something of the span, and are there."""
        found: list[Segment] = []
        after = (span.first, "") if span.first else None
        while True:
            page = await self._segments.find(LISTED, (), limit=SEGMENTS, after=after)
            found += [
                stored.value
                for stored in page
                if stored.value.removed_at is None and span.overlaps(stored.value.first, stored.value.last)
            ]
            if len(page) < SEGMENTS:
                return found
            after = page[-1].value.last, page[-1].value.id

    def writers(self, keep: str | None = None) -> list[tuple[Place, str]]:
        """All of them, or those of one class of keeping, each where it writes. It blocks."""
        places = [place_of(self._root, each) for each in self.classes() if keep in {None, each}]
        return [(place, writer) for place in places for writer in place.writers()]

    def place_of(self, segment: Segment) -> Place:
        return place_of(self._root, segment.keep)

    def _pieces(
        self, place: Place, found: Found, segment: Segment | None, wanted: Wanted, text: str | None
    ) -> list[Piece]:
        try:
            return pieces_of(place, found, wanted, self._open_ones, text)
        except DamagedSegment as damaged:
            is_gone = damaged.wrong == GONE
            if is_gone and (segment is None or segment.is_over(self._clock.now())):
                return []  # its time was over, and it was taken away
            raise

    def _unlisted(self, keep: str | None) -> list[tuple[Place, Found]]:
        """Those that are written at this moment, and those that were closed a moment ago."""
        found: list[tuple[Place, Found]] = []
        for place, writer in self.writers(keep):
            segments = place.segments(writer)
            found += [(place, each) for each in segments if each.is_open]
            found += [(place, each) for each in segments if not each.is_open][-NOT_LISTED:]
        return found
