"""Pages on every engine: what comes at once, from several processes, through deaths and outages."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest

from shared.accepting.books import Books, Messages, how_it_stands, pages_spec, rows_spec
from shared.accepting.counting import Counting
from shared.accepting.gathering import LONGEST_WAIT, Gathering, Overloaded
from shared.accepting.steps import Accepted, Outcome, Refused, Unit, Wanted
from shared.bus.outbox import NotPublished, Outbox
from shared.contracts.messages import OutboxMessage
from shared.contracts.positions import Position
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.store.documents import Collection, Document, Unavailable
from tests.contract.store.conftest import Engine
from tests.eventually import eventually

DAY = timedelta(days=1)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
IDS = Uuid7Ids(SystemClock())


class Shifted:
    """The system's clock, moved."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.by


class Wire:
    """A broker that takes what is published, or is away."""

    def __init__(self) -> None:
        self.connected = True
        self.taken: list[OutboxMessage] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        if not self.connected:
            raise NotPublished("away")
        self.taken += messages

    @property
    def entries(self) -> list[str]:
        return [entry for message in self.taken for entry in message.body.decode().split()]


class Lines:
    """Says a page as one line for each entry."""

    def messages(self, page: str, entries: Sequence[tuple[bytes, Position | None]]) -> list[OutboxMessage]:
        body = b"\n".join(entry for entry, _ in entries)
        return [OutboxMessage(f"{page}/1", "commands", "a.b.v1", {}, body, mandatory=True, saved_at=datetime.now(UTC))]


class Process:
    """One process's door, over a store of its own."""

    def __init__(self, rows: Collection, pages: Collection, wire: Wire, clock: Shifted) -> None:
        self.rows, self.pages, self.clock = rows, pages, clock
        self.outbox = Outbox("tests", wire, clock, IDS)
        self.outbox.watch(pages)
        self.books = Books(rows, pages, self.outbox, clock)
        self.waited = 0.0
        self.gathering = Gathering(self.books, Lines(), IDS, lambda: self.waited)

    async def tell(self, *keys: str, digest: str = "same") -> Outcome:
        """A key's first letter is its mark."""
        things = tuple(Wanted(key, digest, IDS.new(), DAY, key[0]) for key in keys)
        return await self.gathering.accept(Unit(things), {thing.id: thing.id.encode() for thing in things})

    async def state(self, key: str) -> str:
        return (await how_it_stands(self.rows, self.pages, key) or ("", "", "unknown"))[2]


