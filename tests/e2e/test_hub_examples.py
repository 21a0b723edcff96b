"""Partners' events as the README shows them: a bus from a file, receipts published, a webhook received and verified."""

import asyncio
import base64
import json
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from services.cli.ports import free_ports
from tests.e2e.buses import Bus
from tests.e2e.partners import Partner
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url, run
from tests.eventually import eventually
from tests.kit.stack import REPOSITORY, Stack

pytestmark = pytest.mark.sqlite_alone

SECRET = "whsec_" + "A" * 43 + "="
PAIR, OTHER_PAIR = Ed25519PrivateKey.from_private_bytes(bytes(32)), Ed25519PrivateKey.from_private_bytes(b"x" * 32)
ARRIVES = 30.0


@pytest.fixture(scope="module")
def applied(stack: Stack) -> Stack:
    done = stack.command("hub", "apply", "examples/hub_partner.yaml", "examples/hub_bus.yaml")
    assert done.returncode == 0, done.stderr
    return stack


def told(stack: Stack, *arguments: str) -> str:
    done = stack.command("hub", *arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_bus_of_ten_lines_is_in_force_and_the_same_file_changes_nothing(applied: Stack) -> None:
    again = json.loads(told(applied, "apply", "examples/hub_partner.yaml", "examples/hub_bus.yaml", "--json"))
    assert {each["change"] for each in again["things"]} == {"same"}
    assert told(applied, "diff", "examples/hub_partner.yaml", "examples/hub_bus.yaml") == ""
    (bus,) = [each for each in json.loads(told(applied, "list", "--json"))["buses"] if each["id"] == "fuel"]
    assert (bus["terms"]["partner"], bus["terms"]["rules"][0]["name"]) == ("coles", "qualifying")


async def test_a_receipt_is_published_by_curl(applied: Stack) -> None:
    assert (await run(applied, "bash", "examples/publish_receipt.sh", "curl-1")).split() == ["accepted", "accepted"]
    assert (await run(applied, "bash", "examples/publish_receipt.sh", "curl-1")).split() == ["duplicate", "accepted"]
    assert "coles: accepted" in told(applied, "trace", "coles", "curl-1")


async def test_receipts_are_published_by_python(applied: Stack) -> None:
    shown = await run(applied, sys.executable, "examples/publish_receipts.py", "501")
    assert [line.split()[1] for line in shown.splitlines()] == ["accepted"] * 501
    assert len({line.split()[0] for line in shown.splitlines()}) == 501


async def test_a_receipt_is_published_by_the_broker(applied: Stack) -> None:
    added = applied.command("partners", "add", "coles", "--target", "fuel/books", "--replace")
    assert added.returncode == 0, added.stderr
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "examples/publish_receipt_aio_pika.py", "by-broker", "3500"],
        cwd=REPOSITORY,
        env=applied.environment() | {"BROKER_URL": added.stdout.strip()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    await eventually(lambda: "accepted" in applied.command("hub", "trace", "coles", "by-broker").stdout, ARRIVES)


async def test_what_a_rule_wants_lies_in_its_targets_queue(applied: Stack) -> None:
    async with Shop(applied.url) as shop:
        operator = await shop.operator()
        bus = Bus(Partner("coles", operator, operator, shop), operator, house_url(applied), "fuel")
    await bus.taken()
    told(applied, "send", "examples/hub_event.json", "--partner", "coles")
    copies = await bus.eventually_taken(1)
    assert "4711" in {each.attributes["id"] for each in copies}


async def test_a_wrong_event_is_refused_by_place_and_none_of_its_batch_is_kept(applied: Stack, tmp_path: Path) -> None:
    event = json.loads((REPOSITORY / "examples/hub_event.json").read_text())
    wrong = event | {"id": "wrong", "data": {"store": "0417", "total": {"amount": "3000"}}}
    file = tmp_path / "events.json"
    file.write_text(json.dumps([event | {"id": "good"}, wrong]))
    for command in ("send", "check"):
        refused = applied.command("hub", command, str(file), "--partner", "coles")
        assert refused.returncode == 1
        assert "/data/total/amount" in refused.stdout + refused.stderr
    assert applied.command("hub", "trace", "coles", "good").returncode == 1


async def test_a_dry_run_and_a_roll_back(applied: Stack, tmp_path: Path) -> None:
    before = json.loads(told(applied, "list", "fuel", "--json"))["revisions"][0]["revision"]
    file = tmp_path / "fuel.yaml"
    text = (REPOSITORY / "examples/hub_bus.yaml").read_text()
    file.write_text(re.sub("3000", "5000", text))
    assert "a dry run" in told(applied, "apply", "--dry-run", str(file))
    assert json.loads(told(applied, "list", "fuel", "--json"))["revisions"][0]["revision"] == before
    assert f"revision {before + 1}" in told(applied, "apply", str(file))
    assert f"revision {before + 2}" in told(applied, "rollback", "fuel", str(before))
    assert told(applied, "diff", "examples/hub_bus.yaml") == ""


async def test_events_are_found_in_the_archive_by_the_command_line(applied: Stack) -> None:
    told(applied, "send", "examples/hub_event.json", "--partner", "coles")

    async def found() -> bool:
        shown = json.loads(told(applied, "archive", "find", "--partner", "coles", "--id", "4711", "--json"))
        return len(shown["events"]) == 1

    await eventually(found, ARRIVES)
    assert '"4711"' in told(applied, "archive", "export", "-", "--partner", "coles")
    assert "damaged" in told(applied, "archive", "verify")


async def test_a_feed_is_read_by_the_example_and_by_the_command_line(applied: Stack, tmp_path: Path) -> None:
    told(applied, "apply", "examples/hub_feed.yaml")
    told(applied, "send", "examples/hub_event.json", "--partner", "coles")

    async def read(*command: str) -> bool:
        return "4711" in (await run(applied, *command)).split()

    example = (sys.executable, "examples/read_feed.py", str(tmp_path / "read"))
    await eventually(lambda: read(*example), ARRIVES)
    assert not await read(*example), "its cursor is behind it"
    cursor = str(tmp_path / "told")
    shown = told(applied, "feed", "history/own", "--cursor", cursor, "--json").splitlines()
    assert "4711" in {json.loads(line)["id"] for line in shown}
    assert told(applied, "feed", "history/own", "--cursor", cursor) == ""


async def test_a_webhook_is_received_by_the_example_which_refuses_what_is_not_signed() -> None:
    body = (REPOSITORY / "examples/hub_event.json").read_bytes()
    async with receiver() as (url, process):
        async with httpx.AsyncClient(trust_env=False) as http:
            agreed = await http.options(url, headers={"WebHook-Request-Origin": "milesaga"})
            assert agreed.headers["webhook-allowed-origin"] == "milesaga"
            for _ in range(2):
                assert (await http.post(url, content=body, headers=signed(body))).status_code == 204
            assert (await http.post(url, content=body + b" ", headers=signed(body))).status_code == 401
        process.terminate()
        printed, _ = await asyncio.to_thread(process.communicate)
    assert printed.splitlines() == [
        "retail.receipt.issued.v1 4711 {'store': '0417', 'total': {'amount': 3000, 'currency': 'AUD'}}"
    ]


def signed(body: bytes) -> dict[str, str]:
    at = datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", at, body.decode()),
    }


