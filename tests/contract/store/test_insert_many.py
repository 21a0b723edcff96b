import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.store.documents import Collection, CollectionSpec, Document, Index, Unavailable
from tests.contract.store.conftest import THINGS, Engine
from tests.contract.store.test_outbox import message

ROWS = CollectionSpec("rows", (Index("by_page", ("page",)),))
NOON = datetime(2027, 1, 20, 12, 0, tzinfo=UTC)


@pytest.fixture
async def rows(engine: Engine) -> Collection:
    _, (collection,) = await engine.open(ROWS)
    return collection


async def test_all_that_are_new_are_stored_as_if_each_had_been_saved(rows: Collection) -> None:
    new = [Document(f"r/{n}", {"page": "p", "n": n}, schema=3, wake_at=NOON) for n in range(300)]
    assert await rows.insert_many(new) == set()
    assert await rows.get("r/7") == replace(new[7], version=1)
    assert len(await rows.find("by_page", ("p",), limit=500)) == 300


async def test_nothing_is_inserted_of_nothing(rows: Collection) -> None:
    assert await rows.insert_many([]) == set()
    assert await rows.count() == 0


async def test_ids_that_exist_are_told_and_their_documents_left_alone(rows: Collection) -> None:
    there = await rows.save(Document("a", {"of": "somebody else"}))
    refused = await rows.insert_many([Document(id_, {"of": "us"}) for id_ in ("z", "a", "b")])
    assert refused == {"a"}
    assert await rows.get("a") == there
    assert {found.id for found in await rows.get_many(["z", "b"])} == {"z", "b"}


async def test_what_was_inserted_is_changed_by_compare_and_set(rows: Collection) -> None:
    await rows.insert_many([Document("a", {"n": 1})])
    found = await rows.get("a")
    assert found is not None
    assert (await rows.save(replace(found, body={"n": 2}))).version == 2


async def test_of_many_who_insert_the_same_each_document_is_one_ones(engine: Engine) -> None:
    collections = [(await engine.open(ROWS))[1][0] for _ in range(3)]
    ids = [f"r{n}" for n in range(50)]

    async def insert(who: int) -> set[str]:
        return set(ids) - await collections[who % 3].insert_many([Document(id_, {"by": who}) for id_ in ids])

    won = await asyncio.gather(*(insert(who) for who in range(6)))
    assert sorted(id_ for mine in won for id_ in mine) == sorted(ids)
    for who, mine in enumerate(won):
        assert all(found.body == {"by": who} for found in await collections[0].get_many(mine))


async def test_an_id_whose_document_was_deleted_is_free_though_its_message_is_unsent(rows: Collection) -> None:
    left = await rows.save(Document("a", {}), [message("m", NOON)])
    await rows.delete(left)
    assert await rows.insert_many([Document("a", {"n": 2}), Document("b", {})]) == set()
    assert await rows.get("a") == Document("a", {"n": 2}, version=1)
    assert [found.document_id for found in await rows.unsent(NOON + timedelta(days=1), 10)] == ["a"]


@pytest.mark.parametrize(
    "documents",
    [
        [Document("a", {}), Document("a", {"other": 1})],
        [Document("b", {}), Document("a", {}, version=2)],
        [Document("b", {}), Document("a\0", {})],
    ],
)
async def test_what_is_no_set_of_new_documents_is_refused_whole(rows: Collection, documents: list[Document]) -> None:
    with pytest.raises(ValueError, match=r"."):
        await rows.insert_many(documents)
    assert await rows.count() == 0


async def test_a_unique_index_is_not_for_many_at_once(things: Collection) -> None:
    assert any(index.unique for index in THINGS.indexes)
    with pytest.raises(ValueError, match="unique"):
        await things.insert_many([Document("a", {})])


async def test_a_closed_store_says_so(engine: Engine) -> None:
    store, (collection,) = await engine.open(ROWS)
    await store.close()
    with pytest.raises(Unavailable):
        await collection.insert_many([Document("a", {})])
