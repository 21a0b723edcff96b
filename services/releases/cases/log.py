"""The log, and whoever appends to it: a decision has happened when the head is saved, and not before.

Requests are projections: they are folded from the log afterwards, and may be behind it.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from services.releases.cases.books import Books
from services.releases.cases.folding import Folding
from services.releases.cases.head import HEAD, Head, appended
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
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Stored

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


class Log:
    """One for each process; any number of processes have one log."""

    def __init__(
        self, books: Books, outbox: Outbox, clock: Clock, rules: Rules, *, meter: ReleaseMeter | None = None
    ) -> None:
        self.books = books
        self.folding = Folding(books)
        self.rules = rules
        self._outbox = outbox
        self._clock = clock
        self._meter = meter or NoReleaseMeter()
        self._waiting: list[_Waiting] = []
        self._working: asyncio.Task[None] | None = None
        self._changed = asyncio.Event()
        self.outdated = True
        """Does this process decide nothing, since the log knows newer files than it reads? As last seen."""
        self.news: Literal["first", "next"] | None = None
        """Does it read files that are to be told to the log: the first there are, or newer ones? As last seen."""

    async def tell(self, command: Command, request: str = "") -> Done:
        """Decide, and have it happen. Raises Unavailable: nobody knows whether it has."""
        answer: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(command, command.id if isinstance(command, said.Ask) else request, answer))
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="releases' log")
        return await answer

    def changes(self) -> asyncio.Event:
        """Set when this process appends something next."""
        return self._changed

    async def catch_up(self) -> None:
        """A task's page: how the log stands, and requests that another process, or a crash, left behind it."""
        head = await self.books.head()
        read = govern(head.standing, self.rules, said.ReadRules(), head.time(self._clock.now()))
        self.outdated = read.refusal is not None
        self.news = ("next" if head.standing.policy_version else "first") if read.entries else None
        await self.folding.catch_up(head)

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
            await self.folding.fold_quietly(draft.head, draft.entries)
            return

    async def _tried(self, batch: Sequence[_Waiting]) -> tuple[_Draft, list[Done]]:
        """Over the head as it is now. Raises Conflict where somebody else has written it meanwhile: making room for
        leaves is a write of it, too."""
        stored = await self.folding.with_room()
        head = stored.value if stored else Head()
        draft = _Draft(head, await self.folding.requests_of(head, _named(batch)))
        if not all(isinstance(each.command, said.Tick) for each in batch):
            self._tell_of_the_rules(draft)
        answers = [self._decided(draft, each) for each in batch]
        await self._save(stored, draft)
        return draft, answers

    def _tell_of_the_rules(self, draft: _Draft) -> None:
        """Files that the log does not know yet are told to it before anything is decided by them; the clock decides
        nothing by them."""
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
        await self.books.heads.save(draft.head, version=stored.version if stored else 0, messages=messages)
        self._outbox.send_soon(self.books.heads.collection, HEAD, messages)
        for kind, count in Counter(entry.kind for entry in draft.entries).items():
            self._meter.appended(kind, count)
        before, self._changed = self._changed, asyncio.Event()
        before.set()


def _named(batch: Iterable[_Waiting]) -> set[str]:
    """The requests that the commands are for."""
    found = {each.request for each in batch}
    found |= {each.command.replaces for each in batch if isinstance(each.command, said.Ask)}
    return found - {""}
