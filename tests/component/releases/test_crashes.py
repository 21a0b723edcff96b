"""A process dies before or after any of its writes: the log has every decision once, and requests follow it."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from services.releases.app import LOG, PAGES, REQUESTS
from services.releases.cases import books, folding
from services.releases.cases import head as heads
from services.releases.cases.books import Books
from services.releases.cases.head import Head, Page
from services.releases.cases.log import Log
from services.releases.domain import commands as said
from services.releases.domain.happenings import Entry
from services.releases.domain.request import Request, folded
from shared.contracts.messages import OutboxMessage
from shared.ledgerlog.leaves import Leaf
from shared.runtime.keeping import Keeping
from shared.store.documents import Collection, Conflict, Document
from shared.store.repository import Repository
from tests.kit.clock import HandClock
from tests.kit.runtime import TestRuntime
from tests.unit.releases.histories import Chances, judge
from tests.unit.releases.places import RULES, Place

SEEDS = 30
STEPS = 60


class Crash(Exception):
    """The process is gone."""


class Dying:
    """A collection at whose writes the process dies now and then: before them, or after."""

    def __init__(self, collection: Collection, chance: random.Random) -> None:
        self._collection = collection
        self._chance = chance

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def save(self, document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        dies = self._chance.random()
        if dies < 0.08:
            raise Crash
        saved = await self._collection.save(document, messages)
        if dies > 0.92:
            raise Crash
        return saved


def process(keeping: Keeping, collections: Sequence[Collection], clock: HandClock, chance: random.Random) -> Log:
    """A fresh one over the same store."""
    dying: list[Any] = [Dying(each, chance) for each in collections]
    head, pages, requests = dying
    books = Books(
        Repository(head, Head, key=lambda each: each.id),
        Repository(pages, Page, key=lambda each: each.id),
        Repository(requests, Request, key=lambda each: each.id, wake=Request.wake_at),
    )
    return Log(books, keeping.outbox, clock, RULES)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_nothing_is_lost_or_done_twice(
    seed: int, tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (heads, books):
        monkeypatch.setattr(module, "PAGE", 4)
    monkeypatch.setattr(folding, "MOST_IN_HEAD", 6)
    monkeypatch.setattr(heads, "KEPT_IN_HEAD", 2)
    chance = random.Random(seed)
    keeping = Keeping(TestRuntime(tmp_path, clock), "releases")
    collections = [keeping.collection(spec, silent=True) for spec in (LOG, PAGES, REQUESTS)]
    await keeping.store.open()
    seen = Place()
    chances = Chances(chance, seen)
    try:
        log = process(keeping, collections, clock, chance)
        for _ in range(STEPS):
            seen.now = clock.now()
            command, request = chances.next()
            if isinstance(command, said.ReadRules):
                continue
            try:
                await log.tell(command, request)
                await log.drain()
            except (Crash, Conflict):
                log = process(keeping, collections, clock, chance)
            seen.entries = await everything(keeping, collections, clock) or seen.entries
            seen.requests = requests_of(seen.entries)
            clock.pass_by(seconds=chance.choice((0, 1, 60, 700)))
        for n in range(1, len(seen.entries)):
            judge(seen.entries[: n + 1])
        calm = process(keeping, collections, clock, Calm())
        await calm.catch_up()
        for id_, expected in seen.requests.items():
            assert await calm.folding.find(id_) == expected
    finally:
        await keeping.store.close()


class Calm(random.Random):
    """Nobody dies any more."""

    def random(self) -> float:
        return 0.5


async def everything(keeping: Keeping, collections: Sequence[Collection], clock: HandClock) -> list[Entry]:
    """The log, read from its beginning: its chain holds."""
    log = process(keeping, collections, clock, Calm())
    head = await log.books.head()
    leaves = [Leaf.read(text) for text in await log.books.leaves(head, 0, head.size)]
    assert [leaf.n for leaf in leaves] == list(range(head.size))
    return [Entry.of(leaf) for leaf in leaves]


def requests_of(entries: Sequence[Entry]) -> dict[str, Request]:
    found: dict[str, Request] = {}
    for entry in entries:
        after = folded(found.get(entry.request), entry)
        if after is not None:
            found[entry.request] = after
    return found
