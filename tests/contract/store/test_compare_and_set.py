import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic_core import to_json

from shared.store.documents import (
    Collection,
    CollectionSpec,
    Conflict,
    Document,
    Duplicate,
    Index,
    Store,
    StoredTwice,
    Unavailable,
)
from shared.store.mongo.collection import MongoCollection
from shared.store.sqlite import SqliteStore
from tests.contract.store.conftest import THINGS, Engine, put
from tests.contract.store.test_outbox import message
from tests.eventually import eventually

ODD = {
    "text": 'São Paulo → Lisboa 日本 🛫 "quoted" \\ and \u0000 NUL',
    "big": 2**63 - 1,
    "small": -(2**63),
    "fraction": 0.1,
    "yes": True,
    "none": None,
    "empty": {},
    "nested": {"list": [1, [2, {"x": None}], "three"], "": "empty name"},
    "a.dotted.name": 1,
    "$set": {"$inc": 2},
    "ключ": "значение",
}


async def test_what_was_saved_is_read_back_exactly(things: Collection) -> None:
    saved = await things.save(Document("ü/1 x", ODD, schema=7))
    assert saved == Document("ü/1 x", ODD, version=1, schema=7)
    found = await things.get("ü/1 x")
    assert found == saved
    assert to_json(found.body) == to_json(ODD), "types and the order of names are kept as well"


async def test_odd_names_survive_an_update_too(things: Collection) -> None:
    first = await things.save(Document("a", {"x": 1}))
    await things.save(replace(first, body=ODD))
    found = await things.get("a")
    assert found is not None
    assert found.body == ODD


async def test_an_unknown_id_is_none(things: Collection) -> None:
    assert await things.get("nobody") is None


async def test_versions_count_from_one(things: Collection) -> None:
    document = Document("a", {"n": 0})
    for expected in (1, 2, 3):
        document = await things.save(replace(document, body={"n": expected}))
        assert document.version == expected
    assert await things.get("a") == Document("a", {"n": 3}, version=3)


async def test_an_old_version_conflicts_and_changes_nothing(things: Collection) -> None:
    first = await things.save(Document("a", {"n": 1}))
    second = await things.save(replace(first, body={"n": 2}))
    with pytest.raises(Conflict) as caught:
        await things.save(replace(first, body={"n": 3}))
    assert caught.value.id == "a"
    assert await things.get("a") == second


async def test_a_new_document_conflicts_with_the_one_that_is_there(things: Collection) -> None:
    there = await things.save(Document("a", {"n": 1, "reference": "R1"}))
    with pytest.raises(Conflict):
        await things.save(Document("a", {"n": 2}))
    with pytest.raises(Conflict):  # the same unique values as well: still the same document
        await things.save(Document("a", {"n": 2, "reference": "R1"}))
    assert await things.get("a") == there


async def test_a_version_that_was_never_stored_conflicts(things: Collection) -> None:
    with pytest.raises(Conflict):
        await things.save(Document("a", {}, version=4))
    assert await things.get("a") is None


async def test_of_fifty_savers_exactly_one_wins_each_version(engine: Engine) -> None:
    collections = [await engine.things() for _ in range(2)]
    document = await collections[0].save(Document("a", {"winner": None}))
    for version in range(2, 8):
        attempts = [
            collections[saver % 2].save(replace(document, body={"winner": saver, "version": version}))
            for saver in range(50)
        ]
        results = await asyncio.gather(*attempts, return_exceptions=True)
        winners = [result for result in results if isinstance(result, Document)]
        assert len(winners) == 1
        assert sum(isinstance(result, Conflict) for result in results) == 49
        found = await collections[1].get("a")
        assert found == winners[0]
        assert found.version == version
        document = found


