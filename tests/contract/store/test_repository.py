import asyncio
import logging
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict

from shared.contracts.messages import OutboxMessage
from shared.kernel.values import changed
from shared.store.documents import Collection, Conflict, Document, Duplicate
from shared.store.repository import REMEMBERED, UNREADABLE_PAUSE, NewerSchema, Repository, Stored
from tests.contract.store.conftest import Engine, put
from tests.contract.store.test_outbox import LATER, message

NOW = datetime(2027, 1, 20, 12, 0, 0, 123_456, tzinfo=UTC)


class Cabin(StrEnum):
    ECONOMY = "economy"


class Segment(BaseModel):
    model_config = ConfigDict(frozen=True)
    departs_at: datetime
    cabin: Cabin
    seats: tuple[str, ...] = ()


class Booking(BaseModel):
    schema_version: ClassVar[int] = 3
    reference: str
    kind: Literal["book", "map"] = "book"
    rank: int | None = None
    born: date | None = None
    segments: list[Segment] = []
    names: dict[int, frozenset[str]] = {}
    remind_at: datetime | None = None

    @classmethod
    def upcast(cls, schema: int, body: dict[str, Any]) -> dict[str, Any]:
        if schema < 2:
            body = {"reference": body["locator"], **{key: value for key, value in body.items() if key != "locator"}}
        if schema < 3:
            body = body | {"rank": int(body.get("rank") or 0)}
        return body


BOOKING = Booking(
    reference="ABC123",
    rank=2,
    born=date(1990, 2, 28),
    segments=[Segment(departs_at=NOW, cabin=Cabin.ECONOMY, seats=("12A", "12B"))],
    names={1: frozenset({"João"})},
    remind_at=NOW,
)


@pytest.fixture
def bookings(things: Collection) -> Repository[Booking]:
    return Repository(things, Booking, key=lambda booking: booking.reference, wake=lambda booking: booking.remind_at)


async def test_a_model_comes_back_as_it_was_saved(bookings: Repository[Booking]) -> None:
    assert await bookings.load("ABC123") is None
    saved = await bookings.save(BOOKING, version=0)
    assert saved == Stored(BOOKING, 1)
    assert await bookings.load("ABC123") == saved
    moved = await bookings.save(changed(BOOKING, rank=5), version=saved.version)
    assert moved.version == 2
    assert await bookings.load("ABC123") == moved


async def test_refusals_and_messages_are_those_of_the_collection(
    bookings: Repository[Booking], things: Collection
) -> None:
    await bookings.save(BOOKING, version=0, messages=[message("m1")])
    with pytest.raises(Conflict):
        await bookings.save(BOOKING, version=0, messages=[message("m2")])
    with pytest.raises(Duplicate):
        await things.save(Document("another", {"reference": "ABC123"}))
    assert [unsent.message.id for unsent in await things.unsent(LATER, 5)] == ["m1"]


async def test_an_older_shape_is_brought_up_and_stored_in_the_new_one(
    bookings: Repository[Booking], things: Collection
) -> None:
    await put(
        things,
        Document("OLD001", {"locator": "OLD001", "rank": "7"}, schema=1),
        Document("OLD002", {"reference": "OLD002"}, schema=2),
    )
    first, second = await bookings.load("OLD001"), await bookings.load("OLD002")
    assert first == Stored(Booking(reference="OLD001", rank=7), 1)
    assert second == Stored(Booking(reference="OLD002", rank=0), 1)
    await bookings.save(first.value, version=first.version)
    stored = await things.get("OLD001")
    assert stored is not None
    assert stored.schema == 3
    assert stored.body["reference"] == "OLD001"


