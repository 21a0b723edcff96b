"""A signal at our own act, which the command line does itself: that it was begun, and how it ended, is told."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.component.gate.conftest import GATES, REPOSITORY, STARTED, ended
from tests.eventually import eventually_sync
from tests.kit.office import Office

WORDS = ("partners", "add", "acme", "--members", "rui", "--target", "fuel/till", "--reason", "a new till")
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(office: Office, tmp_path: Path) -> Iterator[Start]:
    """The command, which speaks to a broker at that address."""
    started = list[subprocess.Popen[str]]()

    def made(broker: str) -> "subprocess.Popen[str]":
        mine = {
            "GATED": "on",
            "ENVIRONMENT": "test",
            "PARTNERS_FILE": str(tmp_path / "partners.json"),
            "BROKER_URL": f"amqp://nobody:nothing@{broker}/",
            "BROKER_MANAGEMENT_URL": f"http://nobody:nothing@{broker}",
            "MILESAGA_URL": office.url,
            "MILESAGA_TOKEN": "a-token",
            "XDG_STATE_HOME": str(tmp_path / "state"),
            "PYTHONPATH": str(REPOSITORY),
        }
        pipe = subprocess.PIPE
        words = [*GATES["python"][:3], *WORDS]
        started.append(subprocess.Popen(words, env=os.environ | mine, stdout=pipe, stderr=pipe, text=True))
        return started[-1]

    yield made
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_grant_is_used_up_begins_nothing_and_is_told(
    office: Office, start: Start, tmp_path: Path, number: signal.Signals
) -> None:
    process = start("127.0.0.1:1")
    office.on_redeem = lambda: os.kill(process.pid, number)
    eventually_sync(lambda: bool(office.requests), STARTED)
    office.decide("approved")
    ended(process, 128 + number)
    assert office.only.outcome == {"exit_code": 128 + number, "summary": f"ended by signal {int(number)}"}
    assert not (tmp_path / "partners.json").exists()


def test_a_signal_in_the_midst_of_the_act_is_told(office: Office, start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = start(f"127.0.0.1:{silent.getsockname()[1]}")
        eventually_sync(lambda: bool(office.requests), STARTED)
        office.decide("approved")
        silent.settimeout(STARTED)
        with silent.accept()[0]:
            process.send_signal(signal.SIGTERM)
            told = ended(process, 143)
    assert "look what of it was done" in told
    assert office.only.outcome == {"exit_code": 143, "summary": "ended by signal 15"}
