"""What only MongoDB can be asked: is what it acknowledges safe, and does it use the indexes it was given?"""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pymongo
import pytest
from pymongo import monitoring

from shared.store.documents import Document, Unavailable
from shared.store.mongo import MongoStore, motor_client, pymongo_client
from shared.store.mongo.collection import MongoCollection
from tests import engines
from tests.contract.store.conftest import THINGS
from tests.contract.store.test_outbox import message

NOW = datetime(2027, 1, 20, tzinfo=UTC)


class Commands(monitoring.CommandListener):
    """What went over the wire."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self.seen.append({"name": event.command_name, **event.command})

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None: ...

    def failed(self, event: monitoring.CommandFailedEvent) -> None: ...

    def named(self, *names: str) -> list[dict[str, Any]]:
        return [command for command in self.seen if command["name"] in names]


@pytest.fixture
def commands() -> Commands:
    return Commands()


@pytest.fixture(params=[motor_client, pymongo_client], ids=["motor", "pymongo"])
async def things(
    request: pytest.FixtureRequest, commands: Commands, mongodb_url: str
) -> AsyncIterator[MongoCollection]:
    name = f"contract_{uuid4().hex}"
    # the URL asks for less than the store insists on
    joint = "&" if "?" in mongodb_url else "?" if "/" in mongodb_url.split("//")[1] else "/?"
    url = f"{mongodb_url}{joint}w=1&journal=false&readPreference=secondaryPreferred"
    store = MongoStore(name, url, lambda url: request.param(url, event_listeners=[commands]))
    collection = store.collection(THINGS)
    await store.open()
    commands.seen.clear()
    yield collection
    await store.close()
    with pymongo.MongoClient[dict[str, object]](mongodb_url) as cleaner:
        cleaner.drop_database(f"milesaga_{name}")


async def test_writes_wait_for_a_majority_and_for_the_journal(things: MongoCollection, commands: Commands) -> None:
    saved = await things.save(Document("a", {}), [message("m1")])
    saved = await things.save(replace(saved, body={"n": 1}))
    await things.delete(saved)
    writes = commands.named("insert", "update", "delete")
    assert [write["name"] for write in writes] == ["insert", "update", "delete", "update"]
    for write in writes:
        assert write["writeConcern"]["w"] == "majority"
        assert write["writeConcern"]["j"] is True
        assert 0 < write["writeConcern"]["wtimeout"] <= 10_000


async def test_reads_are_of_the_primary_and_of_what_a_majority_has(things: MongoCollection, commands: Commands) -> None:
    await things.get("a")
    await things.get_many(["a"])
    await things.find("by_owner", ("M1",), limit=1)
    await things.due(NOW, 5)
    await things.next_wake()
    await things.unsent(NOW, 5)
    reads = commands.named("find")
    assert len(reads) >= 6
    for read in reads:
        assert read["readConcern"]["level"] == "majority"
        assert read.get("$readPreference", {"mode": "primary"})["mode"] in {"primary", "primaryPreferred"}
    assert things.driver.read_preference == pymongo.ReadPreference.PRIMARY


async def test_one_save_is_one_command(things: MongoCollection, commands: Commands) -> None:
    saved = await things.save(Document("a", {}), [message("m1"), message("m2")])
    await things.save(saved, [message("m3")])
    assert [command["name"] for command in commands.seen] == ["insert", "update"]


async def test_clearing_many_documents_is_one_command(things: MongoCollection, commands: Commands) -> None:
    for n in range(20):
        await things.save(Document(f"d{n}", {}), [message(f"m{n}")])
    commands.seen.clear()
    await things.sent({f"d{n}": [f"m{n}"] for n in range(20)})
    assert [command["name"] for command in commands.seen] == ["update"]
    assert await things.unsent(datetime.max.replace(tzinfo=UTC), 5) == []


@pytest.mark.parametrize(
    ("question", "index"),
    [
        (lambda things: things.find("by_kind", ("book",), limit=5), "by_kind"),
        (lambda things: things.find("by_kind", ("book", 7), limit=5, after=(1, "x"), descending=True), "by_kind"),
        (lambda things: things.find("by_reference", ("R1",), limit=5), "by_reference"),
        (lambda things: things.having("by_tag", "t7", limit=5), "by_tag"),
        (lambda things: things.having("by_part", "p7", limit=5), "by_part"),
        (lambda things: things.due(NOW, 5), "wake_at"),
        (lambda things: things.unsent(NOW, 5), "outbox.saved_at"),
    ],
)
async def test_questions_are_answered_from_their_index(
    things: MongoCollection, commands: Commands, question: Callable[[MongoCollection], Any], index: str
) -> None:
    for n in range(50):
        body = {"kind": "book", "rank": n, "shelf": n, "reference": f"R{n}"}
        body |= {"tags": [f"t{n}"], "parts": [{"number": f"p{n}"}]}
        await things.save(Document(f"d{n}", body, wake_at=NOW), [message(f"m{n}", NOW)])
    commands.seen.clear()
    await question(things)
    asked = commands.named("find")[0]
    explained = await things.driver.database.command(
        "explain", {key: asked[key] for key in ("find", "filter", "sort", "limit") if key in asked}
    )
    plan = str(explained["queryPlanner"].get("winningPlan", explained["queryPlanner"]))
    assert f"'indexName': '{index}'" in plan, plan
    assert "COLLSCAN" not in plan, plan


@pytest.mark.parametrize("client", [motor_client, pymongo_client])
async def test_a_server_that_is_not_there_is_unavailable(client: Callable[[str], Any]) -> None:
    url = f"mongodb://127.0.0.1:{engines.free_port()}/?serverSelectionTimeoutMS=300"
    store = MongoStore("nowhere", url, client)
    store.collection(THINGS)
    with pytest.raises(Unavailable):
        await store.open()
    with pytest.raises(Unavailable):
        await store.ping()


async def test_every_wait_of_the_driver_has_its_end(things: MongoCollection) -> None:
    options = things.driver.database.client.options
    assert 0 < options.server_selection_timeout <= 5
    pool = options.pool_options
    assert 0 < pool.connect_timeout <= 5
    assert 0 < pool.socket_timeout <= 15
    assert 0 < pool.wait_queue_timeout <= 10