async def test_a_newer_shape_is_not_guessed_at(bookings: Repository[Booking], things: Collection) -> None:
    newer = Document("NEW001", {"kind": "book", "reference": "NEW001", "what": "?"}, schema=4, wake_at=NOW)
    (saved,) = await put(things, newer)
    await bookings.save(BOOKING, version=0)
    with pytest.raises(NewerSchema) as caught:
        await bookings.load("NEW001")
    assert (caught.value.id, caught.value.found, caught.value.known) == ("NEW001", 4, 3)
    with pytest.raises(NewerSchema):
        await bookings.find("by_kind", ("book",), limit=5)
    later = NOW + timedelta(seconds=1)
    assert [stored.value.reference for stored in await bookings.due(later, 5)] == ["ABC123"]
    assert [stored.value.reference for stored in await bookings.load_many(["NEW001", "ABC123"])] == ["ABC123"]
    assert await things.get("NEW001") == saved, "and it is left as it was"


async def test_find_and_load_many_give_models_with_their_versions(bookings: Repository[Booking]) -> None:
    saved = [await bookings.save(Booking(reference=f"R{rank}", rank=rank), version=0) for rank in (3, 1, 2)]
    by_rank = sorted(saved, key=lambda stored: stored.value.rank or 0)
    assert await bookings.find("by_kind", ("book",), limit=5) == by_rank
    assert await bookings.find("by_kind", ("book",), limit=1, after=(2, None, "R2"), descending=True) == by_rank[:1]
    found = await bookings.load_many(["R1", "R3", "nobody"])
    assert sorted(found, key=lambda stored: stored.value.reference) == [by_rank[0], by_rank[2]]


async def test_deleting_is_compare_and_set(bookings: Repository[Booking]) -> None:
    first = await bookings.save(BOOKING, version=0)
    second = await bookings.save(BOOKING, version=1)
    with pytest.raises(Conflict):
        await bookings.delete(first)
    await bookings.delete(second)
    assert await bookings.load("ABC123") is None


async def test_a_model_is_due_when_it_says(bookings: Repository[Booking], things: Collection) -> None:
    saved = await bookings.save(BOOKING, version=0)
    assert await bookings.due(NOW, 5) == [], "times are kept to the millisecond, rounded up"
    assert await bookings.due(NOW + timedelta(milliseconds=1), 5) == [saved]
    await bookings.save(changed(BOOKING, remind_at=None), version=1)
    assert await things.next_wake() is None


async def test_an_unreadable_document_does_not_stand_before_the_others(
    bookings: Repository[Booking], things: Collection, caplog: pytest.LogCaptureFixture
) -> None:
    (broken,) = await put(things, Document("broken", {"rank": "secret name"}, schema=3, wake_at=NOW))
    saved = await bookings.save(BOOKING, version=0)
    later = NOW + timedelta(seconds=1)
    with caplog.at_level(logging.ERROR):
        assert await bookings.due(later, 5) == [saved]
    (record,) = caplog.records
    assert record.__dict__["document_id"] == "broken"
    assert "secret name" not in caplog.text
    assert await things.due(later, 5) == [await things.get("ABC123")]
    put_off = await things.get("broken")
    assert put_off is not None
    assert put_off.body == broken.body
    assert put_off.wake_at is not None
    assert later < put_off.wake_at <= later + UNREADABLE_PAUSE + timedelta(milliseconds=1)


async def test_a_replaced_document_is_found_by_its_new_values(bookings: Repository[Booking]) -> None:
    stored = await bookings.save(BOOKING, version=0)
    moved = replace(stored, value=changed(stored.value, kind="map"))
    await bookings.save(moved.value, version=moved.version)
    assert await bookings.find("by_kind", ("book",), limit=5) == []
    assert [found.value.reference for found in await bookings.find("by_kind", ("map",), limit=5)] == ["ABC123"]


@pytest.fixture
async def elsewhere(engine: Engine) -> Repository[Booking]:
    """The same bookings as another process has them."""
    return Repository(await engine.things(), Booking, key=lambda booking: booking.reference)


async def test_a_booking_deleted_and_made_again_by_another_process_is_read_as_it_is(
    bookings: Repository[Booking], elsewhere: Repository[Booking]
) -> None:
    await bookings.save(BOOKING, version=0)
    theirs = await elsewhere.load("ABC123")
    assert theirs is not None
    await elsewhere.delete(theirs)
    anew = await elsewhere.save(Booking(reference="ABC123", rank=9), version=0)
    assert anew.version == 1, "the version says nothing about what happened"
    assert await bookings.load("ABC123") == anew