def lose_the_first_save(process: Process, monkeypatch: pytest.MonkeyPatch, *, is_done: bool) -> None:
    """The store goes away before the first page is saved, or before it says so."""
    save = process.pages.save

    async def lost(document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        monkeypatch.setattr(process.pages, "save", save)
        if is_done:
            await save(document, messages)
        raise Unavailable("gone")

    monkeypatch.setattr(process.pages, "save", lost)


Start = Callable[[], Awaitable[Process]]


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def start(engine: Engine, wire: Wire) -> Start:
    async def start_one() -> Process:
        _, (rows, pages) = await engine.open(rows_spec("rows"), pages_spec("pages"))
        return Process(rows, pages, wire, Shifted())

    return start_one


async def test_the_same_told_to_several_processes_at_once_is_accepted_once(start: Start, wire: Wire) -> None:
    processes = [await start() for _ in range(3)]
    outcomes = await asyncio.gather(*(processes[n % 3].tell("k") for n in range(50)))
    told = [outcome.ids["k"] for outcome in outcomes if isinstance(outcome, Accepted)]
    assert len({id_ for id_, _ in told}) == 1
    assert [how for _, how in told].count("accepted") == 1
    assert all(outcome == Refused("k", "in_flight") for outcome in outcomes if not isinstance(outcome, Accepted))
    await eventually(lambda: wire.entries == [told[0][0]])
    again = await processes[0].tell("k")
    assert again == Accepted({"k": (told[0][0], "duplicate")})


async def test_other_contents_under_a_known_key_are_refused_and_their_neighbours_with_them(start: Start) -> None:
    process = await start()
    await process.tell("k")
    assert await process.tell("l", "k", digest="other") == Refused("k", "reused")
    assert await process.state("l") == "refused"
    assert isinstance(await process.tell("l", digest="other"), Accepted), "its key is free at once"


async def test_a_thousand_at_once_share_pages_and_each_is_said_once(start: Start, wire: Wire) -> None:
    process = await start()
    outcomes = await asyncio.gather(*(process.tell(f"k{n}") for n in range(1_000)))
    ids = sorted(id_ for outcome in outcomes if isinstance(outcome, Accepted) for id_, _ in outcome.ids.values())
    await eventually(lambda: len(wire.entries) == 1_000)
    assert sorted(wire.entries) == ids
    assert await process.pages.count() <= 6


async def test_a_unit_that_is_larger_than_a_page_is_a_page(start: Start) -> None:
    process = await start()
    outcome = await process.tell(*(f"k{n}" for n in range(500)))
    assert isinstance(outcome, Accepted)
    assert len(outcome.ids) == 500
    assert await process.pages.count() == 1


async def test_what_a_dead_process_left_is_in_flight_and_taken_over_after_its_time(
    start: Start, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    dying, other = await start(), await start()
    lose_the_first_save(dying, monkeypatch, is_done=False)
    with pytest.raises(Unavailable):
        await dying.tell("k")
    assert await other.state("k") == "in_flight"
    assert await other.tell("k") == Refused("k", "in_flight")
    other.clock.by = timedelta(seconds=31)
    outcome = await other.tell("k")
    assert isinstance(outcome, Accepted)
    assert outcome.ids["k"][1] == "accepted"
    await eventually(lambda: wire.entries == [outcome.ids["k"][0]])


async def test_one_that_was_thought_dead_finds_its_page_closed(
    start: Start, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, other = await start(), await start()
    other.clock.by = timedelta(seconds=31)
    rows_written, go_on = asyncio.Event(), asyncio.Event()
    save = slow.pages.save

    async def late(document: Document, messages: Sequence[OutboxMessage] = ()) -> Document:
        rows_written.set()
        await go_on.wait()
        return await save(document, messages)

    monkeypatch.setattr(slow.pages, "save", late)
    telling = asyncio.create_task(slow.tell("k"))
    await rows_written.wait()
    outcome = await other.tell("k")
    go_on.set()
    assert isinstance(outcome, Accepted)
    assert outcome.ids["k"][1] == "accepted"
    assert await telling == Accepted({"k": (outcome.ids["k"][0], "duplicate")}), "its second look finds the other's"
    await eventually(lambda: wire.entries == [outcome.ids["k"][0]])


async def test_a_page_whose_answer_was_lost_was_accepted_and_is_said_by_the_relay(
    start: Start, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await start()
    lose_the_first_save(process, monkeypatch, is_done=True)
    with pytest.raises(Unavailable):
        await process.tell("k")
    outcome = await process.tell("k")
    assert isinstance(outcome, Accepted)
    assert outcome.ids["k"][1] == "duplicate"
    process.clock.by = timedelta(minutes=1)
    await process.outbox.relay()
    assert wire.entries == [outcome.ids["k"][0]]


async def test_what_is_accepted_while_the_broker_is_away_waits_in_the_outbox(start: Start, wire: Wire) -> None:
    process = await start()
    wire.connected = False
    outcome = await process.tell("k")
    assert isinstance(outcome, Accepted)
    await process.outbox.drain()
    assert wire.entries == []
    wire.connected, process.clock.by = True, timedelta(minutes=1)
    assert await process.outbox.relay() == 1
    assert wire.entries == [outcome.ids["k"][0]]


async def test_whoever_goes_away_changes_nothing(start: Start, wire: Wire) -> None:
    process = await start()
    telling = asyncio.create_task(process.tell("k"))
    await asyncio.sleep(0)
    telling.cancel()
    other = await process.tell("l")
    assert isinstance(other, Accepted)
    assert await process.state("k") == "accepted"


async def test_a_line_that_does_not_move_is_joined_by_nobody(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    process = await start()
    begun, go_on = asyncio.Event(), asyncio.Event()
    settle = process.books.settle

    async def slow(page: str, units: Sequence[Unit], messages: Messages) -> Mapping[Unit, Outcome]:
        begun.set()
        await go_on.wait()
        return await settle(page, units, messages)

    monkeypatch.setattr(process.books, "settle", slow)
    first = asyncio.create_task(process.tell("a"))
    await begun.wait()
    second = asyncio.create_task(process.tell("b"))
    await asyncio.sleep(0)
    process.waited = LONGEST_WAIT + 0.1
    with pytest.raises(Overloaded):
        await process.tell("c")
    go_on.set()
    assert isinstance(await first, Accepted)
    assert isinstance(await second, Accepted)


async def test_pages_outlive_the_rows_that_lead_to_them(start: Start) -> None:
    process = await start()
    await process.tell("k")
    row = await process.rows.get("k")
    assert row is not None
    page = await process.pages.get(row.body["page"])
    assert page is not None
    assert (page.wake_at or NEVER) >= (row.wake_at or NEVER) + DAY - timedelta(minutes=1)


async def counted(process: Process, start: datetime, end: datetime) -> Counter[str]:
    found: Counter[str] = Counter()
    place = None
    while True:
        some, place = await Counting(process.pages).accepted(start, end, place)
        for (mark, _), count in some.items():
            found[mark] += count
        if place is None:
            return found


@pytest.mark.parametrize("seed", range(8))
async def test_what_pages_count_is_what_was_said(
    start: Start, wire: Wire, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Whatever was told twice, refused, or lost on its way to the store or back."""
    chance, began = random.Random(seed), datetime.now(UTC)
    processes = [await start() for _ in range(2)]
    for _ in range(30):
        process = chance.choice(processes)
        if chance.random() < 0.3:
            lose_the_first_save(process, monkeypatch, is_done=chance.random() < 0.5)
        keys = {f"{chance.choice('ab')}{chance.randrange(40)}" for _ in range(chance.randint(1, 6))}
        with suppress(Unavailable):
            await process.books.settle(
                IDS.new(),
                [Unit(tuple(Wanted(key, chance.choice("xxxy"), f"{IDS.new()}", DAY, key[0]) for key in keys))],
                lambda page, holds, _: Lines().messages(page, [(id_.encode(), None) for id_ in holds]),
            )
    for process in processes:
        process.clock.by = timedelta(minutes=1)
        await process.outbox.drain()
        await process.outbox.relay()
    rows = await processes[0].rows.get_many([f"{mark}{n}" for mark in "ab" for n in range(40)])
    marks = {row.body["id"]: row.id[0] for row in rows}
    said = Counter(marks[id_] for id_ in set(wire.entries))
    assert await counted(processes[1], began - timedelta(seconds=1), datetime.now(UTC) + DAY) == said
    assert said.total() > 0


async def test_more_pages_than_are_read_at_once_are_counted_once_each(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.accepting.counting.PAGES", 3)
    monkeypatch.setattr("shared.accepting.counting.AT_ONCE", 1e-9)
    process = await start()
    for n in range(10):
        await process.tell(*(f"{mark}{n}-{m}" for mark in "ab" for m in range(n + 1)))
    now = datetime.now(UTC)
    assert await counted(process, now - DAY, now + DAY) == {"a": 55, "b": 55}
    assert await counted(process, now + DAY, now + 2 * DAY) == {}
