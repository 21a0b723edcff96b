"""What only SQLite can be asked: crashes, several processes on one file, full disks, foreign locks, group commit."""

import asyncio
import contextlib
import re
import resource
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.store import open_store
from shared.store.documents import Document, Lookup, Unavailable
from shared.store.paging import index_named, page
from shared.store.sqlite import SqliteStore, lookups
from shared.store.sqlite.collection import SqliteCollection
from shared.store.sqlite.file import File
from shared.store.sqlite.statements import COLUMNS, Statements
from shared.store.sqlite.transactions import Outcome, Transactions
from shared.store.sqlite.writer import SMALL_GROUP, Writer
from tests.contract.store.conftest import THINGS
from tests.contract.store.test_outbox import message
from tests.contract.store.writing_process import WRITTEN, body_of
from tests.eventually import eventually

FAR = datetime(2100, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "service.sqlite3"


@contextlib.contextmanager
def child(path: Path, mode: str, argument: str) -> Iterator[subprocess.Popen[bytes]]:
    program = [sys.executable, "-m", "tests.contract.store.writing_process", str(path), mode, argument]
    with subprocess.Popen(program, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            process.kill()


async def opened(path: Path, patience: float = 5.0) -> tuple[SqliteStore, SqliteCollection]:
    store = SqliteStore(path, write_patience=patience)
    collection = store.collection(THINGS)
    await store.open()
    return store, collection


@pytest.mark.parametrize("acknowledged", [1, 200, 3000])
async def test_every_acknowledged_save_survives_a_kill(path: Path, acknowledged: int) -> None:
    lines: list[bytes] = []
    for life in ("first", "second"):
        with child(path, "write", life) as process:
            assert process.stdout is not None
            lines += [process.stdout.readline() for _ in range(acknowledged)]
            process.kill()
            lines += process.stdout.read().splitlines(keepends=True)
    last: dict[str, int] = {}
    for line in lines:
        if line.endswith(b"\n"):
            saved, version = line.decode().split()
            last[saved] = max(last.get(saved, 0), int(version))
    assert sum(last.values()) >= acknowledged

    store = SqliteStore(path)
    collection = store.collection(WRITTEN)
    await store.open()
    found = {document.id: document for document in await collection.get_many(last)}
    messages = {unsent.message.id for unsent in await collection.unsent(FAR, 1_000_000)}
    for name, number in last.items():
        stored = found[name]
        assert stored.version >= number, "what was acknowledged is there"
        assert stored.body == body_of(name, stored.version), "with exactly its content"
        assert {f"{name}/{n}" for n in range(1, stored.version + 1)} <= messages, "and its messages"
    assert len(messages) == sum(document.version for document in found.values()) + await count_of_others(store, last)
    await store.close()


async def count_of_others(store: SqliteStore, known: dict[str, int]) -> int:
    """Versions of documents whose first save nobody was told of."""
    collection = store.collection(WRITTEN)
    names = {f"{life}-{n}" for life in ("first", "second") for n in range(40)} - known.keys()
    return sum(document.version for document in await collection.get_many(names))


async def test_two_processes_count_together_and_lose_no_step(path: Path) -> None:
    with child(path, "count", "400") as one, child(path, "count", "400") as other:
        assert await asyncio.to_thread(one.wait, 50) == 0
        assert await asyncio.to_thread(other.wait, 50) == 0
    store = SqliteStore(path)
    collection = store.collection(WRITTEN)
    await store.open()
    assert await collection.get("counter") == Document("counter", {"n": 800}, version=800)
    await store.close()


async def test_processes_may_start_together_on_a_new_file(path: Path) -> None:
    with child(path, "count", "4") as a, child(path, "count", "4") as b, child(path, "count", "4") as c:
        codes = [await asyncio.to_thread(process.wait, 50) for process in (a, b, c)]
    assert codes == [0, 0, 0]


async def test_a_lock_held_too_long_is_unavailable_and_passes(path: Path) -> None:
    store, things = await opened(path, patience=0.1)
    saved = await things.save(Document("a", {"n": 1}))
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    waiting = [things.save(Document(f"d{n}", {})) for n in range(5)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 5
    with pytest.raises(Unavailable):
        await store.ping()
    assert await things.get("a") == saved, "reading goes on"
    foreign.execute("ROLLBACK")
    foreign.close()
    await store.ping()
    await things.save(replace(saved, body={"n": 2}))
    assert await things.get_many([f"d{n}" for n in range(5)]) == []
    await store.close()


async def test_a_lock_that_another_process_has_holds_up_its_save_and_not_the_loop(path: Path) -> None:
    store, things = await opened(path)
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    save = asyncio.ensure_future(things.save(Document("a", {"n": 1})))
    for _ in range(100):  # each a turn of the loop, which a save that waits on it would not let end
        await asyncio.sleep(0)
    assert not save.done()
    foreign.execute("ROLLBACK")
    foreign.close()
    assert await save == await things.get("a")
    await store.close()


@contextlib.contextmanager
def no_file_may_grow(beyond: int) -> Iterator[None]:
    """The kernel refuses to write further, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (beyond, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_unavailable_to_those_who_waited_and_the_writer_goes_on(path: Path) -> None:
    store, things = await opened(path)
    small = await things.save(Document("small", {"n": 1}))
    log = path.with_name(path.name + "-wal")
    with no_file_may_grow(beyond=log.stat().st_size + 8192):
        large = [things.save(Document(f"large-{n}", {"text": "x" * 100_000})) for n in range(5)]
        results = await asyncio.gather(*large, return_exceptions=True)
        assert [type(result) for result in results] == [Unavailable] * 5
        assert await things.get("small") == small
    assert await things.get_many([f"large-{n}" for n in range(5)]) == []
    await things.save(replace(small, body={"n": 2}))
    await things.save(Document("large-0", {"text": "x" * 100_000}))
    await store.close()


async def test_a_store_that_cannot_write_says_so_without_being_written_to(path: Path) -> None:
    """Reading goes on when a disk is full, so only a write can tell."""
    store, things = await opened(path)
    await store.ping()
    saved = await things.save(Document("a", {"n": 1}))
    log = path.with_name(path.name + "-wal")
    with no_file_may_grow(beyond=log.stat().st_size):
        with pytest.raises(Unavailable):
            await store.ping()
        assert await things.get("a") == saved
    await store.ping()
    assert await things.get("a") == saved
    await store.close()


async def test_a_save_given_up_by_its_caller_disturbs_nobody(path: Path) -> None:
    store, things = await opened(path)
    saves = [asyncio.ensure_future(things.save(Document(f"d{n}", {}))) for n in range(20)]
    await asyncio.sleep(0)
    saves[7].cancel()
    results = await asyncio.gather(*saves, return_exceptions=True)
    assert [type(result) for result in results].count(Document) == 19
    await store.close()


class Insert:
    def __init__(self, rows: int = 1) -> None:
        self.rows = rows
        self.threads: list[int] = []
        """Where it was carried out, each time."""

    def apply(self, cursor: sqlite3.Cursor) -> Outcome:
        self.threads.append(threading.get_ident())
        cursor.execute("INSERT INTO t VALUES (1)")
        return None


async def test_saves_that_wait_together_share_a_commit(path: Path) -> None:
    statements: list[str] = []

    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("CREATE TABLE t (n)")
        connection.set_trace_callback(statements.append)
        return connection

    writer = Writer(Transactions(connect, 5.0), asyncio.get_running_loop())
    await asyncio.gather(*(writer.submit(Insert()) for _ in range(400)))
    await writer.close()
    assert sum("INSERT" in statement for statement in statements) == 400
    assert 1 <= statements.count("COMMIT") <= 40


async def test_only_what_is_small_is_written_on_the_loop(path: Path) -> None:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("CREATE TABLE t (n)")
        return connection

    writer = Writer(Transactions(connect, 5.0), asyncio.get_running_loop())
    small, large = Insert(SMALL_GROUP), Insert(SMALL_GROUP + 1)
    await writer.submit(small)
    await writer.submit(large)
    await writer.close()
    here = threading.get_ident()
    assert small.threads == [here]
    assert len(large.threads) == 1
    assert here not in large.threads


async def test_clearing_needs_no_save_to_come_along(path: Path) -> None:
    store, things = await opened(path)
    await things.save(Document("a", {}), [message("m1")])
    await things.sent({"a": ["m1"]})
    with contextlib.closing(sqlite3.connect(path)) as foreign:
        await eventually(lambda: foreign.execute('SELECT count(*) FROM "things.outbox"').fetchone() == (0,))
    await store.close()


async def test_clearing_queued_before_the_end_is_carried_out(path: Path) -> None:
    store, things = await opened(path)
    await things.save(Document("a", {}), [message("m1")])
    await things.sent({"a": ["m1"]})
    await store.close()
    with contextlib.closing(sqlite3.connect(path)) as foreign:
        assert foreign.execute('SELECT count(*) FROM "things.outbox"').fetchone() == (0,)


async def test_a_commit_is_on_disk_before_it_is_acknowledged(path: Path) -> None:
    file = File(path, write_patience=1.0)
    await file.open([WRITTEN])
    connection = file._connect(1.0)
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
    connection.close()
    await file.close()


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    ("index", "prefix", "after"),
    [
        ("by_kind", ("book",), None),
        ("by_kind", ("book",), (7, "x", "d1")),
        ("by_kind", ("book", 7), (None, "d1")),
        ("by_kind", (), None),
        ("by_reference", ("R1",), None),
        ("by_owner", ("M1",), (3, "d1")),
    ],
)
async def test_pages_are_read_from_their_index_without_sorting(
    path: Path, index: str, prefix: tuple[str | int, ...], after: tuple[str | int | None, ...] | None, descending: bool
) -> None:
    store, _ = await opened(path)
    wanted = page(index_named(THINGS, index), prefix, after, descending)
    for conditions in wanted.segments:
        sql, values = Statements("things").segment(wanted, conditions)
        plan = explain(path, sql, (*values, 5))
        assert f"things.{index}" in plan
        assert "TEMP B-TREE" not in plan
    await store.close()


@pytest.mark.parametrize("lookup", THINGS.lookups, ids=lambda lookup: str(lookup.name))
async def test_documents_are_found_by_their_texts_without_a_scan_or_sorting(path: Path, lookup: Lookup) -> None:
    store, _ = await opened(path)
    plan = explain(path, lookups.having("things", lookup, COLUMNS), ("t7", 5))
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
    await store.close()


async def test_what_is_due_and_the_next_wake_are_read_from_their_index(path: Path) -> None:
    store, _ = await opened(path)
    statements = Statements("things")
    assert "things.wake_at" in explain(path, statements.due, (1, 2, 3))
    assert "things.wake_at" in explain(path, statements.next_wake, ())
    await store.close()


@pytest.mark.parametrize("name", sorted({*vars(Statements("things"))} - {"_table", "count"}))
async def test_no_statement_but_the_count_reads_all_documents(path: Path, name: str) -> None:
    store, _ = await opened(path)
    sql = getattr(Statements("things"), name)
    assert not re.search(r"SCAN things(?!\.outbox)", explain(path, sql, (1,) * sql.count("?")))
    await store.close()


def explain(path: Path, sql: str, values: tuple[object, ...]) -> str:
    connection = sqlite3.connect(path)
    plan = str(connection.execute(f"EXPLAIN QUERY PLAN {sql}", values).fetchall())
    connection.close()
    return plan


async def test_a_file_of_a_newer_layout_is_refused(path: Path) -> None:
    store, _ = await opened(path)
    await store.close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RuntimeError, match="newer release"):
        await opened(path)


async def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, no folder")
    with pytest.raises(Unavailable):
        await opened(tmp_path / "taken" / "service.sqlite3")


async def test_a_number_that_is_no_json_harms_only_its_own_save(path: Path) -> None:
    store, things = await opened(path)
    results = await asyncio.gather(
        things.save(Document("good", {"kind": "book"})),
        things.save(Document("bad", {"kind": "book", "rank": float("nan")})),
        return_exceptions=True,
    )
    assert isinstance(results[0], Document)
    assert await things.get("good") == results[0]
    await store.close()


def test_users_of_sqlite_do_not_load_the_mongodb_driver(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from shared.store import open_store;"
        f"open_store('x', pathlib.Path({str(tmp_path)!r}));"
        "assert not {'pymongo', 'bson', 'motor'} & sys.modules.keys(), 'loaded'"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_each_service_has_a_file_of_its_own(tmp_path: Path) -> None:
    store = open_store("cart", tmp_path)
    assert isinstance(store, SqliteStore)
    assert store._file._path == tmp_path / "cart.sqlite3"
