"""Requests as they are folded from the log: after it, and anew where they are lost.

An entry leaves the head only when its request has it and its page is written, so that whoever reads the head first, and
the request after it, has everything.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial

from services.releases.cases.books import Books
from services.releases.cases.head import HEAD, MOST_IN_HEAD, Head, Page, extended, leaving, page_id, without
from services.releases.domain.happenings import Entry
from services.releases.domain.request import Request, folded
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Stored


class Folding:
    """Of one process; others fold the same beside it."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self._folded = -1
        """The size of the log up to which everything was folded once."""

    async def find(self, id_: str) -> Request | None:
        """The request with all that the log tells of it."""
        head = await self._books.head()
        return (await self.requests_of(head, {id_}))[id_]

    async def executed(self, execution: str) -> str | None:
        """The request that an execution is of."""
        for entry in (await self._books.head()).entries():
            if entry.kind == "executing" and entry.facts["execution"] == execution:
                return entry.request
        found = await self._books.requests.find("by_execution", (execution,), limit=1)
        return found[0].value.id if found else None

    async def requests_of(self, head: Head, ids: Iterable[str]) -> dict[str, Request | None]:
        """Whoever asks has read the head before: what left it since is in the requests. One that has more than the head
        tells that the head is not the newest, and the save that follows will conflict."""
        found: dict[str, Request | None] = dict.fromkeys(ids)
        for stored in await self._books.requests.load_many(found):
            found[stored.value.id] = stored.value
        for entry in head.entries():
            if entry.request in found:
                found[entry.request] = _after(found[entry.request], entry)
        return found

    async def with_room(self) -> Stored[Head] | None:
        """The head, its oldest leaves on their pages where they had become many."""
        stored = await self._books.heads.load(HEAD)
        if stored is None or len(stored.value.newest) < MOST_IN_HEAD:
            return stored
        head = stored.value
        pages = leaving(head)
        await self.fold(head)
        first = head.first
        for number, texts in pages.items():
            await self._write_page(number, first, texts)
            first += len(texts)
        return await self._books.heads.save(without(head, first - head.first), version=stored.version)

    async def _write_page(self, number: int, first: int, texts: Sequence[str]) -> None:
        def edit(page: Page | None) -> Page:
            return extended(page, number, first, texts)

        await self._books.pages.change(page_id(number), edit)

    async def fold(self, head: Head) -> None:
        """Bring the requests of the head's entries up to it; where one is lost, fold all of them anew."""
        by_request: dict[str, list[Entry]] = {}
        for entry in head.entries():
            if entry.request:
                by_request.setdefault(entry.request, []).append(entry)
        there = await asyncio.gather(*(self._fold_one(id_, entries) for id_, entries in by_request.items()))
        if not all(there):
            await self.fold_anew()

    async def _fold_one(self, id_: str, entries: Sequence[Entry]) -> bool:
        """False where the request is lost: the log tells of it, and it is not there."""
        stored = await self._books.requests.load(id_)
        request = stored.value if stored else None
        for entry in entries:
            request = _after(request, entry)
        if request is None or (stored is not None and request is stored.value):
            return request is not None
        try:
            await self._books.requests.save(request, version=stored.version if stored else 0)
        except Conflict:
            # Somebody else folds the same: what he has not, he has not seen yet.
            return await self._fold_one(id_, entries)
        return True

    async def fold_quietly(self, head: Head, touched: Iterable[Entry]) -> None:
        """Those of these entries at once, so that lists and timers know them; where it fails the task does it."""
        ids = {entry.request for entry in touched if entry.request}
        by_request = {id_: [entry for entry in head.entries() if entry.request == id_] for id_ in ids}
        try:
            await asyncio.gather(*(self._fold_one(id_, entries) for id_, entries in by_request.items()))
        except Unavailable:
            self._folded = -1

    async def catch_up(self, head: Head) -> None:
        """Fold what another process, or a crash, left behind."""
        if self._folded < 0 < head.first and not await self._books.requests.collection.count():
            await self.fold_anew()
        if head.size != self._folded:
            await self.fold(head)
            self._folded = head.size

    async def fold_anew(self) -> int:
        """Every request, from the whole log. The number of entries."""
        head = await self._books.head()
        requests: dict[str, Request | None] = {}
        async for entry in self._books.entries(head, 0, head.size):
            if entry.request:
                requests[entry.request] = folded(requests.get(entry.request), entry)
        for id_, request in requests.items():
            if request is not None:
                await self._books.requests.change(id_, partial(_newer, request))
        return head.size


def _after(request: Request | None, entry: Entry) -> Request | None:
    """The request has the entry already, or has it now."""
    if request is not None and entry.n <= request.through:
        return request
    return folded(request, entry)


def _newer(request: Request, stored: Request | None) -> Request:
    return request if stored is None or stored.through < request.through else stored