async def test_of_fifty_creators_exactly_one_wins(things: Collection) -> None:
    attempts = [things.save(Document("new", {"creator": creator})) for creator in range(50)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    winners = [result for result in results if isinstance(result, Document)]
    assert len(winners) == 1
    assert sum(isinstance(result, Conflict) for result in results) == 49
    assert await things.get("new") == winners[0]


async def test_concurrent_counting_loses_no_step(engine: Engine) -> None:
    collections = [await engine.things() for _ in range(3)]
    await collections[0].save(Document("counter", {"n": 0}))

    async def count(collection: Collection) -> None:
        for _ in range(10):
            await increment(collection)

    await asyncio.gather(*(count(collection) for collection in collections for _ in range(2)))
    found = await collections[0].get("counter")
    assert found is not None
    assert found.body == {"n": 60}
    assert found.version == 61


async def increment(collection: Collection) -> None:
    while True:
        found = await collection.get("counter")
        assert found is not None
        try:
            await collection.save(replace(found, body={"n": found.body["n"] + 1}))
        except Conflict:
            continue
        return


async def test_a_thousand_saves_at_once_are_all_there(things: Collection) -> None:
    await asyncio.gather(*(things.save(Document(f"d{n}", {"n": n})) for n in range(1000)))
    found = await things.get_many([f"d{n}" for n in range(1000)])
    assert {document.id: document.body for document in found} == {f"d{n}": {"n": n} for n in range(1000)}


async def test_a_refused_write_does_not_harm_its_neighbours(things: Collection) -> None:
    await put(things, Document("old", {}), Document("owner", {"reference": "R1"}))
    results = await asyncio.gather(
        things.save(Document("one", {})),
        things.save(Document("old", {"late": True})),
        things.save(Document("thief", {"reference": "R1"})),
        things.save(Document("two", {})),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [Document, Conflict, Duplicate, Document]
    assert {found.id for found in await things.get_many(["one", "old", "thief", "two"])} == {"one", "old", "two"}


async def test_what_cannot_be_stored_is_the_callers_mistake_alone(things: Collection) -> None:
    results = await asyncio.gather(
        things.save(Document("good", {})),
        things.save(Document("a lone surrogate: \ud800", {})),
        things.save(Document("bad", ["no object"])),  # type: ignore[arg-type]
        things.save(Document("also good", {})),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert isinstance(results[2], ValueError)
    assert {found.id for found in await things.get_many(["good", "bad", "also good"])} == {"good", "also good"}


async def test_get_many_gives_each_that_exists_once(things: Collection) -> None:
    await put(things, Document("a", {"n": 1}), Document("b", {"n": 2}))
    found = await things.get_many(["b", "a", "nobody", "a"])
    assert sorted(document.id for document in found) == ["a", "b"]
    assert await things.get_many([]) == []


async def test_versions_are_those_of_what_exists(things: Collection) -> None:
    twice = await things.save(Document("b", {"n": 1}))
    await things.save(twice)
    await things.save(Document("a", {}))
    with_message = await things.save(Document("gone", {}), [message("left")])
    await things.delete(with_message)
    assert await things.versions(["b", "a", "gone", "nobody", "a"]) == {"b": 2, "a": 1}
    assert await things.versions([]) == {}
    await asyncio.gather(*(things.save(Document(f"d{n}", {})) for n in range(100)))
    assert await things.versions([f"d{n}" for n in range(100)]) == {f"d{n}": 1 for n in range(100)}


async def test_documents_are_counted(things: Collection) -> None:
    assert await things.count() == 0
    await asyncio.gather(*(things.save(Document(f"d{n}", {})) for n in range(70)))

    async def all_of_them() -> bool:
        return await things.count() == 70

    await eventually(all_of_them)


async def test_the_engine_tells_the_time(engine: Engine) -> None:
    store, _ = await engine.open(THINGS)
    before = datetime.now(UTC)
    told = await store.now()
    after = datetime.now(UTC)
    assert before - timedelta(milliseconds=2) <= told <= after + timedelta(milliseconds=2)
    await store.close()


async def test_a_deleted_document_is_gone_and_its_id_may_be_used_again(things: Collection) -> None:
    first = await things.save(Document("a", {"n": 1, "reference": "R1"}))
    await things.delete(first)
    assert await things.get("a") is None
    assert await things.find("by_reference", ("R1",), limit=5) == []
    assert await things.save(Document("a", {"n": 2, "reference": "R1"})) == Document(
        "a", {"n": 2, "reference": "R1"}, version=1
    )


async def test_deleting_another_version_conflicts(things: Collection) -> None:
    first = await things.save(Document("a", {"n": 1}))
    second = await things.save(replace(first, body={"n": 2}))
    with pytest.raises(Conflict):
        await things.delete(first)
    assert await things.get("a") == second
    await things.delete(second)
    with pytest.raises(Conflict):
        await things.delete(second)
    with pytest.raises(Conflict):
        await things.save(replace(second, body={"n": 3}))


async def test_a_unique_value_belongs_to_one_document(things: Collection) -> None:
    owner, other = await put(things, Document("owner", {"reference": "R1"}), Document("other", {"reference": "R2"}))
    for refused in (Document("third", {"reference": "R1"}), replace(other, body={"reference": "R1"})):
        with pytest.raises(Duplicate) as caught:
            await things.save(refused)
        assert caught.value.index == "by_reference"
    assert await things.get("other") == other
    await things.save(replace(owner, body={"reference": "R9"}))
    await things.save(replace(other, body={"reference": "R1"}))


async def test_of_twenty_documents_with_one_unique_value_one_is_saved(things: Collection) -> None:
    attempts = [things.save(Document(f"d{n}", {"reference": "R1"})) for n in range(20)]
    results = await asyncio.gather(*attempts, return_exceptions=True)
    assert sum(isinstance(result, Document) for result in results) == 1
    assert sum(isinstance(result, Duplicate) for result in results) == 19


async def test_an_absent_or_null_first_field_is_not_in_a_unique_index(things: Collection) -> None:
    await put(
        things,
        Document("a", {}),
        Document("b", {}),
        Document("c", {"reference": None}),
        Document("d", {"reference": None}),
        Document("e", {"seat": "1A"}),
        Document("f", {"seat": "1A"}),
    )


async def test_uniqueness_is_over_all_fields_and_absent_equals_absent(things: Collection) -> None:
    await put(
        things,
        Document("a", {"flight": "G31", "seat": "1A"}),
        Document("b", {"flight": "G31", "seat": "1B"}),
        Document("c", {"flight": "G32", "seat": "1A"}),
        Document("d", {"flight": "G31"}),
    )
    for body in ({"flight": "G31", "seat": "1B"}, {"flight": "G31"}, {"flight": "G31", "seat": None}):
        with pytest.raises(Duplicate) as caught:
            await things.save(Document("z", body))
        assert caught.value.index == "by_seat"


async def test_an_index_declared_later_finds_what_is_there(engine: Engine) -> None:
    _, (before,) = await engine.open(CollectionSpec("things"))
    await put(before, Document("a", {"colour": "red"}), Document("b", {"colour": "blue"}))
    coloured = CollectionSpec("things", (Index("by_colour", ("colour",)),))
    _, (after,) = await engine.open(coloured)
    await before.save(Document("c", {"colour": "red"}))  # an older release still writes
    assert [found.id for found in await after.find("by_colour", ("red",), limit=5)] == ["a", "c"]


async def test_an_index_may_change_its_fields(engine: Engine) -> None:
    _, (before,) = await engine.open(CollectionSpec("things", (Index("by_look", ("colour",)),)))
    await put(before, Document("a", {"colour": "red", "size": 2}), Document("b", {"colour": "red", "size": 1}))
    _, (after,) = await engine.open(CollectionSpec("things", (Index("by_look", ("colour", "size")),)))
    assert [found.id for found in await after.find("by_look", ("red",), limit=5)] == ["b", "a"]


@pytest.mark.parametrize("unique", [False, True])
async def test_two_releases_with_other_indexes_of_one_name_build_none_in_turns(engine: Engine, *, unique: bool) -> None:
    """Rolling back and forth, each finds its own index there; neither takes the other's."""
    older = CollectionSpec("things", (Index("by_look", ("colour", "size"), unique=unique),))
    newer = CollectionSpec("things", (Index("by_look", ("colour", "weight"), unique=unique),))
    store, (first,) = await engine.open(older)
    await put(first, *(Document(f"d{n}", {"colour": "red", "size": n, "weight": -n}) for n in range(3)))
    await store.close()
    standing: list[set[str]] = []
    for spec in (newer, older, newer, older):
        store, (collection,) = await engine.open(spec)
        found = [document.id for document in await collection.find("by_look", ("red",), limit=5)]
        assert found == (["d0", "d1", "d2"] if spec is older else ["d2", "d1", "d0"])
        standing.append(await indexes_of(store, collection))
        await store.close()
    assert standing[0] == standing[1] == standing[2] == standing[3]
    assert len([name for name in standing[0] if "by_look" in name]) == (4 if unique else 2)


async def test_a_unique_index_that_was_defined_anew_refuses_under_its_own_name(engine: Engine) -> None:
    await engine.open(CollectionSpec("things", (Index("by_look", ("colour", "size"), unique=True),)))
    _, (newer,) = await engine.open(CollectionSpec("things", (Index("by_look", ("colour",), unique=True),)))
    await newer.save(Document("a", {"colour": "red", "size": 1}))
    with pytest.raises(Duplicate) as caught:
        await newer.save(Document("b", {"colour": "red", "size": 2}))
    assert caught.value.index == "by_look"


async def indexes_of(store: Store, collection: Collection) -> set[str]:
    """As the engine lists them, each with what tells it from one that was built anew."""
    if isinstance(collection, MongoCollection):
        return {f"{name} {found}" for name, found in (await collection.driver.index_information()).items()}
    assert isinstance(store, SqliteStore)
    with closing(sqlite3.connect(store.path)) as connection:
        rows = connection.execute("SELECT name, rootpage, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL")
        return {f"{name} {page} {sql}" for name, page, sql in rows}


async def test_a_unique_index_that_is_broken_already_stops_the_start(engine: Engine) -> None:
    _, (before,) = await engine.open(CollectionSpec("things"))
    numbered = {"a": 1, "b": 1, "c": 2, "d": None}
    await put(before, *(Document(name, {"n": n}) for name, n in numbered.items()), Document("e", {}))
    with pytest.raises((Duplicate, Unavailable)) as caught:  # not every server of MongoDB's protocol says why
        await engine.open(CollectionSpec("things", (Index("by_n", ("n",), unique=True, cure="ask them"),)))
    assert engine.name != "sqlite" or isinstance(caught.value, StoredTwice)
    if isinstance(caught.value, StoredTwice):
        assert caught.value.found == {"1": ["a", "b"]}
        assert str(caught.value).endswith("'1' stands in a, b: ask them")


async def test_collections_of_one_store_are_apart(engine: Engine) -> None:
    _, (one, two) = await engine.open(CollectionSpec("one"), CollectionSpec("two"))
    await one.save(Document("a", {"in": "one"}))
    assert await two.get("a") is None


async def test_a_closed_store_is_unavailable(engine: Engine) -> None:
    store, (collection,) = await engine.open(THINGS)
    await store.ping()
    await store.close()
    with pytest.raises(Unavailable):
        await collection.get("a")
    with pytest.raises(Unavailable):
        await collection.save(Document("a", {}))
    with pytest.raises(Unavailable):
        await store.ping()


async def test_closing_waits_for_the_saves_in_hand(engine: Engine) -> None:
    store, (collection,) = await engine.open(THINGS)
    saves = [asyncio.ensure_future(collection.save(Document(f"d{n}", {"n": n}))) for n in range(50)]
    await asyncio.sleep(0)  # each has begun
    if engine.name == "sqlite":  # a network driver gives up its connections instead
        await store.close()
    await asyncio.gather(*saves)
    assert len(await (await engine.things()).get_many([f"d{n}" for n in range(50)])) == 50


@pytest.mark.parametrize("name", ["Upper", "with space", "x-y", ""])
async def test_a_name_that_not_every_engine_takes_is_refused(engine: Engine, name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        engine.make().collection(CollectionSpec(name))
