"""A service that listens: tickets are dispatched by post once per purchase, whatever is said how often."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from shared.bus.arrival import Arrival
from shared.bus.dispatch import Dispatcher, Handler
from shared.bus.outbox import Outbox
from shared.contracts.checkout import CheckoutCompleted, Total
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.kernel.errors import Later, NotSent, OutcomeUnknown, Refused
from shared.kernel.ids import Uuid7Ids
from shared.kernel.money import Money
from shared.store.documents import CollectionSpec
from shared.store.repository import Repository
from shared.store.sqlite import SqliteStore
from shared.worker.compaction import compacted
from shared.worker.listener import Listener, Reaction, RepeatableReaction
from shared.worker.participant import Participant
from shared.worker.work import Work
from tests.eventually import eventually
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import CALL_TIMEOUT, SETTLE, UNTIL_LOOK, Crash, for_ever

CAUSE = Envelope(id="e-1", source="milesaga/checkout", type=CheckoutCompleted.type)
TOTAL = Total(money=Money(amount=1000, currency="BRL"), miles=0)


class Parcel(Work):
    """What a listening service keeps of a purchase."""

    schema_version: ClassVar[int] = 1
    sent: tuple[str, ...] = ()


class Post:
    """A provider that remembers what was handed in, by idempotency key."""

    def __init__(self) -> None:
        self.handed_in: list[str] = []
        self.before: list[Exception | None] = []
        self.after: list[Exception | None] = []
        self.stuck = False

    async def hand_in(self, parcel: Parcel, _event: CheckoutCompleted, key: str) -> Mapping[str, Any]:
        if self.before and (failure := self.before.pop(0)):
            raise failure
        self.handed_in.append(key)
        if self.stuck:
            await for_ever()
        if self.after and (failure := self.after.pop(0)):
            raise failure
        return {"sent": (*parcel.sent, key)}

    async def find(self, parcel: Parcel, _event: CheckoutCompleted, key: str) -> Mapping[str, Any] | None:
        return {"sent": (*parcel.sent, key)} if key in self.handed_in else None


class Service:
    """One process that listens."""

    def __init__(self, store: SqliteStore, clock: HandClock, post: Post, bus: Recorder) -> None:
        self.post = post
        self.outbox = Outbox("post", bus, clock, Uuid7Ids(clock))
        self.repository = Repository(store.collection(CollectionSpec("held")), Parcel, key=lambda parcel: parcel.id)
        self.participant = Participant(
            self.repository,
            self.outbox,
            clock,
            new=lambda id_: Parcel(id=id_),
            call_timeout=CALL_TIMEOUT,
            settle=SETTLE,
            keep=lambda _, after: compacted(after, whole=3),
        )
        listener = Listener(self.participant)
        self.table: dict[type[Message], Handler] = {
            CheckoutCompleted: listener.once(
                Reaction(post.hand_in, post.find), key=lambda event: event.member_id, part=lambda event: event.key
            )
        }

    async def hear(self, purchase: str = "p-1", part: str = "") -> None:
        event = CheckoutCompleted(
            checkout_id=purchase, key=part, member_id="ana", cart_id="c", total=TOTAL, locators=(), tickets=()
        )
        await self.table[CheckoutCompleted](event, CAUSE)

    async def parcel(self) -> Parcel:
        stored = await self.repository.load("ana")
        assert stored is not None
        return stored.value


@pytest.fixture
def post() -> Post:
    return Post()


@pytest.fixture
def service(held_store: SqliteStore, clock: HandClock, post: Post, bus: Recorder) -> Service:
    return Service(held_store, clock, post, bus)


KEY = "p-1/checkout.completed.v1//1.1"


async def test_an_event_takes_effect_once_and_nobody_is_answered(service: Service, post: Post, bus: Recorder) -> None:
    for _ in range(3):
        await service.hear()
    assert post.handed_in == [KEY]
    assert (await service.parcel()).sent == (KEY,)
    assert bus.said == []


async def test_subjects_and_parts_are_told_apart(service: Service, post: Post) -> None:
    await service.hear("p-1")
    await service.hear("p-2")
    await service.hear("p-2", part="second")
    assert post.handed_in == [
        KEY,
        "p-2/checkout.completed.v1//1.1",
        "p-2/checkout.completed.v1/second/1.1",
    ]


async def test_an_effect_whose_answer_was_lost_is_found_and_not_repeated(
    service: Service, post: Post, clock: HandClock
) -> None:
    post.after = [OutcomeUnknown("timeout")]
    with pytest.raises(Later):
        await service.hear()
    clock.pass_by(UNTIL_LOOK)
    await service.hear()
    assert post.handed_in == [KEY]
    assert (await service.parcel()).sent == (KEY,)


async def test_an_effect_that_a_crash_interrupted_is_found(
    service: Service, held_store: SqliteStore, post: Post, clock: HandClock, bus: Recorder
) -> None:
    post.after = [Crash()]
    with pytest.raises(Crash):
        await service.hear()
    clock.pass_by(UNTIL_LOOK)
    await Service(held_store, clock, post, bus).hear()
    assert post.handed_in == [KEY]


async def test_a_call_that_had_no_effect_is_made_again_under_another_key(
    service: Service, post: Post, clock: HandClock
) -> None:
    post.before = [OutcomeUnknown("timeout")]
    with pytest.raises(Later):
        await service.hear()
    clock.pass_by(UNTIL_LOOK)
    await service.hear()
    assert post.handed_in == ["p-1/checkout.completed.v1//1.2"]


async def test_what_could_not_be_sent_comes_back_by_itself(service: Service, post: Post) -> None:
    post.before = [NotSent("no route"), NotSent("left alone", again_in=timedelta(seconds=10))]
    for _ in range(2):
        with pytest.raises(Later):
            await service.hear()
    await service.hear()
    assert post.handed_in == [KEY]


async def test_a_refused_effect_is_on_record_and_not_tried_again(service: Service, post: Post, bus: Recorder) -> None:
    post.before = [Refused("no_address", "nobody lives there")]
    await service.hear()
    await service.hear()
    assert (post.handed_in, bus.said) == ([], [])


async def test_two_processes_that_hear_the_same_make_one_call(
    service: Service, held_store: SqliteStore, post: Post, clock: HandClock, bus: Recorder
) -> None:
    post.stuck = True
    first = asyncio.create_task(service.hear())
    await eventually(lambda: post.handed_in)
    with pytest.raises(Later):
        await Service(held_store, clock, post, bus).hear()
    first.cancel()
    assert post.handed_in == [KEY]


async def test_the_log_of_a_document_that_hears_much_stays_bounded(service: Service, post: Post) -> None:
    for number in range(20):
        await service.hear(f"p-{number}")
    assert len((await service.parcel()).steps) == 3
    assert len(post.handed_in) == 20


async def test_a_repeatable_reaction_needs_no_intent_and_still_happens_once(service: Service, bus: Recorder) -> None:
    seen: list[str] = []

    async def note(parcel: Parcel, event: CheckoutCompleted) -> Mapping[str, Any]:
        seen.append(event.checkout_id)
        return {"sent": (*parcel.sent, event.checkout_id)}

    listener = Listener(service.participant)
    service.table[CheckoutCompleted] = listener.once(RepeatableReaction(note), key=lambda event: event.member_id)
    await service.hear()
    await service.hear()
    assert (seen, bus.said) == (["p-1"], [])


async def test_the_handlers_stand_in_a_services_table(service: Service, post: Post) -> None:
    event = CheckoutCompleted(
        checkout_id="p-1", key="", member_id="ana", cart_id="c", total=TOTAL, locators=(), tickets=()
    )
    arrival = Arrival("events", CheckoutCompleted.type, CAUSE.headers())
    for _ in range(2):
        await Dispatcher(service.table).dispatch(arrival, event.model_dump_json().encode())
    assert post.handed_in == [KEY]