async def test_a_deleted_booking_made_again_in_place_is_read_as_it_is(
    bookings: Repository[Booking], things: Collection
) -> None:
    await bookings.delete(await bookings.save(BOOKING, version=0))
    await put(things, Document("ABC123", {"reference": "ABC123", "rank": 9}, schema=3))
    assert await bookings.load("ABC123") == Stored(Booking(reference="ABC123", rank=9), 1)


async def test_a_saved_booking_made_again_in_a_newer_shape_is_not_guessed_at(
    bookings: Repository[Booking], things: Collection
) -> None:
    await bookings.save(BOOKING, version=0)
    stored = await things.get("ABC123")
    assert stored is not None
    await things.delete(stored)
    await put(things, replace(stored, version=0, schema=4))
    with pytest.raises(NewerSchema):
        await bookings.load("ABC123")


async def test_what_was_saved_need_not_be_read_apart_again(bookings: Repository[Booking]) -> None:
    saved = await bookings.save(BOOKING, version=0)
    found = await bookings.load("ABC123")
    assert found == saved
    assert found.value is saved.value


async def test_only_so_many_are_remembered(bookings: Repository[Booking]) -> None:
    first = await bookings.save(BOOKING, version=0)
    for number in range(REMEMBERED):
        await bookings.save(Booking(reference=f"R{number}"), version=0)
    found = await bookings.load("ABC123")
    assert found == first
    assert found.value is not first.value


def ranked(rank: int) -> Callable[[Booking | None], Booking]:
    def edit(booking: Booking | None) -> Booking:
        return changed(booking or Booking(reference="ABC123"), rank=rank)

    return edit


async def test_a_change_is_saved_over_what_is_there_or_as_the_first(bookings: Repository[Booking]) -> None:
    assert await bookings.change("ABC123", ranked(1)) == Stored(Booking(reference="ABC123", rank=1), 1)
    assert await bookings.change("ABC123", ranked(2)) == Stored(Booking(reference="ABC123", rank=2), 2)
    assert await bookings.load("ABC123") == Stored(Booking(reference="ABC123", rank=2), 2)


async def test_changes_that_meet_are_all_made(engine: Engine) -> None:
    key = operator.attrgetter("reference")
    several = [Repository(await engine.things(), Booking, key=key) for _ in range(2)]

    def one_more(booking: Booking | None) -> Booking:
        return ranked((booking.rank or 0) + 1 if booking else 1)(booking)

    await asyncio.gather(*(repository.change("ABC123", one_more, tries=20) for repository in several * 3))
    assert await several[0].load("ABC123") == Stored(Booking(reference="ABC123", rank=6), 6)


async def test_a_change_that_changes_nothing_saves_nothing(bookings: Repository[Booking]) -> None:
    saved = await bookings.save(BOOKING, version=0)
    assert await bookings.change("ABC123", lambda booking: booking or BOOKING) == saved
    assert await bookings.load("ABC123") == saved


async def test_a_change_gives_up_after_its_tries(bookings: Repository[Booking], things: Collection) -> None:
    seen: list[int] = []

    async def overtake() -> None:
        stored = await things.get("ABC123")
        await things.save(stored or Document("ABC123", {"reference": "ABC123", "rank": 0}, schema=3))

    class Overtaken(Repository[Booking]):
        async def save(
            self, value: Booking, *, version: int, messages: Sequence[OutboxMessage] = ()
        ) -> Stored[Booking]:
            seen.append(version)
            await overtake()
            return await super().save(value, version=version, messages=messages)

    busy = Overtaken(things, Booking, key=lambda booking: booking.reference)
    with pytest.raises(Conflict):
        await busy.change("ABC123", ranked(1), tries=3)
    assert seen == [0, 1, 2]
    assert await bookings.load("ABC123") == Stored(Booking(reference="ABC123", rank=0), 3)
