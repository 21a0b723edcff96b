"""The log, and whoever appends to it: a decision has happened when the head is saved, and not before.

Requests are projections: they are folded from the log afterwards, may be behind it, and can be folded anew. An entry
leaves the head only when its request has it and its page is written, so that whoever reads the head first, and the
request after it, has everything.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from services.releases.cases.head import (
    HEAD,
    MOST_IN_HEAD,
    PAGE,
    Head,
    Page,
    appended,
    extended,
    leaving,
    page_id,
    without,
)
from services.releases.domain import commands as said
from services.releases.domain.case import Decision
from services.releases.domain.commands import Command
from services.releases.domain.deciding import decide
from services.releases.domain.governing import govern
from services.releases.domain.happenings import Entry
from services.releases.domain.policy import Rules
from services.releases.domain.request import Request, folded
from services.releases.domain.telling import told
from shared.bus.outbox import Outbox
from shared.kernel.clock import Clock
from shared.kernel.meter import NoReleaseMeter, ReleaseMeter
from shared.ledgerlog.leaves import Leaf
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Repository, Stored

AT_ONCE: Final = 32
"""Commands that are decided for one write."""
TRIES: Final = 30
"""Others who write the head first, one after the other, before a command is given up."""
LONGEST_WAIT: Final = 0.2
"""Seconds, before the last of those tries: who was slower lets others finish."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a command. `request` is as it stands afterwards; `index` the log's number of the last entry."""

    decision: Decision
    request: Request | None
    index: int
    at: datetime


@dataclass
class _Waiting:
    command: Command
    request: str
    answer: asyncio.Future[Done]


@dataclass
class _Draft:
    """The head as it would be, and what it is made of."""

    head: Head
    requests: dict[str, Request | None]
    entries: list[Entry] = field(default_factory=list)


@dataclass(frozen=True)
class Books:
    """Where it is kept. The outbox must watch the heads."""

    heads: Repository[Head]
    pages: Repository[Page]
    requests: Repository[Request]


