"""All segments are read, and what is wrong with them is named."""

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from services.archive.cases.reading import SEGMENTS, Reading
from services.archive.cases.shelf import LISTED
from services.archive.cases.threads import Threads
from services.archive.domain.chain import UNKNOWN, broken
from services.archive.domain.segment import Segment
from shared.kernel.clock import Clock, running_seconds
from shared.segments import frames
from shared.segments.contents import check
from shared.segments.lines import GONE, Damaged
from shared.segments.places import Found, Place
from shared.store.repository import Repository

SOON_LISTED: Final = 60.0
"""Seconds after which a closed segment is on the list, where the store was there."""
Reached: TypeAlias = tuple[int, str, str]
"""Of a segment: which kind it is of, its last hubid, its name."""
OF_THE_FILE: Final = frozenset((errno.EIO, errno.EBADMSG, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ELOOP))
"""Errors of one segment rather than of the place where all of them lie: a sector that is lost, somebody else's file."""
AT_ONCE: Final = 5.0
"""Seconds of reading that one request is answered after: no client, and no gateway, waits for a whole archive."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one segment."""

    segment: str
    wrong: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of so many segments, that were read."""

    segments: int
    wrong: Sequence[Wrong]


class Verifying:
    """Of events, and of what is on record."""

    def __init__(
        self, readings: Sequence[Reading], collections: Sequence[Repository[Segment]], threads: Threads, clock: Clock
    ) -> None:
        self._kinds = list(zip(readings, collections, strict=True))
        self._threads = threads
        self._clock = clock

    async def verify(self, after: Reached | None) -> tuple[Verdict, Reached | None]:
        """Read every byte of some seconds' worth of segments, those that follow a place, and tell the next place; with
        the last of them, all that is found without reading. Raises BeingRead, Unavailable, OSError."""
        kind, place = (after[0], after[1:]) if after else (0, None)
        count, wrong, until = 0, list[Wrong](), running_seconds() + AT_ONCE
        with self._threads.alone():
            while kind < len(self._kinds):
                reading, collection = self._kinds[kind]
                page = await collection.find(LISTED, (), limit=SEGMENTS, after=place)
                for segment in (stored.value for stored in page):
                    place = segment.last, segment.id
                    if not self._is_live(segment):
                        continue
                    count += 1
                    wrong += await self._wrong(reading, segment)
                    if running_seconds() >= until:
                        return Verdict(count, wrong), (kind, *place)
                if len(page) < SEGMENTS:
                    kind, place = kind + 1, None
            return Verdict(count, [*wrong, *await self._beside()]), None

    async def damages(self, segments: Sequence[Segment]) -> list[str | None]:
        """What is wrong with each of the first segments, some seconds' worth; None where it is as it was closed, or was
        taken away at its time. Raises BeingRead, OSError."""
        found: list[str | None] = []
        until = running_seconds() + AT_ONCE
        with self._threads.alone():
            for segment in segments:
                wrong = await self._wrong(self._kinds[0][0], segment)
                found.append(wrong[0].wrong if wrong else None)
                if running_seconds() >= until:
                    break
        return found

    async def _wrong(self, reading: Reading, segment: Segment) -> list[Wrong]:
        found = await self._threads.run(lambda: _damage(reading.place_of(segment), segment))
        return [Wrong(segment.id, found)] if found is not None and self._is_live(segment) else []

    async def _beside(self) -> list[Wrong]:
        """Broken chains, closed segments without a document, torn ones that nobody goes on with."""
        wrong: list[Wrong] = []
        for reading, collection in self._kinds:
            listed = await _all(collection)
            wrong += [Wrong(each.id, UNKNOWN) for each in broken(listed)]
            names = {each.id for each in listed}
            wrong += await self._threads.run(lambda: list(_unlisted(reading.writers(), names)))  # noqa: B023 - it is awaited here
        return wrong

    def _is_live(self, segment: Segment) -> bool:
        return segment.removed_at is None and not segment.is_over(self._clock.now())


async def _all(collection: Repository[Segment]) -> list[Segment]:
    found: list[Segment] = []
    after: tuple[str, str] | None = None
    while True:
        page = await collection.find(LISTED, (), limit=SEGMENTS, after=after)
        found += [stored.value for stored in page]
        if len(page) < SEGMENTS:
            return found
        after = page[-1].value.last, page[-1].value.id


def _damage(place: Place, segment: Segment) -> str | None:
    """Raises OSError where nobody can tell."""
    try:
        check(place.whole(segment.id), segment.summary)
    except FileNotFoundError:
        return GONE
    except Damaged as wrong:
        return str(wrong)
    except OSError as error:
        if error.errno not in OF_THE_FILE:
            raise
        return f"it cannot be read: {os.strerror(error.errno)}"
    return None


def _unlisted(writers: Sequence[tuple[Place, str]], listed: set[str]) -> Iterator[Wrong]:
    """Closed segments without a document, what was set aside, and torn ones that nobody goes on with at the moment."""
    for place, writer in writers:
        found = place.segments(writer)
        for each in found:
            if not each.is_open and each.name not in listed and place.age(each.name) > SOON_LISTED:
                yield Wrong(each.name, "it is not on the list")
        for name in place.set_aside(writer):
            yield Wrong(name, "it lost a frame while it was open, and what followed: it is whole in the copy beside it")
        if place.is_left(writer):
            for each in found:
                if each.is_open and (torn := _torn(place, each)):
                    yield Wrong(each.name, f"it is torn, and is cut when its writer is held again: {torn}")


def _torn(place: Place, segment: Found) -> str | None:
    try:
        with place.unclosed(segment.name) as packed:
            for _ in frames.frames(packed):
                pass
    except FileNotFoundError:
        return None  # somebody closed it meanwhile
    except Damaged as torn:
        return str(torn)
    return None
