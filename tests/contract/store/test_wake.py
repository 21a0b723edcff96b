from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

from shared.store.documents import Collection, Document
from tests.contract.store.conftest import put

NOON = datetime(2027, 1, 20, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


async def test_due_are_those_whose_time_has_come(things: Collection) -> None:
    past, now, _, _ = await put(
        things,
        Document("past", {}, wake_at=NOON - SECOND),
        Document("now", {}, wake_at=NOON),
        Document("future", {}, wake_at=NOON + SECOND),
        Document("never", {}),
    )
    due = await things.due(NOON, 10)
    assert sorted(due, key=lambda document: document.id) == [now, past]


async def test_nothing_is_due_before_its_time_not_even_a_microsecond(things: Collection) -> None:
    saved = await things.save(Document("a", {}, wake_at=NOON + timedelta(microseconds=1)))
    assert saved.wake_at == NOON + timedelta(milliseconds=1)
    assert await things.get("a") == saved
    assert await things.due(NOON, 10) == []
    assert await things.due(NOON + timedelta(microseconds=999), 10) == []
    assert await things.due(NOON + timedelta(milliseconds=1), 10) == [saved]


async def test_times_of_other_zones_are_the_same_moments(things: Collection) -> None:
    brasilia = timezone(timedelta(hours=-3))
    saved = await things.save(Document("a", {}, wake_at=NOON.astimezone(brasilia)))
    assert saved.wake_at == NOON
    assert await things.due(NOON, 1) == [saved]


async def test_the_earliest_wake_is_told_past_or_future(things: Collection) -> None:
    assert await things.next_wake() is None
    late, early = await put(
        things, Document("late", {}, wake_at=NOON + SECOND), Document("early", {}, wake_at=NOON - SECOND)
    )
    assert await things.next_wake() == NOON - SECOND
    await things.save(replace(early, wake_at=None))
    assert await things.next_wake() == NOON + SECOND
    await things.delete(late)
    assert await things.next_wake() is None


async def test_a_document_put_off_is_no_longer_due(things: Collection) -> None:
    saved = await things.save(Document("a", {}, wake_at=NOON))
    await things.save(replace(saved, wake_at=NOON + SECOND))
    assert await things.due(NOON, 10) == []


async def test_replicas_are_given_different_ones_in_different_order(things: Collection) -> None:
    await put(things, *(Document(f"d{n:02}", {}, wake_at=NOON - n * SECOND) for n in range(40)))
    pages = [[document.id for document in await things.due(NOON, 5)] for _ in range(20)]
    assert all(len(set(page)) == 5 for page in pages)
    assert len({tuple(page) for page in pages}) > 10, "the order differs from call to call"
    taken = {name for page in pages for name in page}
    assert len(taken) > 10, "so does the choice"
    assert taken <= {f"d{n:02}" for n in range(20, 40)}, "and the longest due are chosen from"
