"""`milesaga backup` and `milesaga restore` on the files of a home."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.backup import asking_first
from services.cli.main import app
from services.house import HOUSE
from shared.runtime.home import Home
from shared.runtime.host import STORES
from shared.store.documents import CollectionSpec, Document
from shared.store.opening import sqlite_file
from shared.store.sqlite import SqliteStore

THINGS = CollectionSpec("things")


def milesaga(*arguments: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=answer)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILESAGA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MONGODB_URL", raising=False)
    return tmp_path / "home"


async def save(home: Path, service: str, *names: str) -> None:
    store = SqliteStore(sqlite_file(home / STORES, service))
    things = store.collection(THINGS)
    await store.open()
    for name in names:
        await things.save(Document(name, {}))
    await store.close()


async def kept(home: Path, service: str) -> set[str]:
    store = SqliteStore(sqlite_file(home / STORES, service))
    things = store.collection(THINGS)
    await store.open()
    found = {each.id for each in await things.get_many(["one", "two"])}
    await store.close()
    return found


async def test_every_store_there_is_copied_who_asks_first_and_put_back(home: Path, tmp_path: Path) -> None:
    for service in ("payment", "checkout"):
        await save(home, service, "one")
    (home / "partners.json").write_text("{}")
    copied = milesaga("backup", str(tmp_path / "copies"), "--json")
    assert copied.exit_code == 0, copied.output
    assert json.loads(copied.output) == {"copied": ["checkout", "payment"]}
    assert (tmp_path / "copies" / "partners.json").read_text() == "{}"

    again = milesaga("backup", str(tmp_path / "copies"))
    assert (again.exit_code, "never written over" in again.output) == (1, True)

    for service in ("payment", "checkout"):
        await save(home, service, "two")
    one = milesaga("restore", str(tmp_path / "copies"), "--service", "payment", "--yes")
    assert one.exit_code == 0, one.output
    assert (await kept(home, "payment"), await kept(home, "checkout")) == ({"one"}, {"one", "two"})
    both = milesaga("restore", str(tmp_path / "copies"), "--yes")
    assert "no copy of" in both.output
    assert "restored: checkout, payment" in both.output
    assert await kept(home, "checkout") == {"one"}


async def test_nothing_is_replaced_without_a_yes_or_beside_a_running_stack(home: Path, tmp_path: Path) -> None:
    await save(home, "payment", "one")
    assert milesaga("backup", str(tmp_path / "copies")).exit_code == 0
    await save(home, "payment", "two")
    assert milesaga("restore", str(tmp_path / "copies"), answer="n\n").exit_code == 1
    with Home(home).claimed():
        refused = milesaga("restore", str(tmp_path / "copies"), "--yes")
    assert (refused.exit_code, "a stack runs over" in refused.output) == (1, True)
    assert await kept(home, "payment") == {"one", "two"}


async def test_one_damaged_copy_leaves_every_store_as_it_is(home: Path, tmp_path: Path) -> None:
    for service in ("checkout", "payment"):
        await save(home, service, "one")
    assert milesaga("backup", str(tmp_path / "copies")).exit_code == 0
    for service in ("checkout", "payment"):
        await save(home, service, "two")
    sqlite_file(tmp_path / "copies", "payment").write_bytes(b"no store")
    refused = milesaga("restore", str(tmp_path / "copies"), "--yes")
    assert (refused.exit_code, "is no store" in refused.output) == (1, True)
    assert await kept(home, "checkout") == {"one", "two"}


@pytest.mark.usefixtures("home")
def test_what_there_is_nothing_of_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = milesaga("backup", str(tmp_path / "copies"))
    assert (nothing.exit_code, "no stores" in nothing.output) == (1, True)
    assert milesaga("restore", str(tmp_path / "nowhere"), "--yes").exit_code == 1
    assert milesaga("backup", str(tmp_path / "copies"), "--service", "nobody").exit_code == 2
    monkeypatch.setenv("MONGODB_URL", "mongodb://127.0.0.1:1")
    for command in ("backup", "restore"):
        refused = milesaga(command, str(tmp_path / "copies"))
        assert (refused.exit_code, "own tools" in refused.output) == (1, True)


def test_the_orchestrator_is_copied_before_the_workers() -> None:
    assert asking_first(HOUSE)[0] == "checkout"