class Log:
    """One for each process; any number of processes have one log."""

    def __init__(
        self, books: "Books", outbox: Outbox, clock: Clock, rules: Rules, *, meter: ReleaseMeter | None = None
    ) -> None:
        self.heads, self.pages, self.requests = books.heads, books.pages, books.requests
        self.rules = rules
        self._outbox = outbox
        self._clock = clock
        self._meter = meter or NoReleaseMeter()
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None
        self._folded = -1
        self._changed = asyncio.Event()
        self.outdated = True
        """Has the log been told of newer files than this process reads, or of none yet? As last seen."""

    async def tell(self, command: Command, request: str = "") -> Done:
        """Decide, and have it happen. Raises Unavailable: nobody knows whether it has."""
        answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(command, command.id if isinstance(command, said.Ask) else request, answer))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="releases' log")
        return await answer

    async def head(self) -> Head:
        """As last saved."""
        stored = await self.heads.load(HEAD)
        return stored.value if stored else Head()

    async def find(self, id_: str) -> Request | None:
        """The request with all that the log tells of it."""
        head = await self.head()
        return (await self._requests_of(head, {id_}))[id_]

    async def executed(self, execution: str) -> str | None:
        """The request that an execution is of."""
        for entry in (await self.head()).entries():
            if entry.kind == "executing" and entry.facts["execution"] == execution:
                return entry.request
        found = await self.requests.find("by_execution", (execution,), limit=1)
        return found[0].value.id if found else None

    def changes(self) -> asyncio.Event:
        """Set when this process appends something next."""
        return self._changed

    async def drain(self) -> None:
        """Return when what was told is decided."""
        while self._working is not None and not self._working.done():
            await asyncio.wait((self._working,))

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            try:
                await self._settle(batch)
            except Exception as error:  # noqa: BLE001 - each of those who wait is told of it
                for each in batch:
                    if not each.answer.done():
                        each.answer.set_exception(error)

    async def _settle(self, batch: Sequence[_Waiting]) -> None:
        """Decide them one after the other, and save the head once."""
        for tries in range(TRIES):
            try:
                draft, answers = await self._tried(batch)
            except Conflict as error:
                if tries == TRIES - 1:
                    raise Unavailable("others write the log all the time") from error
                await asyncio.sleep(LONGEST_WAIT * tries / TRIES)
                continue
            for each, answer in zip(batch, answers, strict=True):
                if not each.answer.done():
                    each.answer.set_result(answer)
            await self._fold_quietly(draft)
            return

    async def _tried(self, batch: Sequence[_Waiting]) -> tuple[_Draft, list[Done]]:
        """Over the head as it is now. Raises Conflict where somebody else has written it meanwhile: making room for
        leaves is a write of it, too."""
        stored = await self._with_room()
        head = stored.value if stored else Head()
        draft = _Draft(head, await self._requests_of(head, _named(batch)))
        self._tell_of_the_rules(draft)
        answers = [self._decided(draft, each) for each in batch]
        await self._save(stored, draft)
        return draft, answers

    def _tell_of_the_rules(self, draft: _Draft) -> None:
        """Files that the log does not know yet are told to it before anything is decided by them."""
        if not draft.head.standing.knows(self.rules):
            now = draft.head.time(self._clock.now())
            decision = govern(draft.head.standing, self.rules, said.ReadRules(), now)
            draft.head, draft.entries = appended(draft.head, decision.entries, now)

    def _decided(self, draft: _Draft, waiting: _Waiting) -> Done:
        command, head = waiting.command, draft.head
        now = head.time(self._clock.now())
        if isinstance(command, said.OfAll):
            decision = govern(head.standing, self.rules, command, now)
        else:
            decision = decide(draft.requests[waiting.request], head.standing, self.rules, command, now)
        draft.head, entries = appended(head, decision.entries, now)
        draft.entries += entries
        for entry in entries:
            if entry.request:
                draft.requests[entry.request] = folded(draft.requests.get(entry.request), entry)
        request = draft.requests.get(waiting.request)
        return Done(decision, request, request.through if request else draft.head.size - 1, now)

    async def _save(self, stored: Stored[Head] | None, draft: _Draft) -> None:
        """The commit point."""
        if not draft.entries:
            return
        messages = [self._outbox.entry(event) for event in told(draft.entries, draft.requests)]
        await self.heads.save(draft.head, version=stored.version if stored else 0, messages=messages)
        self._outbox.send_soon(self.heads.collection, HEAD, messages)
        for kind, count in Counter(entry.kind for entry in draft.entries).items():
            self._meter.appended(kind, count)
        before, self._changed = self._changed, asyncio.Event()
        before.set()

    async def _requests_of(self, head: Head, ids: Iterable[str]) -> dict[str, Request | None]:
        """Whoever asks has read the head before: what left it since is in the requests. One that has more than the head
        tells that the head is not the newest, and the save that follows will conflict."""
        found: dict[str, Request | None] = dict.fromkeys(ids)
        for stored in await self.requests.load_many(found):
            found[stored.value.id] = stored.value
        for entry in head.entries():
            if entry.request in found:
                found[entry.request] = _after(found[entry.request], entry)
        return found

    async def _with_room(self) -> Stored[Head] | None:
        """The head, its oldest leaves on their pages where they had become many."""
        stored = await self.heads.load(HEAD)
        if stored is None or len(stored.value.newest) < MOST_IN_HEAD:
            return stored
        head = stored.value
        pages = leaving(head)
        await self.fold(head)
        first = head.first
        for number, texts in pages.items():
            await self._write_page(number, first, texts)
            first += len(texts)
        return await self.heads.save(without(head, first - head.first), version=stored.version)

    async def _write_page(self, number: int, first: int, texts: Sequence[str]) -> None:
        def edit(page: Page | None) -> Page:
            return extended(page, number, first, texts)

        await self.pages.change(page_id(number), edit)

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
        stored = await self.requests.load(id_)
        request = stored.value if stored else None
        for entry in entries:
            request = _after(request, entry)
        if request is None or (stored is not None and request is stored.value):
            return request is not None
        try:
            await self.requests.save(request, version=stored.version if stored else 0)
        except Conflict:
            # Somebody else folds the same: what he has not, he has not seen yet.
            return await self._fold_one(id_, entries)
        return True

    async def _fold_quietly(self, draft: _Draft) -> None:
        """At once, so that lists and timers know it; where it fails the task does it."""
        touched = {entry.request for entry in draft.entries if entry.request}
        by_request = {id_: [entry for entry in draft.head.entries() if entry.request == id_] for id_ in touched}
        try:
            await asyncio.gather(*(self._fold_one(id_, entries) for id_, entries in by_request.items()))
        except Unavailable:
            self._folded = -1

    async def catch_up(self) -> None:
        """A task's page: fold what another process, or a crash, left behind."""
        head = await self.head()
        self.outdated = not head.standing.knows(self.rules)
        if self._folded < 0 < head.first and not await self.requests.collection.count():
            await self.fold_anew()
        if head.size != self._folded:
            await self.fold(head)
            self._folded = head.size

    async def fold_anew(self) -> int:
        """Every request, from the whole log. The number of entries."""
        head = await self.head()
        requests: dict[str, Request | None] = {}
        async for entry in self.entries(head, 0, head.size):
            if entry.request:
                requests[entry.request] = folded(requests.get(entry.request), entry)
        for id_, request in requests.items():
            if request is not None:
                await self.requests.change(id_, partial(_newer, request))
        return head.size

    async def leaves(self, head: Head, start: int, end: int) -> list[bytes]:
        """Leaves of the log, in their order, from `start` to before `end`."""
        end = min(end, head.size)
        found: list[bytes] = []
        for number in range(start // PAGE, -(-min(end, head.first) // PAGE)):
            stored = await self.pages.load(page_id(number))
            texts = stored.value.leaves if stored else ()
            first = number * PAGE
            found += [text.encode() for text in texts[max(0, start - first) : max(0, min(end, head.first) - first)]]
        found += [text.encode() for text in head.newest[max(0, start - head.first) : max(0, end - head.first)]]
        return found

    async def entries(self, head: Head, start: int, end: int) -> AsyncIterator[Entry]:
        """As entries, page by page."""
        for first in range(start, min(end, head.size), PAGE):
            for text in await self.leaves(head, first, min(first + PAGE, end)):
                yield Entry.of(Leaf.read(text))


def _after(request: Request | None, entry: Entry) -> Request | None:
    """The request has the entry already, or has it now."""
    if request is not None and entry.n <= request.through:
        return request
    return folded(request, entry)


def _newer(request: Request, stored: Request | None) -> Request:
    return request if stored is None or stored.through < request.through else stored


def _named(batch: Iterable[_Waiting]) -> set[str]:
    """The requests that the commands are for."""
    found = {each.request for each in batch}
    found |= {each.command.replaces for each in batch if isinstance(each.command, said.Ask)}
    return found - {""}
