"""Real processes that run a service of the tests' own."""

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Protocol

import aio_pika
import pytest

from services.cli.broker_node import PrivateBroker
from services.house import HOUSE
from shared.bus.declaring import declare
from shared.bus.topology import topology
from shared.runtime.description import queues
from tests.eventually import eventually_sync
from tests.kit.stack import NOT_INHERITED, READY, REPOSITORY
from tests.patience import STARTED


class FakeProcess:
    """One process of `fake_process`, its output, and the journal of its service."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], settings: dict[str, str]) -> None:
        self.home = Path(settings.get("MILESAGA_HOME", folder / "home"))
        self.output = folder / "output"
        self.errors = folder / "errors"
        self.journal_file = folder / "journal"
        self.release_file = folder / "release"
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        own = {
            "MILESAGA_HOME": str(self.home),
            "PORT": "0",
            "PROCESSES": "1",  # the service of our own is in the process that is started
            "JOURNAL": str(self.journal_file),
            "RELEASE": str(self.release_file),
            **settings,
        }
        with self.output.open("wb") as out, self.errors.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.component.runtime.fake_process", *arguments],
                cwd=REPOSITORY,
                env={**inherited, **own},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    @property
    def journal(self) -> list[str]:
        return self.journal_file.read_text().splitlines() if self.journal_file.exists() else []

    @property
    def log(self) -> str:
        return self.errors.read_text()

    @property
    def said_ready(self) -> bool:
        return bool(READY.search(self.output.read_text()))

    def wait_until_ready(self, within: float = STARTED) -> str:
        """The URL in the `ready` line."""

        def url() -> str:
            if self.process.poll() is not None:
                pytest.fail(self.log)
            found = READY.search(self.output.read_text())
            return found[1] if found else ""

        return eventually_sync(url, within)

    def release(self) -> None:
        self.release_file.touch()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self, within: float = STARTED) -> int:
        return self.process.wait(within)


class StartProcess(Protocol):
    def __call__(self, *arguments: str, **settings: str) -> FakeProcess: ...


@pytest.fixture
def start_process(tmp_path: Path) -> Iterator[StartProcess]:
    """Start a process with arguments and settings (environment variables)."""
    started: list[FakeProcess] = []

    def start(*arguments: str, **settings: str) -> FakeProcess:
        folder = tmp_path / f"process-{len(started)}"
        folder.mkdir()
        started.append(FakeProcess(folder, arguments, settings))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.wait()
        if (each.home / "broker").exists():
            PrivateBroker(each.home).kill()


@pytest.fixture
async def broker_with_queues(
    vhost_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[aio_pika.abc.AbstractConnection]:
    monkeypatch.setenv("BROKER_URL", vhost_url)
    async with await aio_pika.connect(vhost_url) as connection:
        assert connection.transport is not None
        await declare(connection.transport.connection, topology(queues(HOUSE)))
        yield connection
