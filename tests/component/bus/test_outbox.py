"""The outbox over a real store: what is saved is sent, whatever happens in between."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from shared.bus.outbox import NotPublished, Outbox, Unroutable
from shared.bus.publisher import ConfirmingPublisher
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import OutboxMessage
from shared.kernel.ids import Uuid7Ids
from shared.store import open_store
from shared.store.documents import Collection, CollectionSpec, Document
from tests.component.bus.conftest import Errand, Job
from tests.eventually import eventually
from tests.kit.clock import HandClock


class Line:
    """A publisher that fails as it is told: always, or for messages nobody takes."""

    connected = True

    def __init__(self) -> None:
        self.away = False
        self.sent: list[str] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        for message in messages:
            if self.away:
                raise NotPublished("away")
            if message.routing_key == Errand.type:
                raise Unroutable("nobody")
            self.sent.append(message.id)


@pytest.fixture
async def collection(tmp_path: Path) -> AsyncIterator[Collection]:
    store = open_store("tests", tmp_path)
    collection = store.collection(CollectionSpec("things"))
    await store.open()
    yield collection
    await store.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def outbox(line: Line, clock: HandClock, collection: Collection) -> Outbox:
    outbox = Outbox("tests", line, clock, Uuid7Ids(clock))
    outbox.watch(collection)
    return outbox


async def saved(collection: Collection, outbox: Outbox, *messages: Job) -> list[OutboxMessage]:
    entries = [outbox.entry(message) for message in messages]
    await collection.save(Document(f"d-{entries[0].id}", {}), entries)
    return entries


async def test_what_a_crash_left_unsent_is_relayed_once_it_is_old_enough(
    collection: Collection, outbox: Outbox, line: Line, clock: HandClock
) -> None:
    entries = await saved(collection, outbox, Job(name="a"), Job(name="b"))
    assert await outbox.relay() == 0, "a young message is still on its way by itself"
    clock.pass_by(seconds=6)
    assert await outbox.relay() == 2
    assert line.sent == [entry.id for entry in entries]
    assert await outbox.relay() == 0


async def test_what_was_sent_is_cleared_and_not_relayed(
    collection: Collection, outbox: Outbox, line: Line, clock: HandClock
) -> None:
    entries = [outbox.entry(Job(name="a"))]
    await collection.save(Document("d", {}), entries)
    await outbox.send(collection, "d", entries)
    await outbox.drain()
    clock.pass_by(seconds=6)
    assert await outbox.relay() == 0
    assert line.sent == [entries[0].id]


async def test_a_failed_send_leaves_the_message_to_the_relay(
    collection: Collection, outbox: Outbox, line: Line, clock: HandClock
) -> None:
    entries = [outbox.entry(Job(name="a"))]
    await collection.save(Document("d", {}), entries)
    line.away = True
    with pytest.raises(NotPublished):
        await outbox.send(collection, "d", entries)
    outbox.send_soon(collection, "d", entries)
    await outbox.drain()
    clock.pass_by(seconds=6)
    assert await outbox.relay() == 0
    line.away = False
    assert await outbox.relay() == 1


async def test_a_message_that_nobody_takes_holds_up_no_other(
    collection: Collection, outbox: Outbox, line: Line, clock: HandClock
) -> None:
    await saved(collection, outbox, Errand(name="x"))
    good = await saved(collection, outbox, Job(name="a"))
    clock.pass_by(seconds=6)
    assert await outbox.relay() == 1
    assert line.sent == [good[0].id]
    left = await collection.unsent(clock.now() + timedelta(seconds=1), 10)
    assert [unsent.message.routing_key for unsent in left] == [Errand.type]


async def test_one_pass_sends_all_that_waits_and_replicas_send_hardly_anything_twice(
    tmp_path: Path, clock: HandClock
) -> None:
    stores = [open_store("replicas", tmp_path) for _ in range(3)]
    collections = [store.collection(CollectionSpec("things")) for store in stores]
    lines = [Line() for _ in stores]
    outboxes = [Outbox("tests", line, clock, Uuid7Ids(clock)) for line in lines]
    for store, outbox, each in zip(stores, outboxes, collections, strict=True):
        await store.open()
        outbox.watch(each)
    entries = [outboxes[0].entry(Job(name=str(number))) for number in range(6_000)]
    await asyncio.gather(*(collections[0].save(Document(entry.id, {}), [entry]) for entry in entries))
    clock.pass_by(seconds=6)
    await asyncio.gather(*(outbox.relay() for outbox in outboxes))
    sent = [message for line in lines for message in line.sent]
    assert set(sent) == {entry.id for entry in entries}
    assert len(sent) < 1.5 * len(entries), "every replica sent the same ones"
    assert await collections[0].unsent(clock.now(), 1) == []
    for store in stores:
        await store.close()


async def test_messages_of_one_document_are_relayed_in_their_order(
    collection: Collection, outbox: Outbox, line: Line, clock: HandClock
) -> None:
    saved_ones = [await saved(collection, outbox, *(Job(name=str(i)) for i in range(7))) for _ in range(100)]
    clock.pass_by(seconds=6)
    assert await outbox.relay() == 700
    for entries in saved_ones:
        places = [line.sent.index(entry.id) for entry in entries]
        assert places == sorted(places)


async def test_many_messages_that_nobody_takes_hide_none_behind_them(
    collection: Collection, outbox: Outbox, line: Line, clock: HandClock
) -> None:
    for _ in range(30):
        await saved(collection, outbox, *(Errand(name="x") for _ in range(100)))
    good = await saved(collection, outbox, Job(name="a"))
    clock.pass_by(seconds=6)
    assert await outbox.relay() == 1
    assert line.sent == [good[0].id]


async def test_what_is_sent_while_the_store_clears_is_cleared_as_well(
    collection: Collection, outbox: Outbox, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()
    clear = type(collection).sent

    async def slow(self: Collection, ids: Mapping[str, Sequence[str]]) -> None:
        begun.set()
        await go_on.wait()
        await clear(self, ids)

    monkeypatch.setattr(type(collection), "sent", slow)
    for name in ("first", "second"):
        entries = [outbox.entry(Job(name=name))]
        await collection.save(Document(name, {}), entries)
        await outbox.send(collection, name, entries)
        await begun.wait()
    go_on.set()

    async def nothing_is_left() -> bool:
        return await collection.unsent(clock.now() + timedelta(seconds=1), 10) == []

    await eventually(nothing_is_left)


async def test_a_message_carries_who_caused_it(outbox: Outbox) -> None:
    entry = outbox.entry(Job(name="a"), Envelope(id="c-1", source="s", type="t.t.v1", traceparent="00-1"))
    envelope = Envelope.of(entry.headers)
    assert (envelope.causation_id, envelope.correlation_id, envelope.traceparent) == ("c-1", "a", "00-1")
    assert (entry.exchange, entry.routing_key, entry.mandatory) == ("commands", "work.job.v1", True)


async def test_without_a_channel_what_nobody_waits_for_does_not_pile_up(outbox: Outbox) -> None:
    publisher = ConfirmingPublisher(publish_timeout=0.01)
    for _ in range(3):
        with pytest.raises(NotPublished):
            await publisher.publish([outbox.entry(Job(name="a"))])
    assert publisher._waiting == []
