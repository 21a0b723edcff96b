import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from shared.contracts.messages import OutboxMessage
from shared.store.documents import Collection, Conflict, Document, Duplicate, Unsent
from tests.contract.store.conftest import Engine, put

NOW = datetime(2027, 1, 20, 12, 0, 0, 123_000, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def message(name: str, saved_at: datetime = NOW) -> OutboxMessage:
    return OutboxMessage(
        id=name,
        exchange="commands",
        routing_key="payment.authorize_card.v1",
        headers={"cloudEvents:id": name, "trace.parent": "ü", "$x": ""},
        body='{"passenger": "João \\"Zé\\" 日本"}'.encode(),
        mandatory=name.endswith("!"),
        saved_at=saved_at,
    )


async def ids_of(collection: Collection, older_than: datetime = LATER, limit: int = 100) -> list[str]:
    return [unsent.message.id for unsent in await collection.unsent(older_than, limit)]


async def test_messages_are_saved_with_the_state_and_read_back_exactly(things: Collection) -> None:
    await things.save(Document("a", {"n": 1}), [message("m1"), message("m2!")])
    assert await things.unsent(LATER, 10) == [Unsent("a", message("m1")), Unsent("a", message("m2!"))]
    assert await things.get("a") == Document("a", {"n": 1}, version=1)


async def test_documents_with_unsent_messages_are_told_from_the_others(things: Collection) -> None:
    await things.save(Document("a", {}), [message("m1"), message("m2")])
    await things.save(Document("b", {}))
    await things.save(Document("c", {}), [message("m3")])
    assert await things.unsent_of(["a", "b", "nobody's", "a"]) == {"a"}
    await things.sent({"a": ["m1"], "c": ["m3"]})
    assert await things.unsent_of(["a", "b", "c"]) == {"a"}
    await things.sent({"a": ["m2"]})
    assert await things.unsent_of(["a", "b", "c"]) == set()
    assert await things.unsent_of([]) == set()
    assert await things.unsent_of(["with\0nul"]) == set()


async def test_a_refused_save_leaves_no_message(things: Collection) -> None:
    first = await things.save(Document("a", {"reference": "R1"}))
    second = await things.save(replace(first, body={"n": 2, "reference": "R1"}))
    for document, refusal in (
        (replace(first, body={}), Conflict),
        (Document("a", {}), Conflict),
        (Document("b", {"reference": "R1"}), Duplicate),
    ):
        with pytest.raises(refusal):
            await things.save(document, [message("m1")])
    assert await things.unsent(LATER, 10) == []
    assert await things.get("a") == second


async def test_a_message_that_cannot_be_stored_keeps_the_state_back_too(things: Collection) -> None:
    bad = replace(message("bad"), routing_key="lone surrogate \ud800")
    results = await asyncio.gather(
        things.save(Document("good", {}), [message("m1")]),
        things.save(Document("bad", {}), [message("m2"), bad]),
        things.save(Document("fine", {}), [message("m3")]),
        return_exceptions=True,
    )
    assert isinstance(results[1], ValueError)
    assert await things.get("bad") is None
    assert sorted(await ids_of(things)) == ["m1", "m3"]


async def test_messages_are_kept_until_sent_however_often_the_document_is_saved(things: Collection) -> None:
    document = await things.save(Document("a", {}), [message("m1")])
    document = await things.save(document, [message("m2"), message("m3")])
    await things.save(document)
    assert await ids_of(things) == ["m1", "m2", "m3"]
    await things.sent({"a": ["m1", "m3", "never heard of"], "nobody": ["m2"]})
    assert await ids_of(things) == ["m2"]


async def test_clearing_neither_checks_nor_raises_the_version(things: Collection) -> None:
    document = await things.save(Document("a", {"n": 1}), [message("m1")])
    await things.sent({"a": ["m1"]})
    assert await things.get("a") == document
    assert (await things.save(document)).version == 2


async def test_clearing_nothing_is_fine(things: Collection) -> None:
    await things.sent({})
    await things.sent({"a": []})


async def test_only_messages_older_than_asked_are_unsent(things: Collection) -> None:
    second = timedelta(seconds=1)
    document = await things.save(Document("a", {}), [message("m1", NOW)])
    await things.save(document, [message("m2", NOW + second)])
    await things.save(Document("b", {}), [message("m3", NOW + 2 * second)])
    assert await ids_of(things, NOW) == []
    assert await ids_of(things, NOW + second) == ["m1"]
    assert await ids_of(things, NOW + 2 * second) == ["m1", "m2"]
    assert await ids_of(things, LATER) == ["m1", "m2", "m3"]


async def test_no_more_than_asked_are_given_oldest_first(things: Collection) -> None:
    for n in range(20):
        saved_at = NOW + timedelta(seconds=n)
        await things.save(Document(f"d{n}", {}), [message(f"m{n:02}a", saved_at), message(f"m{n:02}b", saved_at)])
    assert await ids_of(things, limit=5) == ["m00a", "m00b", "m01a", "m01b", "m02a"]


async def test_messages_survive_the_deletion_of_their_document(things: Collection) -> None:
    first = await things.save(Document("a", {}), [message("m1")])
    await things.delete(first)
    assert await things.get("a") is None
    assert await things.get_many(["a"]) == []
    assert await ids_of(things) == ["m1"]
    again = await things.save(Document("a", {"again": True}), [message("m2")])
    assert again.version == 1
    assert await ids_of(things) == ["m1", "m2"]
    await things.sent({"a": ["m1", "m2"]})
    assert await ids_of(things) == []
    assert await things.get("a") == again


async def test_a_deleted_document_leaves_nothing_once_its_messages_are_sent(things: Collection) -> None:
    document = await things.save(Document("a", {}, wake_at=NOW), [message("m1")])
    await things.delete(document)
    with pytest.raises(Conflict):
        await things.delete(document)
    assert await things.next_wake() is None
    await things.sent({"a": ["m1"]})
    assert await ids_of(things) == []
    assert (await things.save(Document("a", {}))).version == 1


async def test_one_id_is_one_message(things: Collection) -> None:
    document = await things.save(Document("a", {}), [message("m1")])
    await things.save(document, [message("m1")])
    assert await ids_of(things) == ["m1"]
    await things.sent({"a": ["m1"]})
    assert await ids_of(things) == []


async def test_clearing_while_saving_loses_neither_state_nor_message(engine: Engine) -> None:
    savers, clearers = await engine.things(), await engine.things()
    document = await savers.save(Document("a", {"n": 0}))
    cleared = asyncio.Queue[str | None]()

    async def save() -> None:
        nonlocal document
        for n in range(1, 101):
            document = await savers.save(replace(document, body={"n": n}), [message(f"odd-{n}"), message(f"even-{n}")])
            cleared.put_nowait(f"odd-{n}")
        cleared.put_nowait(None)

    async def clear() -> None:
        while (name := await cleared.get()) is not None:
            await clearers.sent({"a": [name]})

    await asyncio.gather(save(), clear())
    # a store sees its own clearings at once, another one's when they are written
    assert sorted(await ids_of(clearers, limit=500)) == sorted(f"even-{n}" for n in range(1, 101))
    found = await savers.get("a")
    assert found == Document("a", {"n": 100}, version=101)


async def test_unsent_messages_are_found_after_a_restart(engine: Engine) -> None:
    store, (collection,) = await engine.open((await engine.things())._spec)  # type: ignore[attr-defined]
    await put(collection, Document("x", {}))
    await collection.save(Document("a", {}), [message("m1"), message("m2")])
    await collection.sent({"a": ["m1"]})
    await store.close()
    assert await ids_of(await engine.things()) == ["m2"]


async def test_a_time_without_zone_is_refused(things: Collection) -> None:
    naive = NOW.replace(tzinfo=None)
    with pytest.raises(ValueError, match="zone"):
        await things.save(Document("a", {}), [message("m1", naive)])
    with pytest.raises(ValueError, match="zone"):
        await things.save(Document("a", {}, wake_at=naive))
    assert await things.get("a") is None
