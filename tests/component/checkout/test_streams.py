"""Many streams of one process: what they cost, how many there may be, and that none misses a change."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import ClientDisconnect
from starlette.types import Message

from services.checkout.app import CHECKOUTS
from services.checkout.cases.following import POLL_SECONDS, Change, Followers
from services.checkout.domain.checkout import Checkout
from services.checkout.http.events import stream
from shared.contracts.cart import LockCart
from shared.kernel.streams import TooManyStreams
from shared.kernel.values import changed
from shared.store.documents import Collection, Document, Store
from shared.store.repository import Repository
from tests.component.checkout.conftest import CartService, Desk, checkout_desk
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.saga.purchases import locked

STREAMS = 1_000


class Watched:
    """A collection that counts how often it was asked for versions, and how many documents it gave."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self.looks = 0
        self.read: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._collection, name)

    async def versions(self, ids: Iterable[str]) -> dict[str, int]:
        self.looks += 1
        return await self._collection.versions(ids)

    async def get_many(self, ids: Iterable[str]) -> list[Document]:
        found = await self._collection.get_many(ids)
        self.read += [document.id for document in found]
        return found


def repository_of(collection: Any) -> Repository[Checkout]:
    return Repository(collection, Checkout, key=lambda it: it.id, wake=lambda it: it.record.wake_at)


@pytest.fixture
async def store(desk: Desk) -> AsyncIterator[tuple[Store, Watched]]:
    store = desk.runtime.store("checkout")
    watched = Watched(store.collection(CHECKOUTS))
    await store.open()
    yield store, watched
    await store.close()


async def purchases(repository: Repository[Checkout], like: str) -> list[Checkout]:
    """A thousand purchases that wait for the same answer."""
    stored = await repository.load(like)
    assert stored is not None
    copies = [changed(stored.value, id=f"copy-{n}", key=f"copy-{n}") for n in range(STREAMS)]
    await asyncio.gather(*(repository.save(copy, version=0) for copy in copies))
    return copies


async def last_of(followers: Followers, checkout: Checkout, seen: list[Change]) -> None:
    async with aclosing(followers.changes(checkout, 0)) as changes:
        async for change in changes:
            seen += [change] if change else []


async def test_a_thousand_streams_read_what_moved_and_nothing_else(desk: Desk, store: tuple[Store, Watched]) -> None:
    _, collection = store
    repository = repository_of(collection)
    copies = await purchases(repository, (await desk.buy()).json()["id"])
    draining = asyncio.Event()
    followers = Followers(repository, draining)
    seen: dict[str, list[Change]] = {copy.id: [] for copy in copies}
    tasks = [asyncio.create_task(last_of(followers, copy, seen[copy.id])) for copy in copies]
    running = asyncio.create_task(followers.run())
    await eventually(lambda: len(collection.read) >= STREAMS)
    collection.read.clear()
    looked = collection.looks
    await eventually(lambda: collection.looks >= looked + 3)
    assert collection.read == []
    moved = await repository.load("copy-7")
    assert moved is not None
    entry = moved.value.record.timeline[-1]
    record = changed(moved.value.record, timeline=(*moved.value.record.timeline, entry))
    after = moved.value.moved_to(moved.value.state, record, moved.value.updated_at)
    await repository.save(after, version=moved.version)
    await eventually(lambda: seen["copy-7"][-1].position == len(record.timeline))
    assert set(collection.read) == {"copy-7"}
    draining.set()
    await asyncio.gather(*tasks)
    running.cancel()


async def test_a_purchase_saved_here_is_seen_before_the_next_poll(desk: Desk, store: tuple[Store, Watched]) -> None:
    """The poll is kept from happening at all."""
    _, collection = store
    repository = repository_of(collection)
    checkout_id = (await desk.buy()).json()["id"]
    begun = await repository.load(checkout_id)
    assert begun is not None
    followers = Followers(repository, asyncio.Event())
    seen: list[Change] = []
    running = asyncio.create_task(followers.run())
    await asyncio.sleep(0)  # its first look finds nobody, the next one is a quarter of a second away
    following = asyncio.create_task(last_of(followers, begun.value, seen))
    await eventually(lambda: seen)
    await desk.answer(LockCart, locked())
    before, looks = len(seen), collection.looks
    followers.touch(checkout_id)
    await eventually(lambda: len(seen) > before, within=POLL_SECONDS * 20)
    assert collection.looks - looks <= 1
    for task in (running, following):
        task.cancel()


async def test_what_another_replica_saves_is_seen(
    desk: Desk, tmp_path: Path, clock: HandClock, carts: CartService
) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    async with checkout_desk(tmp_path, clock, carts) as other:
        path = f"/v1/checkouts/{checkout_id}/events"
        following = asyncio.create_task(other.client.get(path, headers=other.member(), timeout=20))
        await desk.answer(LockCart, locked())
        await asyncio.sleep(POLL_SECONDS * 2)
        other.runtime.draining.set()
        assert '"name":"lock cart","status":"done"' in (await following).text


async def test_more_streams_than_a_caller_may_open_are_429(desk: Desk) -> None:
    checkout_id = (await desk.buy()).json()["id"]
    path = f"/v1/checkouts/{checkout_id}/events"
    asking = [asyncio.create_task(desk.client.get(path, headers=desk.member(), timeout=20)) for _ in range(25)]
    done, waiting = await asyncio.wait(asking, timeout=2)
    assert (len(done), len(waiting)) == (5, 20)
    for task in done:
        answer = task.result()
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_streams")
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["Retry-After"]) > 0
    operators = f"/v1/operations/checkouts/{checkout_id}/events"
    other = asyncio.create_task(desk.client.get(operators, headers=desk.operator(), timeout=20))
    assert not (await asyncio.wait((other,), timeout=0.3))[0], "another caller has streams of their own"
    desk.runtime.draining.set()
    assert {(await task).status_code for task in (*waiting, other)} == {200}
    again = await desk.client.get(path, headers=desk.member(), timeout=20)
    assert again.status_code == 200, "what has ended counts no longer"


async def test_more_streams_than_the_process_bears_are_refused(desk: Desk, store: tuple[Store, Watched]) -> None:
    followers = Followers(repository_of(store[1]), asyncio.Event(), streams=3, per_caller=2)
    followers.enter("ana")
    followers.enter("ana")
    with pytest.raises(TooManyStreams):
        followers.enter("ana")
    followers.enter("bia")
    with pytest.raises(TooManyStreams):
        followers.enter("caio")
    followers.leave("ana")
    followers.enter("caio")


async def test_a_client_that_left_before_the_first_byte_leaves_its_place(
    desk: Desk, store: tuple[Store, Watched]
) -> None:
    repository = repository_of(store[1])
    begun = await repository.load((await desk.buy()).json()["id"])
    assert begun is not None
    followers = Followers(repository, asyncio.Event(), per_caller=1)

    async def broken(_: Message) -> None:
        raise OSError("the line is gone")

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    for _ in range(3):
        response = stream(followers, "ana", begun.value, None)
        with pytest.raises(ClientDisconnect):
            await response({"type": "http", "asgi": {"spec_version": "2.4"}}, receive, broken)
    followers.enter("ana")
