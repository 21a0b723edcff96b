"""Two shops on one broker, as their operators meet them."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from tests.conftest import StartStack
from tests.eventually import eventually

pytestmark = pytest.mark.long


async def adopt() -> Result:
    """The command has an event loop of its own, so it runs in another thread."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["topology", "adopt", "--yes"])


async def test_a_second_shop_does_not_start_until_the_first_ones_queues_are_given_to_it(
    start_stack: StartStack, vhost_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_URL", vhost_url)
    there = {"BROKER_URL": vhost_url}
    first = await asyncio.to_thread(start_stack, "miles", "notifications", home=tmp_path / "first", environment=there)
    second = start_stack("payment", "miles", home=tmp_path / "second", environment=there, wait=False)
    assert await asyncio.to_thread(second.process.wait, 30) == 2
    (sentence,) = [line for line in second.log().splitlines() if line.startswith("milesaga: ")]
    assert sentence.startswith("milesaga: BROKER_URL: at 127.0.0.1, virtual host 'test-")
    assert "the queues of miles belong to another stack" in sentence
    assert "milesaga topology adopt" in sentence
    assert "ready http" not in second.log()

    refused = await adopt()
    assert refused.exit_code == 1
    assert "miles has 1 consumers" in refused.stderr
    assert await asyncio.to_thread(first.terminate) == 0
    assert (await adopt()).exit_code == 0
    await asyncio.to_thread(second.start)
    first.launch()
    assert await eventually(first.process.poll, within=30) == 2


async def test_a_home_whose_stores_were_lost_is_told_so_and_may_have_its_queues_again(
    start_stack: StartStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole stack, over its private node."""
    home = tmp_path / "home"
    monkeypatch.delenv("BROKER_URL", raising=False)
    monkeypatch.setenv("MILESAGA_HOME", str(home))
    stack = await asyncio.to_thread(start_stack, home=home)
    busy = await adopt()
    assert busy.exit_code == 1
    assert "Another process runs the broker" in busy.stderr
    await asyncio.to_thread(stack.terminate)
    for file in (home / "stores").iterdir():
        file.unlink()
    stack.launch()
    assert await asyncio.to_thread(stack.process.wait, 60) == 2
    assert f"milesaga: MILESAGA_HOME: on the broker of {home} the queues of " in stack.log()
    adopted = await adopt()
    assert adopted.exit_code == 0, adopted.output
    await asyncio.to_thread(stack.start)
