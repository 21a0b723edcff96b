"""What can be told of a collection without reading its documents."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.messages import OutboxMessage
from shared.store.documents import Collection, Document, Standing
from tests.contract.store.conftest import put

NOON = datetime(2027, 1, 20, 12, 0, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def message(name: str, saved_at: datetime) -> OutboxMessage:
    return OutboxMessage(
        id=name, exchange="e", routing_key="k", headers={}, body=b"{}", mandatory=True, saved_at=saved_at
    )


async def test_an_empty_collection_stands_still(things: Collection) -> None:
    assert await things.standing(NOON, 10) == Standing(unsent=0, oldest_unsent=None, due=0, next_wake=None)


async def test_due_are_those_that_have_waited_for_so_long(things: Collection) -> None:
    await put(
        things,
        Document("a", {}, wake_at=NOON - SECOND),
        Document("b", {}, wake_at=NOON),
        Document("c", {}, wake_at=NOON + SECOND),
        Document("d", {}),
    )
    found = await things.standing(NOON, 10)
    assert (found.due, found.next_wake) == (2, NOON - SECOND)


async def test_the_oldest_unsent_message_is_told_until_it_is_sent(things: Collection) -> None:
    await things.save(Document("a", {}), [message("m2", NOON), message("m1", NOON - SECOND)])
    await things.save(Document("b", {}), [message("m3", NOON + SECOND)])
    found = await things.standing(NOON, 10)
    assert found.unsent in (2, 3)
    assert found.oldest_unsent == NOON - SECOND
    await things.sent({"a": ["m1", "m2"], "b": ["m3"]})
    await things.save(Document("c", {}))  # SQLite takes clearings along with the next save
    assert (await things.standing(NOON, 10)).unsent == 0
    assert (await things.standing(NOON, 10)).oldest_unsent is None


async def test_counting_ends_at_the_most_that_is_asked_for(things: Collection) -> None:
    for number in range(5):
        await things.save(Document(str(number), {}, wake_at=NOON), [message(f"m{number}", NOON)])
    found = await things.standing(NOON, 3)
    assert (found.unsent, found.due) == (3, 3)


async def test_keys_are_what_follows_the_prefix_in_order(things: Collection) -> None:
    await put(
        things,
        Document("a", {"owner": {"id": "ana"}, "rank": 3}),
        Document("b", {"owner": {"id": "ana"}, "rank": 1}),
        Document("c", {"owner": {"id": "ana"}}),
        Document("d", {"owner": {"id": "rui"}, "rank": 2}),
        Document("e", {"rank": 9}),
    )
    assert await things.keys("by_owner", ("ana",), limit=10) == [None, 1, 3]
    assert await things.keys("by_owner", ("ana",), limit=2) == [None, 1]
    assert await things.keys("by_owner", (), limit=10) == ["ana", "ana", "ana", "rui"]
    assert await things.keys("by_owner", ("nobody",), limit=10) == []
    with pytest.raises(ValueError, match="every field"):
        await things.keys("by_owner", ("ana", 1), limit=10)