async def test_a_webhook_is_received_by_the_example_that_has_a_public_key_alone() -> None:
    body = (REPOSITORY / "examples/hub_event.json").read_bytes()
    keys = {"WEBHOOK_PUBLIC_KEYS": f"{public(OTHER_PAIR)} {public(PAIR)}"}
    async with receiver("receive_webhook_ed25519.py", keys) as (url, process):
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(2):
                assert (await http.post(url, content=body, headers=signed_by_key(body))).status_code == 204
            assert (await http.post(url, content=body + b" ", headers=signed_by_key(body))).status_code == 401
            assert (await http.post(url, content=body, headers=signed_by_key(body, age=301))).status_code == 401
            assert (await http.post(url, content=body, headers=signed(body))).status_code == 401
            assert (await http.post(url, content=body)).status_code == 401
        process.terminate()
        printed, _ = await asyncio.to_thread(process.communicate)
    assert [line.split()[1] for line in printed.splitlines()] == ["4711"]


def public(pair: Ed25519PrivateKey) -> str:
    return "whpk_" + base64.b64encode(pair.public_key().public_bytes_raw()).decode()


def signed_by_key(body: bytes, age: int = 0) -> dict[str, str]:
    at = int(datetime.now(UTC).timestamp()) - age
    made = PAIR.sign(f"msg_1.{at}.".encode() + body)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1a,{base64.b64encode(bytes(64)).decode()} v1a,{base64.b64encode(made).decode()}",
    }


BY_SECRET: Mapping[str, str] = {"WEBHOOK_SECRET": SECRET}


@asynccontextmanager
async def receiver(
    program: str = "receive_webhook.py", keys: Mapping[str, str] = BY_SECRET
) -> "AsyncIterator[tuple[str, subprocess.Popen[str]]]":
    (port,) = free_ports(1)
    url = f"http://127.0.0.1:{port}/hook"
    process = subprocess.Popen(  # noqa: ASYNC220 - it begins at once
        [sys.executable, f"examples/{program}", str(port)],
        cwd=REPOSITORY,
        env={**keys, "PATH": ""},
        stdout=subprocess.PIPE,
        text=True,
    )

    async def listens() -> bool:
        async with httpx.AsyncClient(trust_env=False) as http:
            try:
                return (await http.options(url)).is_success
            except httpx.TransportError:
                return False

    try:
        await eventually(listens, ARRIVES)
        yield url, process
    finally:
        process.kill()
        process.wait()
