"""Documents found by any of several texts, on every engine."""

import asyncio
from dataclasses import replace

import pytest

from shared.store.documents import (
    Collection,
    CollectionSpec,
    Conflict,
    Document,
    Duplicate,
    Lookup,
    StoredTwice,
    Unavailable,
)
from tests.contract.store.conftest import Engine, put

BARE = CollectionSpec("trips")
TRIPS = CollectionSpec(
    "trips", lookups=(Lookup("by_locator", "plan.locators"), Lookup("by_ticket", "plan.tickets", "number"))
)

UNIQUE = CollectionSpec(
    "trips", lookups=(Lookup("by_locator", "plan.locators", unique=True), Lookup("by_ticket", "plan.tickets", "number"))
)


def trip(name: str, locators: object, *numbers: object) -> Document:
    return Document(name, {"plan": {"locators": locators, "tickets": [{"number": each} for each in numbers]}})


@pytest.fixture
async def trips(engine: Engine) -> Collection:
    _, (collection,) = await engine.open(TRIPS)
    return collection


async def having(collection: Collection, lookup: str, text: str, limit: int = 10) -> list[str]:
    return [each.id for each in await collection.having(lookup, text, limit=limit)]


async def test_each_of_a_documents_texts_finds_it_once(trips: Collection) -> None:
    await put(trips, trip("b", ["AAA", "BBB", "AAA"], "1", "2"), trip("a", ["BBB"], "2"), trip("c", ["ccc"], "10"))
    assert await having(trips, "by_locator", "AAA") == ["b"]
    assert await having(trips, "by_locator", "BBB") == ["a", "b"]
    assert await having(trips, "by_locator", "BBB", limit=1) == ["a"]
    assert await having(trips, "by_ticket", "2") == ["a", "b"]
    assert await having(trips, "by_ticket", "1") == ["b"]
    assert await having(trips, "by_locator", "CCC") == []
    assert await having(trips, "by_locator", "%") == []


async def test_a_document_is_found_by_what_was_saved_last(trips: Collection) -> None:
    (first,) = await put(trips, trip("a", ["AAA"], "1"))
    saved = await trips.save(replace(first, body=trip("a", ["BBB", "CCC"]).body))
    assert await having(trips, "by_locator", "AAA") == []
    assert await having(trips, "by_locator", "CCC") == ["a"]
    assert await having(trips, "by_ticket", "1") == []
    again = await trips.save(replace(saved, body={**saved.body, "other": 1}))
    assert await having(trips, "by_locator", "BBB") == ["a"]
    await trips.delete(again)
    assert await having(trips, "by_locator", "BBB") == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"plan": None},
        {"plan": {"locators": None, "tickets": None}},
        {"plan": {"locators": [], "tickets": []}},
        {"plan": {"locators": [1, None, True, {"a": "AAA"}], "tickets": [{"number": 1}, {}, "AAA", 7, None]}},
        {"plan": [1]},
    ],
)
async def test_what_is_no_text_in_a_list_is_stored_and_finds_nothing(
    trips: Collection, body: dict[str, object]
) -> None:
    saved = await trips.save(Document("a", body))
    await trips.save(replace(saved, body={"plan": {"locators": ["AAA"]}}))
    assert await having(trips, "by_locator", "AAA") == ["a"]
    assert await having(trips, "by_ticket", "AAA") == []


async def test_what_was_stored_before_the_lookup_was_declared_is_found_too(engine: Engine) -> None:
    _, (older,) = await engine.open(BARE)
    await put(older, trip("a", ["AAA"], "1"))
    _, (newer,) = await engine.open(TRIPS)
    assert await having(newer, "by_locator", "AAA") == ["a"]
    await put(older, trip("b", ["AAA"], "2"))
    assert await having(newer, "by_locator", "AAA") == ["a", "b"], "an older release beside goes on filling it"
    assert await having(newer, "by_ticket", "2") == ["b"]
    _, (third,) = await engine.open(TRIPS)
    assert await having(third, "by_ticket", "1") == ["a"]


async def test_a_text_of_a_unique_lookup_is_one_documents(engine: Engine) -> None:
    _, (trips,) = await engine.open(UNIQUE)
    owner, other = await put(trips, trip("a", ["AAA", "BBB", "AAA"], "1"), trip("b", ["CCC"], "1"))
    for refused in (trip("c", ["DDD", "BBB"]), replace(other, body=trip("b", ["CCC", "AAA"]).body)):
        with pytest.raises(Duplicate) as caught:
            await trips.save(refused)
        assert caught.value.index == "by_locator"
    assert await trips.get("b") == other
    assert await having(trips, "by_locator", "DDD") == []
    with pytest.raises(Conflict):  # the same texts as well: still the same document
        await trips.save(trip("a", ["AAA"]))
    await trips.save(replace(owner, body=trip("a", ["BBB"]).body))
    await trips.save(replace(other, body=trip("b", ["AAA"]).body))
    assert await having(trips, "by_locator", "AAA") == ["b"]


async def test_of_documents_that_want_one_text_at_once_one_has_it(engine: Engine) -> None:
    _, (trips,) = await engine.open(UNIQUE)
    _, (elsewhere,) = await engine.open(UNIQUE)
    saved = [(trips, elsewhere)[n % 2].save(trip(f"t{n}", [f"own{n}", "AAA"])) for n in range(20)]
    results = await asyncio.gather(*saved, return_exceptions=True)
    (winner,) = [each for each in results if isinstance(each, Document)]
    assert sum(isinstance(each, Duplicate) for each in results) == 19
    assert await having(trips, "by_locator", "AAA") == [winner.id]


async def test_lists_without_a_text_are_refused_by_no_unique_lookup(engine: Engine) -> None:
    _, (trips,) = await engine.open(UNIQUE)
    await put(trips, trip("a", []), trip("b", []), Document("c", {}), Document("d", {"plan": {}}), trip("e", None))


async def test_a_lookup_becomes_unique_for_an_older_release_beside_too(engine: Engine) -> None:
    _, (older,) = await engine.open(TRIPS)
    (stored,) = await put(older, trip("a", ["AAA"], "1"))
    _, (newer,) = await engine.open(UNIQUE)
    for collection in (older, newer):
        with pytest.raises(Duplicate):
            await collection.save(trip("b", ["AAA"]))
    await newer.delete(stored)
    await newer.save(trip("b", ["AAA"]))
    assert await having(older, "by_locator", "AAA") == ["b"]


async def test_a_unique_lookup_that_is_broken_already_stops_the_start(engine: Engine) -> None:
    _, (older,) = await engine.open(TRIPS)
    await put(older, trip("a", ["AAA", "BBB", "AAA"]), trip("b", ["CCC", "AAA"]), trip("c", []))
    with pytest.raises((Duplicate, Unavailable)) as caught:  # not every server of MongoDB's protocol says why
        await engine.open(UNIQUE)
    assert engine.name != "sqlite" or isinstance(caught.value, StoredTwice)
    if isinstance(caught.value, StoredTwice):
        assert caught.value.found == {"AAA": ["a", "b"]}
        assert "'AAA' stands in a, b: take it" in str(caught.value)


async def test_a_unique_lookup_is_not_for_many_at_once(engine: Engine) -> None:
    _, (trips,) = await engine.open(UNIQUE)
    with pytest.raises(ValueError, match="unique"):
        await trips.insert_many([trip("a", ["AAA"])])


async def test_a_lookup_that_is_not_declared_is_the_callers_mistake(trips: Collection) -> None:
    with pytest.raises(ValueError, match="by_name"):
        await trips.having("by_name", "AAA", limit=1)
