"""Copies of a SQLite store: taken while it is written to, put back when nobody has it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from shared.store.documents import CollectionSpec, Document
from shared.store.sqlite import SqliteStore
from shared.store.sqlite.copies import REPLACED, NotCopied, put, take

THINGS = CollectionSpec("things")


async def opened(path: Path) -> SqliteStore:
    store = SqliteStore(path)
    store.collection(THINGS)
    await store.open()
    return store


async def ids(path: Path, among: list[str]) -> set[str]:
    store = await opened(path)
    found = {each.id for each in await store.collection(THINGS).get_many(among)}
    await store.close()
    return found


async def test_a_copy_has_every_save_acknowledged_before_it_and_stops_no_writer(tmp_path: Path) -> None:
    store = await opened(tmp_path / "a.sqlite3")
    things = store.collection(THINGS)
    saved: list[str] = []
    enough = asyncio.Event()

    async def write() -> None:
        while not enough.is_set():
            name = f"t{len(saved)}"
            await things.save(Document(name, {"n": len(saved)}))
            saved.append(name)

    writing = asyncio.create_task(write())
    for number in range(3):
        before, counted = list(saved), len(saved)
        await asyncio.to_thread(take, tmp_path / "a.sqlite3", tmp_path / f"copy{number}.sqlite3")
        assert await ids(tmp_path / f"copy{number}.sqlite3", before) == set(before)
        while len(saved) == counted:  # noqa: ASYNC110 - writing goes on
            await asyncio.sleep(0)
    enough.set()
    await writing
    await store.close()


async def test_a_copy_takes_the_place_of_a_store_and_of_its_log(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    store = await opened(path)
    await store.collection(THINGS).save(Document("before", {}))
    await store.close()
    take(path, tmp_path / "copy.sqlite3")
    store = await opened(path)
    await store.collection(THINGS).save(Document("after", {}))
    left = {name: path.with_name(path.name + name).read_bytes() for name in ("", "-wal")}
    await store.close()
    for name, data in left.items():  # as a crash leaves them
        path.with_name(path.name + name).write_bytes(data)

    put(tmp_path / "copy.sqlite3", path)
    assert await ids(path, ["before", "after"]) == {"before"}
    replaced = path.with_name(path.name + REPLACED)
    assert await ids(replaced, ["before", "after"]) == {"before", "after"}, "what was there stays beside it"
    assert path.stat().st_mode & 0o077 == 0


async def test_nothing_is_put_in_the_place_of_a_store_in_use(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    store = await opened(path)
    await store.collection(THINGS).save(Document("one", {}))
    take(path, tmp_path / "copy.sqlite3")
    await store.collection(THINGS).save(Document("two", {}))
    with pytest.raises(NotCopied, match="stop its service"):
        put(tmp_path / "copy.sqlite3", path)
    await store.close()
    assert await ids(path, ["one", "two"]) == {"one", "two"}


@pytest.mark.parametrize("damage", ["cut", "text", "empty", "newer", "absent"])
async def test_what_is_no_whole_store_of_ours_is_not_put_anywhere(tmp_path: Path, damage: str) -> None:
    path, copy = tmp_path / "a.sqlite3", tmp_path / "copy.sqlite3"
    store = await opened(path)
    for number in range(300):
        await store.collection(THINGS).save(Document(f"t{number}", {"text": "x" * 500}))
    await store.close()
    if damage != "absent":
        take(path, copy)
    match damage:
        case "cut":
            copy.write_bytes(copy.read_bytes()[: copy.stat().st_size // 2])
        case "text":
            copy.write_text("this is no store\n" * 100)
        case "empty":
            copy.write_bytes(b"")
        case "newer":
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("PRAGMA user_version = 99")
    with pytest.raises(NotCopied):
        put(copy, path)
    assert len(await ids(path, [f"t{number}" for number in range(300)])) == 300


async def test_a_broken_store_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.sqlite3"
    store = await opened(path)
    await store.collection(THINGS).save(Document("one", {}))
    await store.close()
    take(path, tmp_path / "copy.sqlite3")
    path.write_bytes(b"a disk went bad" * 1000)
    put(tmp_path / "copy.sqlite3", path)
    assert await ids(path, ["one"]) == {"one"}


async def test_a_copy_is_never_written_over(tmp_path: Path) -> None:
    path, copy = tmp_path / "a.sqlite3", tmp_path / "copy.sqlite3"
    await (await opened(path)).close()
    take(path, copy)
    with pytest.raises(NotCopied, match="there already"):
        take(path, copy)
    with pytest.raises(NotCopied, match="cannot be copied"):
        take(tmp_path / "nothing.sqlite3", tmp_path / "other.sqlite3")
    assert left_in(tmp_path) >= {"a.sqlite3", "copy.sqlite3"}
    assert not left_in(tmp_path) & {"other.sqlite3", "other.sqlite3.draft", "nothing.sqlite3"}


def left_in(folder: Path) -> set[str]:
    return {each.name for each in folder.iterdir()}
