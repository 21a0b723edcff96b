"""What the README leads to lies in `examples/`, and it works."""

import asyncio
import re
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

import pytest
from aio_pika.exceptions import ChannelNotFoundEntity
from typer.testing import CliRunner

from services.cli.main import app as milesaga
from tests.e2e.expectations import assert_bought
from tests.e2e.shop import Shop
from tests.e2e.wires import channel_to, listening
from tests.eventually import eventually
from tests.kit.stack import REPOSITORY, Stack

pytestmark = pytest.mark.sqlite_alone

EXAMPLES = sorted((REPOSITORY / "examples").iterdir())
README = (REPOSITORY / "README.md").read_text()


PARTNER = "example"


def environment(stack: Stack) -> dict[str, str]:
    return stack.environment() | {"BROKER_URL": partner_url(stack.home)}


@cache
def partner_url(home: Path) -> str:
    """The URL of a partner of this module's own."""
    added = CliRunner(env={"MILESAGA_HOME": str(home)}).invoke(milesaga, ["partners", "add", PARTNER])
    assert added.exit_code == 0, added.output
    return added.output.strip()


def house_url(stack: Stack) -> str:
    return (stack.home / "broker.url").read_text().strip()


async def run(stack: Stack, *command: str | Path) -> str:
    done = await asyncio.to_thread(
        subprocess.run,
        [str(part) for part in command],
        cwd=REPOSITORY,
        env=environment(stack),
        capture_output=True,
        text=True,
        timeout=40,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def test_the_readme_leads_to_every_example_and_to_no_other() -> None:
    """They are not repeated there: what is run here is what its readers open."""
    assert sorted(re.findall(r"\]\(examples/([^)]+)\)", README)) == [example.name for example in EXAMPLES]


async def test_the_curl_walk_buys(stack: Stack) -> None:
    """It needs curl, as its readers do."""
    shown = await run(stack, "bash", "examples/purchase.sh")
    *steps, tickets, total, status = shown.splitlines()
    assert {"hold miles: done", "issue tickets: done"} <= set(steps)
    assert re.fullmatch(r"tickets( \d{13})+ locator( [A-Z0-9]{6})+", tickets)
    assert re.fullmatch(r"total BRL [\d.]+ and 30000 miles", total)
    assert re.fullmatch(r"purchase \S+ completed", status)
    assert len(shown) < 2_000, "a person reads it"


@pytest.mark.parametrize("library", ["faststream", "aio_pika"])
async def test_a_purchase_is_started_by_the_example(shop: Shop, stack: Stack, library: str) -> None:
    member = await shop.member()
    cart, key = await member.cart(), uuid.uuid4().hex
    script = f"examples/start_purchase_{library}.py"
    async with listening(house_url(stack), "events", "checkout.#") as listener:
        await run(stack, sys.executable, script, member.id, cart["id"], key)
        told = await listener.told("checkout.completed.v1", key=key)
    await assert_bought(shop, member, await member.checkout(told["checkout_id"]), miles=0)


@pytest.mark.parametrize("library", ["faststream", "aio_pika"])
async def test_an_event_is_published_by_the_example(stack: Stack, library: str) -> None:
    async with listening(house_url(stack), "public", "partner.#") as listener:
        await run(stack, sys.executable, f"examples/publish_event_{library}.py", "TP84", "30")
        assert await listener.told("partner.flight_delayed.v1") == {"flight": "TP84", "minutes": 30}


@pytest.mark.parametrize(
    ("library", "queue"), [("faststream", f"{PARTNER}.shop"), ("aio_pika", f"{PARTNER}.other-shop")]
)
async def test_events_are_heard_by_the_example(
    shop: Shop, stack: Stack, library: str, queue: str, tmp_path: Path
) -> None:
    member = await shop.member()
    cart = await member.cart()
    heard = tmp_path / "heard"
    async with subscriber(stack, library, heard):
        url = house_url(stack)
        await eventually(lambda: has_consumer(url, queue), 20.0)
        checkout_id = await member.buy(cart)
        await eventually(lambda: f"told of {checkout_id}" in heard.read_text(), 20.0)
    async with channel_to(url) as channel:
        await channel.queue_delete(queue)


async def has_consumer(url: str, queue: str) -> bool:
    try:
        async with channel_to(url) as channel:
            declared = await channel.declare_queue(queue, passive=True)
    except ChannelNotFoundEntity:
        return False
    return bool(declared.declaration_result.consumer_count)


@asynccontextmanager
async def subscriber(stack: Stack, library: str, heard: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with heard.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            f"examples/subscribe_{library}.py",
            cwd=REPOSITORY,
            env=environment(stack),
            stdout=out,
            stderr=out,
        )
    try:
        yield process
    finally:
        process.terminate()
        await asyncio.wait_for(process.wait(), 10)
