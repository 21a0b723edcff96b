"""All segments are read, and what is wrong with them is named."""

import asyncio
import fcntl
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services.archive.cases.reading import SEGMENTS, Reading
from services.archive.cases.shelf import LISTED
from services.archive.domain.chain import UNKNOWN, broken
from services.archive.domain.segment import Segment
from shared.kernel.clock import Clock
from shared.segments import frames
from shared.segments.appending import LOCK
from shared.segments.files import CLOSED, OPEN, check
from shared.segments.lines import Damaged
from shared.store.repository import Repository

SOON_LISTED: Final = 60.0
"""Seconds after which a closed segment is on the list, where the store was there."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one segment."""

    segment: str
    wrong: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of so many segments."""

    segments: int
    wrong: Sequence[Wrong]


class Verifying:
    """Of events, and of what is on record."""

    def __init__(self, readings: Sequence[Reading], collections: Sequence[Repository[Segment]], clock: Clock) -> None:
        self._kinds = list(zip(readings, collections, strict=True))
        self._clock = clock

    async def verify(self) -> Verdict:
        """Every byte is read. Raises Unavailable."""
        count = 0
        wrong: list[Wrong] = []
        for reading, collection in self._kinds:
            listed = await _all(collection)
            live = [each for each in listed if each.removed_at is None and not each.is_over(self._clock.now())]
            count += len(live)
            wrong += [Wrong(each.id, UNKNOWN) for each in broken(listed)]
            for segment in live:
                path = reading.path_of(segment)
                if (found := await asyncio.to_thread(_damage, path, segment)) is not None:
                    wrong.append(Wrong(segment.id, found))
            wrong += await asyncio.to_thread(lambda: list(_unlisted(reading.writers(), {each.id for each in listed})))  # noqa: B023 - it is awaited here
        return Verdict(count, wrong)


async def _all(collection: Repository[Segment]) -> list[Segment]:
    found: list[Segment] = []
    after: tuple[str, str] | None = None
    while True:
        page = await collection.find(LISTED, (), limit=SEGMENTS, after=after)
        found += [stored.value for stored in page]
        if len(page) < SEGMENTS:
            return found
        after = page[-1].value.last, page[-1].value.id


def _damage(path: Path, segment: Segment) -> str | None:
    try:
        check(path, segment.summary)
    except (Damaged, OSError) as wrong:
        return str(wrong)
    return None


def _unlisted(writers: Sequence[Path], listed: set[str]) -> Iterator[Wrong]:
    """Closed segments without a document, and torn ones that nobody goes on with at the moment."""
    for writer in writers:
        for path in sorted(writer.glob(f"*{CLOSED}")):
            if path.stem not in listed and path.stat().st_mtime < time.time() - SOON_LISTED:
                yield Wrong(path.stem, "it is not on the list")
        if _is_left(writer):
            for path in sorted(writer.glob(f"*{OPEN}")):
                try:
                    for _ in frames.frames(path.read_bytes()):
                        pass
                except Damaged as torn:
                    yield Wrong(path.stem, f"it is torn, and is cut when its folder is opened again: {torn}")


def _is_left(writer: Path) -> bool:
    """Does no process write there?"""
    try:
        with (writer / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
