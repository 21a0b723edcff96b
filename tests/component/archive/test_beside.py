"""Pages are kept while the archive is read: by however many, and however slow the disk is for them."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.archive.cases.threads import Threads
from tests.component.archive.vault import Json, Vault
from tests.eventually import eventually
from tests.kit.clock import HandClock

STATS = "/v1/hub/archive/stats"
MANY = 40
"""More readers than any pool of a process has threads."""


class SlowSegment:
    """A segment that whoever reads it waits for: a pipe that nobody writes into."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "writer-9" / "writer-9.slow.open"
        self.path.parent.mkdir(parents=True)
        os.mkfifo(self.path)
        self._end: int | None = None

    def is_read(self) -> bool:
        """Does somebody wait for it? From then on all wait for its end."""
        if self._end is None:
            try:
                self._end = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:
                return False
        return True

    def let_go(self) -> None:
        """All who wait, and all who come."""
        self.path.unlink(missing_ok=True)
        if self._end is not None:
            os.close(self._end)
            self._end = None


@pytest.fixture
def slow(vault: Vault) -> Iterator[SlowSegment]:
    made = SlowSegment(vault.folder)
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


async def test_one_at_a_time_reads_all_of_a_time(vault: Vault, slow: SlowSegment, clock: HandClock) -> None:
    times: Json = {"from": clock.now().isoformat(), "to": clock.now().isoformat()}
    first = asyncio.create_task(vault.ask("GET", STATS, **times))
    await eventually(slow.is_read)
    for path, asked in ((STATS, times), ("/v1/hub/archive/verify", Json())):
        answer = await vault.ask("GET", path, **asked)
        assert (answer.status_code, answer.json()["code"]) == (429, "being_read")
        assert int(answer.headers["retry-after"]) > 0
    assert (await vault.ask("GET", STATS)).status_code == 200
    slow.let_go()
    assert (await first).status_code == 200
    assert (await vault.ask("GET", STATS, **times)).status_code == 200


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
