"""Two replicas of an orchestrator over one store: each remembers what it saved, and neither relies on it."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import BaseModel, ConfigDict

from shared.bus.outbox import Outbox
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import OutboxMessage
from shared.contracts.miles import HoldMiles, MilesHeld, MilesRedeemed, RedeemMiles
from shared.contracts.steps import Answer
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.saga.definition import Saga, step
from shared.saga.engine import new_record
from shared.saga.orchestrator import Orchestrator
from shared.saga.record import Patience, Record, Status
from shared.saga.run import SagaRun
from shared.store.documents import Collection, CollectionSpec, Document
from shared.store.repository import Repository
from shared.store.sqlite import SqliteStore

CLOCK = SystemClock()
CAUSE = Envelope(id="cause", source="tests", type="miles.held.v1")
SILENCE = timedelta(minutes=1)


class Wish(BaseModel):
    model_config = ConfigDict(frozen=True)
    miles: int = 1000


class Purchase(SagaRun[Wish]):
    schema_version: ClassVar[int] = 1


TWO_STEPS = Saga[Wish](
    name="two steps",
    version=1,
    steps=(
        step(
            "hold",
            send=lambda wish, at: HoldMiles(**at, member_id="M1", miles=wish.miles),
            expect=MilesHeld,
        ),
        step(
            "redeem",
            send=lambda wish, at: RedeemMiles(**at, member_id="M1", miles=wish.miles),
            expect=MilesRedeemed,
        ),
    ),
)


class Published:
    """A publisher that keeps what it is given."""

    connected = True

    def __init__(self) -> None:
        self.types: list[str] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        self.types += [message.routing_key for message in messages]


class Counting:
    """A collection that counts reads by id."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.reads = 0

    async def get(self, id: str) -> Document | None:  # noqa: A002 - the port's word
        self.reads += 1
        return await self._collection.get(id)

    def __getattr__(self, name: str) -> object:
        return getattr(self._collection, name)


class Replica:
    """One process's orchestrator."""

    def __init__(self, collection: Collection, published: Published) -> None:
        self.collection = Counting(collection)
        self._outbox = Outbox("tests", published, CLOCK, Uuid7Ids(CLOCK))
        self.repository = Repository(self.collection, Purchase, key=lambda it: it.id)  # type: ignore[arg-type]
        self.orchestrator = Orchestrator(
            self.repository, self._outbox, CLOCK, versions={1: TWO_STEPS}, patience=Patience()
        )

    async def begin(self, purchase_id: str) -> None:
        now = CLOCK.now()
        purchase = Purchase(id=purchase_id, created_at=now, updated_at=now, state=Wish(), record=new_record(TWO_STEPS))
        await self.orchestrator.begin(purchase)
        await self._outbox.drain()

    async def take(self, answer: Answer) -> None:
        await self.orchestrator.take(answer, CAUSE)
        await self._outbox.drain()

    async def record(self, purchase_id: str) -> Record:
        stored = await self.repository.load(purchase_id)
        assert stored is not None
        return stored.value.record


@pytest.fixture
def published() -> Published:
    return Published()


@pytest.fixture
async def replicas(tmp_path: Path, published: Published) -> AsyncIterator[tuple[Replica, Replica]]:
    store = SqliteStore(tmp_path / "store.sqlite3")
    collection = store.collection(CollectionSpec("purchases"))
    await store.open()
    yield Replica(collection, published), Replica(collection, published)
    await store.close()


def held(purchase_id: str) -> MilesHeld:
    return MilesHeld(purchase_id=purchase_id, step="hold")


def redeemed(purchase_id: str) -> MilesRedeemed:
    return MilesRedeemed(purchase_id=purchase_id, step="redeem")


async def test_who_saved_a_purchase_last_goes_on_without_reading_it(replicas: tuple[Replica, Replica]) -> None:
    one, _ = replicas
    await one.begin("p1")
    await one.take(held("p1"))
    await one.take(redeemed("p1"))
    assert one.collection.reads == 0
    assert (await one.record("p1")).status is Status.COMPLETED


async def test_replicas_that_take_turns_lose_no_answer_and_send_no_command_twice(
    replicas: tuple[Replica, Replica], published: Published
) -> None:
    one, two = replicas
    await one.begin("p1")
    await two.take(held("p1"))
    await one.take(redeemed("p1"))  # what it remembers still waits for the hold
    assert (await two.record("p1")).status is Status.COMPLETED
    assert published.types == ["miles.hold.v1", "miles.redeem.v1"]


async def test_an_answer_taken_elsewhere_is_no_news_to_who_remembers_an_older_state(
    replicas: tuple[Replica, Replica], published: Published
) -> None:
    one, two = replicas
    await one.begin("p1")
    await two.take(held("p1"))
    await one.take(held("p1"))
    record = await one.record("p1")
    assert (record.current, record.steps["redeem"].asks) == ("redeem", 1)
    assert published.types == ["miles.hold.v1", "miles.redeem.v1"]


async def test_after_a_mistake_it_looks_instead_of_guessing(replicas: tuple[Replica, Replica]) -> None:
    one, two = replicas
    for purchase_id in ("p1", "p2"):
        await one.begin(purchase_id)
    await two.take(held("p1"))
    await one.take(held("p1"))
    reads = one.collection.reads
    await one.take(held("p2"))
    assert one.collection.reads == reads + 1


async def test_what_has_ended_is_read_again(replicas: tuple[Replica, Replica]) -> None:
    one, _ = replicas
    await one.begin("p1")
    await one.take(held("p1"))
    await one.take(redeemed("p1"))
    await one.take(redeemed("p1"))
    assert one.collection.reads == 1
