"""`milesaga run` without names: everything in one process, over a private broker of its own."""

import asyncio
from pathlib import Path

import httpx
import psutil
import pytest

from services.cli.broker_setup import MARK
from tests.component.runtime.conftest import StartProcess
from tests.eventually import eventually
from tests.patience import STARTED

pytestmark = pytest.mark.long


def broker_processes(home: Path) -> list[psutil.Process]:
    """Those that carry the folder's name."""
    mark = str((home / "broker").resolve())
    return [each for each in psutil.process_iter(["name", "environ"]) if (each.info["environ"] or {}).get(MARK) == mark]


async def sandbox_answers(url: str) -> bool:
    async with httpx.AsyncClient() as http:
        return (await http.get(f"{url}/sandbox/oauth/jwks.json")).status_code == 200


async def test_a_whole_stack_tells_where_it_is_keeps_others_out_and_leaves_nothing_behind(
    start_process: StartProcess, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    stack = start_process(MILESAGA_HOME=str(home))
    url = stack.wait_until_ready()
    assert (home / "http.url").read_text().strip() == url
    assert (home / "broker.url").read_text().startswith("amqp://")
    assert await sandbox_answers(url)
    assert (home / "internal.token").stat().st_mode & 0o777 == 0o600

    second = start_process(MILESAGA_HOME=str(home))
    assert second.exit_code() == 2
    assert second.log.startswith("milesaga: MILESAGA_HOME: ")

    neighbour = start_process("payment", MILESAGA_HOME=str(home))
    neighbour.wait_until_ready()
    neighbour.terminate()
    assert neighbour.exit_code() == 0
    assert (home / "http.url").exists(), "a single service leaves the stack's address alone"

    assert broker_processes(home)
    stack.terminate()
    assert stack.exit_code() == 0
    assert not (home / "http.url").exists()
    assert not (home / "broker.url").exists()
    assert not broker_processes(home)


async def test_a_stack_killed_alone_comes_back_over_the_broker_it_left(
    start_process: StartProcess, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    first = start_process(MILESAGA_HOME=str(home))
    first.wait_until_ready()
    broker_url = (home / "broker.url").read_text()
    first.process.kill()
    first.process.wait()

    second = start_process(MILESAGA_HOME=str(home))
    url = second.wait_until_ready()
    assert (home / "broker.url").read_text() == broker_url
    assert await sandbox_answers(url)
    second.terminate()
    assert await asyncio.to_thread(second.exit_code) == 0


async def test_a_signal_while_the_broker_starts_ends_both(start_process: StartProcess, tmp_path: Path) -> None:
    home = tmp_path / "home"
    stack = start_process(MILESAGA_HOME=str(home))
    await eventually((home / "broker" / "node.json").exists, STARTED)
    stack.terminate()
    assert stack.exit_code() == 0
    assert not stack.said_ready
    assert not [each.info["name"] for each in broker_processes(home)]
