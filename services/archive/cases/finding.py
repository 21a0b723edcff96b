"""Events are found: by time through the list of segments, by id through what blocks know is not in them."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from services.archive.cases.keeping import LISTED
from services.archive.domain import Segment, read_line
from shared.segments import frames
from shared.segments.appending import path_of
from shared.segments.files import CLOSED, OPEN, check, index_of, lines_of, that_may_have
from shared.segments.lines import Block, Damaged, Line
from shared.store.repository import Repository, Stored

SEGMENTS: Final = 500
"""Looked at for one page of what is found."""
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND: Final = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: accepted in [`start`, `end`), by all that is given."""

    start: datetime | None = None
    end: datetime | None = None
    partner: str | None = None
    kind: str | None = None
    event_id: str | None = None
    after: str = ""
    """The hubid that the page follows."""

    @property
    def first(self) -> str:
        return max(_hubid(self.start) if self.start else "", self.after)

    @property
    def last(self) -> str:
        """No hubid that is looked for is as great."""
        return _hubid(self.end) if self.end else "g"

    def may_be_in(self, block: Block) -> bool:
        if block.last < self.first or block.first >= self.last:
            return False
        if self.partner is not None and self.partner not in block.owners:
            return False
        return self.kind is None or self.kind in block.kinds

    def is_it(self, line: Line) -> bool:
        if not (self.first <= line.id < self.last) or line.id == self.after:
            return False
        if self.partner is not None and line.owner != self.partner:
            return False
        if self.kind is not None and line.kind != self.kind:
            return False
        return self.event_id is None or line.key.partition(":")[2] == self.event_id


class Finding:
    """Reads the segments of the folder, closed and open ones. What was kept twice is told once."""

    def __init__(self, folder: Path, segments: Repository[Segment]) -> None:
        self._folder = folder
        self._segments = segments

    async def find(self, wanted: Wanted, limit: int) -> list[Line]:
        """In the order of acceptance, the first so many. Raises Damaged."""
        listed = [stored.value for stored in await self._overlapping(wanted)]
        return await asyncio.to_thread(self._find, wanted, [each.id for each in listed], limit)

    async def has(self, hubid: str) -> bool:
        """Is an event of that name kept?"""
        listed = [
            each.value.id
            for each in await self._overlapping(Wanted(after=""))
            if each.value.first <= hubid <= each.value.last
        ]
        return await asyncio.to_thread(self._has, hubid, listed)

    async def segments(self, after: tuple[str, str] | None, limit: int) -> list[Segment]:
        return [stored.value for stored in await self._segments.find(LISTED, (), limit=limit, after=after)]

    async def stats(self) -> dict[str, Any]:
        """All that is in closed segments; one page was perhaps kept twice, and counts twice."""
        all_ = [stored.value for stored in await self._overlapping(Wanted())]
        return {
            "segments": len(all_),
            "events": sum(each.count for each in all_),
            "bytes": sum(each.size for each in all_),
            "partners": dict(sum((Counter(each.owners) for each in all_), Counter())),
            "types": dict(sum((Counter(each.kinds) for each in all_), Counter())),
        }

    async def damaged(self, segment: Segment) -> str | None:
        """What is wrong with a segment; None where it is as it was closed."""
        try:
            await asyncio.to_thread(check, path_of(self._folder, segment.id), segment.summary)
        except (Damaged, OSError) as wrong:
            return str(wrong)
        return None

    async def _overlapping(self, wanted: Wanted) -> Sequence[Stored[Segment]]:
        found: list[Stored[Segment]] = []
        after = (wanted.first, "") if wanted.first else None
        while True:
            page = await self._segments.find(LISTED, (), limit=SEGMENTS, after=after)
            found += [stored for stored in page if stored.value.first < wanted.last]
            if len(page) < SEGMENTS:
                return found
            after = page[-1].value.last, page[-1].value.id

    def _find(self, wanted: Wanted, listed: Sequence[str], limit: int) -> list[Line]:
        found: dict[str, Line] = {}
        for line in self._lines(wanted, listed):
            if wanted.is_it(line):
                found[line.id] = line
                if len(found) > 2 * limit:
                    found = dict(sorted(found.items())[:limit])
        return [found[id_] for id_ in sorted(found)][:limit]

    def _has(self, hubid: str, listed: Sequence[str]) -> bool:
        for name in listed:
            path = path_of(self._folder, name)
            blocks, _ = index_of(path)
            if any(read_line(text).id == hubid for text in lines_of(path, that_may_have(blocks, hubid))):
                return True
        return any(line.id == hubid for line in self._unlisted())

    def _lines(self, wanted: Wanted, listed: Sequence[str]) -> Iterator[Line]:
        key = f"{wanted.partner}:{wanted.event_id}" if wanted.partner and wanted.event_id else None
        for name in listed:
            path = path_of(self._folder, name)
            blocks = [block for block in index_of(path)[0] if wanted.may_be_in(block)]
            yield from map(read_line, lines_of(path, that_may_have(blocks, key) if key else blocks))
        yield from self._unlisted()

    def _unlisted(self) -> Iterator[Line]:
        """Of segments that are written at this moment: as far as they are whole."""
        for path in self._folder.glob(f"*/*{OPEN}"):
            try:
                for _, _, text in frames.frames(path.read_bytes()):
                    yield from map(read_line, text.splitlines())
            except FileNotFoundError:
                closed = path.with_suffix(CLOSED)  # meanwhile
                yield from map(read_line, lines_of(closed, index_of(closed)[0]))
            except Damaged:
                continue  # a frame that is being written


def _hubid(moment: datetime) -> str:
    """The least one of that millisecond."""
    return str(uuid.UUID(int=(max(0, (moment - EPOCH) // MILLISECOND)) << 80))
