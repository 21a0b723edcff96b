"""What was accepted in a time, counted from the pages that decided it: nothing is written for it but a page's marks."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain, groupby, repeat
from typing import Any, Final, TypeAlias

from shared.contracts.hubids import least_of, minute_of
from shared.kernel.clock import running_seconds
from shared.store.documents import Collection

BY_TIME: Final = "by_time"
"""Of the pages, by when they were written."""
PAGES: Final = 50
"""Read at once."""
LATE: Final = timedelta(hours=1)
"""A page is written so long after the last of its ids was made, and no later, unless its process was frozen."""
EARLY: Final = timedelta(minutes=1)
"""And so long before, where the clock was set back meanwhile."""
AT_ONCE: Final = 2.0
"""Seconds of reading that one request is answered after."""
Counted: TypeAlias = Counter[tuple[str, int]]
"""By mark and minute."""
Place: TypeAlias = tuple[str, str]
"""Of a page: when it was written, its id."""


def runs(marks: Sequence[str]) -> list[list[Any]]:
    """Each with how often it stands there in a row: most pages have one."""
    return [[mark, sum(1 for _ in same)] for mark, same in groupby(marks)]


def marked(page: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The ids that a page holds, each with its mark."""
    marks = chain.from_iterable(repeat(mark, count) for mark, count in page["marks"])
    return zip(page["holds"], marks, strict=True)


class Counting:
    """Reads the pages that `Books` writes, whose ids are hubids."""

    def __init__(self, pages: Collection) -> None:
        self._pages = pages

    async def accepted(self, start: datetime, end: datetime, after: Place | None) -> tuple[Counted, Place | None]:
        """Of things whose ids were made in [`start`, `end`), those in the pages that follow a place, as many as are
        read in some seconds; and the next place, None after the last. Raises Unavailable."""
        first, last, until = least_of(start), least_of(end), (end + LATE).astimezone(UTC).isoformat()
        place = after or ((start - EARLY).astimezone(UTC).isoformat(), "")
        counted: Counted = Counter()
        stops = running_seconds() + AT_ONCE
        while True:
            pages = await self._pages.find(BY_TIME, (), limit=PAGES, after=place)
            for page in pages:
                counted.update((mark, minute_of(id_)) for id_, mark in marked(page.body) if first <= id_ < last)
                await asyncio.sleep(0)  # others have their turn in the process
            if len(pages) < PAGES or pages[-1].body["at"] > until:
                return counted, None
            place = pages[-1].body["at"], pages[-1].id
            if running_seconds() >= stops:
                return counted, place
