"""Pages are kept while the archive is read: by however many, and however slow the disk is for them."""

import asyncio
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from threading import Event

import pytest

from services.archive.cases.courtesy import COMES, COMPUTES, MOMENT_BESIDE, Courtesy
from services.archive.cases.threads import Threads
from shared.kernel.clock import running_seconds
from shared.segments.folders import Folder
from shared.segments.frames import Packed
from tests.component.archive.vault import Vault
from tests.eventually import eventually

STATS = "/v1/hub/archive/stats"
VERIFY = "/v1/hub/archive/verify"
UNCLOSED = Folder.unclosed
MANY = 40
"""More readers than any pool of a process has threads."""


class SlowSegment:
    """A segment that whoever reads it waits for."""

    NAME = "writer-9.0198c0de-0000-7000-8000-000000000001"

    def __init__(self, folder: Path) -> None:
        (folder / "writer-9").mkdir(parents=True)
        (folder / "writer-9" / f"{self.NAME}.open").touch()
        self._asked, self._free = Event(), Event()

    def wait(self, name: str) -> None:
        if name == self.NAME:
            self._asked.set()
            assert self._free.wait(60)

    def is_read(self) -> bool:
        """Does somebody wait for it?"""
        return self._asked.is_set()

    def let_go(self) -> None:
        """All who wait, and all who come."""
        self._free.set()


@pytest.fixture
def slow(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowSegment]:
    made = SlowSegment(vault.folder)

    def unclosed(folder: Folder, name: str) -> AbstractContextManager[Packed]:
        made.wait(name)
        return UNCLOSED(folder, name)

    monkeypatch.setattr(Folder, "unclosed", unclosed)
    yield made
    made.let_go()


async def test_however_many_read_a_page_is_kept(vault: Vault, slow: SlowSegment) -> None:
    readers = [asyncio.create_task(vault.ask("GET", "/v1/hub/archive")) for _ in range(MANY)]
    await eventually(slow.is_read)
    async with asyncio.timeout(10):
        await vault.keep(vault.event())
    assert not any(reader.done() for reader in readers)
    slow.let_go()
    assert {each.status_code for each in await asyncio.gather(*readers)} == {200}


async def test_one_at_a_time_has_all_of_it_read_and_others_count(vault: Vault, slow: SlowSegment) -> None:
    first = asyncio.create_task(vault.ask("GET", VERIFY))
    await eventually(slow.is_read)
    answer = await vault.ask("GET", VERIFY)
    assert (answer.status_code, answer.json()["code"]) == (429, "being_read")
    assert int(answer.headers["retry-after"]) > 0
    assert (await vault.ask("GET", STATS)).status_code == 200
    slow.let_go()
    assert (await first).status_code == 200
    assert (await vault.ask("GET", VERIFY)).status_code == 200


async def test_a_reader_that_computes_gives_way_again_and_again() -> None:
    """A thread that has the interpreter for long holds up all that its process answers meanwhile."""
    threads = Threads()
    steps = iter(range(1_000_000))
    turns = 0
    while await threads.some(steps, 1_000_000):
        turns += 1
    assert turns > 10
    assert await threads.some(iter([1, 2, 3]), 2) == [1, 2]
    await threads.close()


async def test_work_that_nobody_waits_for_rests_beside_live_events() -> None:
    threads = Threads(Courtesy(lambda: COMES / 2))
    began, turns = running_seconds(), 0
    steps = iter(range(100_000))
    while await threads.at_leisure(steps, 1_000_000):
        turns += 1
    assert turns > 2
    assert running_seconds() - began >= (1 + COMPUTES) * MOMENT_BESIDE * (turns - 1)
    await threads.close()
