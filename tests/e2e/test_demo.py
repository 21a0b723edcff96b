"""The demonstration, as a user starts it."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from tests.conftest import StartStack
from tests.e2e.expectations import assert_bought
from tests.e2e.shop import Shop
from tests.eventually import eventually_sync
from tests.kit.stack import NOT_INHERITED, REPOSITORY
from tests.patience import PLAYED

COMMAND = [sys.executable, "-m", "services.cli.main", "demo", "--home"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}


def processes_of(home: Path) -> list[int]:
    """Whatever still runs with this folder in its environment."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(home) in " ".join(process.environ().values()) and process.pid != os.getpid():
                found.append(process.pid)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def demonstrated(command: Sequence[str], home: Path) -> str:
    """What a demonstration says that goes well, and leaves nothing running."""
    done = subprocess.run(
        command, cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, timeout=PLAYED, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert processes_of(home) == []
    return done.stdout


@pytest.mark.timeout(600)
def test_the_demonstration_succeeds_twice_over_the_same_home_and_leaves_nothing_running(own_home: Path) -> None:
    for _ in range(2):
        told = demonstrated([*COMMAND, str(own_home)], own_home)
        for shown in ("receipt", "card_declined", "segment_unavailable", "one ticket was issued, not two", "kill -9"):
            assert shown in told
        assert "no difference" in told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demonstration_stops_everything(own_home: Path, number: signal.Signals) -> None:
    out = own_home.parent / "out"
    with out.open("wb") as file:
        demo = subprocess.Popen([*COMMAND, str(own_home)], cwd=REPOSITORY, env=ENVIRONMENT, stdout=file, stderr=file)
    eventually_sync(lambda: "purchase" in out.read_text(), 60.0)
    demo.send_signal(number)
    assert demo.wait(50) == 130
    assert processes_of(own_home) == []


async def test_a_demonstration_over_the_home_of_a_running_stack_says_so_and_leaves_that_alone(
    start_stack: StartStack,
) -> None:
    stack = await asyncio.to_thread(start_stack)
    demo = await asyncio.to_thread(stack.command, "demo")
    assert demo.returncode == 1
    assert "a stack runs over" in demo.stdout
    async with Shop(stack.url) as shop:
        member = await shop.member()
        checkout = await member.ended(await member.buy(await member.cart(use_miles=30_000)))
        await assert_bought(shop, member, checkout, miles=30_000)
