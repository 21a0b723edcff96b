"""Issue calls that overlap: a process frozen in the middle of its call, clocks apart. One set of documents is left."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from services.ticketing.domain import Booking, IssuedDocument, Reading, Reserved
from services.ticketing.handlers import table
from services.ticketing.ports import Issued, IssueOrder, ReservationOrder
from shared.bus.outbox import Outbox
from shared.contracts.steps import Answer, StepRefused, StepUndone
from shared.contracts.ticketing import IssueTickets, TicketsIssued, VoidTickets
from shared.kernel.errors import Later, NotSent
from shared.kernel.ids import Uuid7Ids
from shared.kernel.values import changed
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from shared.store.sqlite import SqliteStore
from shared.worker.participant import Participant
from tests.eventually import eventually
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.kit.desk import an_envelope

PURCHASE = "0198c0de-0000-7000-8000-000000000001"

ISSUE = IssueTickets(purchase_id=PURCHASE, step="issue tickets")
VOID = VoidTickets(purchase_id=PURCHASE, step="issue tickets")
FLIGHTS: tuple[str, ...] = ("11", "12", "13", "14", "15")
PASSENGERS = 2
UNTIL_LOOK = timedelta(seconds=130)
Script = Callable[[], Awaitable[None]]


@dataclass
class Airline:
    """Knows no idempotency key: whoever asks is issued a conjunction of two tickets for each passenger.

    `calls` says of each call how many of the documents are issued; `before` and `after` what happens around its effect.
    """

    documents: list[IssuedDocument] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    begun: int = 0
    before: list[Script] = field(default_factory=list)
    after: list[Script] = field(default_factory=list)
    voiding: list[Exception] = field(default_factory=list)
    passengers: int = PASSENGERS
    flights: tuple[str, ...] = FLIGHTS
    issued: int = 0
    read_so_often: int = 0

    async def issue(self, _order: IssueOrder) -> Issued | None:
        self.begun += 1
        if self.before:
            await self.before.pop(0)()
        tickets = [coupons for coupons in (self.flights[:4], self.flights[4:]) if coupons]
        wanted = [(person, coupons) for coupons in tickets for person in range(self.passengers)]
        portion = self.calls.pop(0) if self.calls else len(wanted)
        numbers = [f"957{self.issued + place:010d}" for place in range(portion)]
        self.issued += portion
        for number, (person, flights) in zip(numbers, wanted[:portion], strict=True):
            self.documents.append(IssuedDocument(number, "ticket", person, flights, in_force=True))
        if self.after:
            await self.after.pop(0)()
        return Issued(tuple(numbers)) if portion == len(wanted) else None

    async def read(self, locator: str) -> Reading:
        self.read_so_often += 1
        return Reading(locator, cancelled=False, documents=tuple(self.documents), passengers=self.passengers)

    async def void_or_refund(self, _locator: str, documents: tuple[IssuedDocument, ...]) -> None:
        if self.voiding:
            raise self.voiding.pop(0)
        numbers = {document.number for document in documents}
        self.documents = [
            replace(found, in_force=found.in_force and found.number not in numbers) for found in self.documents
        ]

    async def reserve(self, order: ReservationOrder) -> Reserved:
        raise NotImplementedError(order)

    async def cancel(self, locator: str, *, documents: bool) -> None:
        raise NotImplementedError(locator, documents)

    @property
    def in_force(self) -> set[str]:
        return {document.number for document in self.documents if document.in_force}


class Office:
    """Ticketing in one process, over a store that others share."""

    def __init__(self, store: SqliteStore, clock: HandClock, airline: Airline, bus: Recorder) -> None:
        self.repository = Repository(store.collection(CollectionSpec("bookings")), Booking, key=lambda one: one.id)
        self.outbox = Outbox("ticketing", bus, clock, Uuid7Ids(clock))
        participant = Participant(
            self.repository,
            self.outbox,
            clock,
            new=lambda purchase_id: Booking(id=purchase_id),
            call_timeout=timedelta(seconds=60),
            settle=timedelta(seconds=30),
        )
        self._handlers = table(participant, airline, lambda: asyncio.sleep(0))

    async def say(self, command: IssueTickets | VoidTickets) -> None:
        """As the bus would: what comes back later is asked for again by the test."""
        with suppress(Later):
            await self._handlers[type(command)](command, an_envelope(command))


@dataclass
class Scene:
    """Two processes, one airline."""

    here: Office
    there: Office
    airline: Airline
    bus: Recorder
    clock: HandClock

    async def frozen(self, script: list[Script]) -> tuple[asyncio.Task[None], asyncio.Event]:
        """A call of `here` that stands still at that place for longer than its intent lasts."""
        let_go, begun = asyncio.Event(), self.airline.begun

        async def stand_still() -> None:
            await let_go.wait()

        script.append(stand_still)
        call = asyncio.create_task(self.here.say(ISSUE))
        await eventually(lambda: self.airline.begun > begun)
        self.clock.pass_by(UNTIL_LOOK)
        return call, let_go

    async def settle(self) -> None:
        """Asked again for as long as it takes."""
        for _ in range(5):
            self.clock.pass_by(UNTIL_LOOK)
            await self.there.say(ISSUE)

    def last(self) -> Answer:
        return self.bus.answers()[-1]

    async def check(self) -> None:
        """What was said last is what is in force, and what is on record."""
        last = self.last()
        told = {found.number for found in last.tickets} if isinstance(last, TicketsIssued) else set()
        assert self.airline.in_force == told
        stored = await self.here.repository.load(PURCHASE)
        assert stored is not None
        assert (stored.value.status == "ticketed") == bool(told)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    store, clock, airline, bus = SqliteStore(tmp_path / "bookings.sqlite3"), HandClock(), Airline(), Recorder()
    store.collection(CollectionSpec("bookings"))
    await store.open()
    scene = Scene(Office(store, clock, airline, bus), Office(store, clock, airline, bus), airline, bus, clock)
    booked = Booking(id=PURCHASE, status="reserved", locator="ABCDEF", flights=FLIGHTS, passengers=PASSENGERS)
    await scene.here.repository.save(booked, version=0)
    yield scene
    await scene.here.outbox.drain()
    await scene.there.outbox.drain()
    await store.close()


@pytest.fixture
async def alone(scene: Scene) -> Scene:
    """One passenger on two flights of one carrier: what was issued is told by the answer, and not read."""
    scene.airline.passengers, scene.airline.flights = 1, FLIGHTS[:2]
    stored = await scene.here.repository.load(PURCHASE)
    assert stored is not None
    booked = changed(stored.value, flights=FLIGHTS[:2], passengers=1, tickets_due=1, price_quotes=("1",))
    await scene.here.repository.save(booked, version=stored.version)
    return scene


async def test_one_ticket_is_told_by_the_answer_to_its_issue(alone: Scene) -> None:
    await alone.here.say(ISSUE)
    last = alone.last()
    assert isinstance(last, TicketsIssued)
    assert [(found.passenger, found.segments) for found in last.tickets] == [(0, (0, 1))]
    assert alone.airline.read_so_often == 0
    await alone.check()


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_of_two_tickets_that_nobody_read_the_one_on_record_stays(alone: Scene, moment: str) -> None:
    call, let_go = await alone.frozen(getattr(alone.airline, moment))
    hidden, alone.airline.documents = alone.airline.documents, []  # which the airline does not show yet
    await alone.there.say(ISSUE)
    first = alone.last()
    alone.airline.documents += hidden
    let_go.set()
    await call
    await alone.settle()
    assert alone.airline.begun == 2
    assert alone.bus.answers()[0] == first
    await alone.check()


async def test_a_ticket_that_was_taken_back_before_its_answer_came_is_told_and_taken_back_again(alone: Scene) -> None:
    """Whoever was told that it is undone learns of it, and undoes it once more, as a new attempt."""
    call, let_go = await alone.frozen(alone.airline.after)
    await alone.there.say(VOID)
    assert isinstance(alone.last(), StepUndone)
    let_go.set()
    await call
    assert isinstance(alone.last(), TicketsIssued)
    await alone.there.say(changed(VOID, attempt=2))
    assert isinstance(alone.last(), StepUndone)
    await alone.check()


async def test_five_flights_are_issued_as_conjunctions_and_told_number_by_number(scene: Scene) -> None:
    await scene.here.say(ISSUE)
    last = scene.last()
    assert isinstance(last, TicketsIssued)
    assert sorted((found.passenger, found.segments) for found in last.tickets) == [
        (0, (0, 1, 2, 3)),
        (0, (4,)),
        (1, (0, 1, 2, 3)),
        (1, (4,)),
    ]
    await scene.check()


async def test_of_two_full_sets_of_tickets_the_one_on_record_stays(scene: Scene) -> None:
    call, let_go = await scene.frozen(scene.airline.before)
    await scene.there.say(ISSUE)
    first = scene.last()
    let_go.set()
    await call
    assert len(scene.airline.documents) == 8
    assert scene.bus.answers() == [first]
    await scene.check()


@pytest.mark.parametrize("portion", [1, 2, 3])
async def test_a_late_part_voids_nothing_that_is_on_record(scene: Scene, portion: int) -> None:
    scene.airline.calls = [4, portion]
    call, let_go = await scene.frozen(scene.airline.before)
    await scene.there.say(ISSUE)
    first = scene.last()
    assert isinstance(first, TicketsIssued)
    let_go.set()
    await call
    assert len(scene.airline.documents) == 4 + portion
    assert scene.bus.answers() == [first]
    await scene.check()


async def test_a_surplus_that_cannot_be_voided_at_once_is_voided_later(scene: Scene) -> None:
    call, let_go = await scene.frozen(scene.airline.before)
    await scene.there.say(ISSUE)
    scene.airline.voiding = [NotSent("HTTP 429")]
    let_go.set()
    await call
    assert len(scene.airline.in_force) == 8
    await scene.settle()
    await scene.check()


async def test_a_late_part_is_left_alone_while_another_call_is_under_way(scene: Scene) -> None:
    scene.airline.calls = [1]
    frozen_here, thaw_here = await scene.frozen(scene.airline.after)
    part, scene.airline.documents = scene.airline.documents, []  # which the airline does not show yet
    let_go = asyncio.Event()

    async def slowly() -> None:
        await let_go.wait()

    scene.airline.before.append(slowly)
    there = asyncio.create_task(scene.there.say(ISSUE))
    await eventually(lambda: scene.airline.begun == 2)
    scene.airline.documents = part
    thaw_here.set()
    await frozen_here
    assert scene.airline.in_force == {found.number for found in part}
    let_go.set()
    await there
    await scene.settle()
    assert isinstance(scene.last(), TicketsIssued)
    await scene.check()


async def test_a_part_is_refused_only_when_it_is_taken_back(scene: Scene) -> None:
    scene.airline.calls = [3]
    scene.airline.voiding = [NotSent("HTTP 429")]
    await scene.here.say(ISSUE)
    assert scene.bus.answers() == []
    assert len(scene.airline.in_force) == 3
    await scene.there.say(ISSUE)
    assert isinstance(scene.last(), StepRefused)
    assert scene.airline.begun == 1
    await scene.check()


async def test_what_is_issued_while_a_part_is_taken_back_is_taken_back_as_well(scene: Scene) -> None:
    call, let_go = await scene.frozen(scene.airline.before)
    scene.airline.calls = [2]
    await scene.there.say(ISSUE)
    assert isinstance(scene.last(), StepRefused)
    let_go.set()
    await call
    assert [type(answer) for answer in scene.bus.answers()] == [StepRefused]
    await scene.check()


async def test_an_undo_takes_back_every_set(scene: Scene) -> None:
    call, let_go = await scene.frozen(scene.airline.before)
    await scene.there.say(ISSUE)
    scene.airline.voiding = [NotSent("HTTP 429")]
    let_go.set()
    await call
    await scene.there.say(VOID)
    assert isinstance(scene.last(), StepUndone)
    assert scene.airline.in_force == set()
