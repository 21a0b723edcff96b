"""The operators' commands beside a running stack."""

import asyncio
import json
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from services.cli.absence import NO_STACK
from services.house import HOUSE
from tests.e2e.expectations import assert_bought
from tests.e2e.shop import Json, Shop
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone

SILENCE = [
    {"provider": "stripe", "operation": "authorize", "mode": "error"},
    {"provider": "stripe", "operation": "read", "mode": "error"},
]


async def command(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(stack.command, *arguments)


async def said(stack: Stack, *arguments: str) -> Json:
    done = await command(stack, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    body: Json = json.loads(done.stdout)
    return body


async def test_purchases_are_listed_newest_first_and_shown_with_their_timeline(shop: Shop, stack: Stack) -> None:
    member = await shop.member()
    older = await member.ended(await member.buy(await member.cart()))
    newer = await member.ended(await member.buy(await member.cart(), "tok_declined"))
    listed = (await said(stack, "purchases", "list", "--limit", "2"))["checkouts"]
    assert [(each["id"], each["status"]) for each in listed] == [(newer["id"], "refused"), (older["id"], "completed")]
    refused = (await said(stack, "purchases", "list", "--status", "refused", "--limit", "1"))["checkouts"]
    assert [each["id"] for each in refused] == [newer["id"]]
    shown = await said(stack, "purchases", "show", older["id"])
    assert shown["tickets"] == older["tickets"]
    assert [entry["position"] for entry in shown["timeline"]] == list(range(1, len(shown["timeline"]) + 1))
    table = await command(stack, "purchases", "show", newer["id"])
    assert table.returncode == 0
    assert "card_declined" in table.stdout


async def test_purchases_are_found_by_member_code_age_and_change(shop: Shop, stack: Stack) -> None:
    member = await shop.member()
    begun = datetime.now(UTC)
    refused = (await member.ended(await member.buy(await member.cart(), "tok_declined")))["id"]
    bought = (await member.ended(await member.buy(await member.cart())))["id"]

    async def found(*filters: str) -> list[str]:
        listed = await said(stack, "purchases", "list", "--member", member.id, *filters)
        return [each["id"] for each in listed["checkouts"]]

    assert await found() == [bought, refused]
    assert await found("--code", "card_declined") == [refused]
    assert await found("--status", "completed") == [bought]
    assert await found("--older-than", begun.isoformat()) == []
    assert await found("--changed-since", begun.isoformat()) == [bought, refused]
    assert await found("--step", "issue tickets") == []


async def test_one_screen_says_how_everything_stands(shop: Shop, stack: Stack) -> None:
    member = await shop.member()
    await member.ended(await member.buy(await member.cart()))
    seen = await said(stack, "status")
    assert (seen["api"]["ready"], seen["api"]["broker"], seen["broker"]["here"]) == (True, "here", True)
    assert {each["name"] for each in seen["services"] if each["runs"]} == {each.name for each in HOUSE}
    assert {each["status"]: each["count"] for each in seen["purchases"]}["completed"] >= 1
    table = await command(stack, "status")
    assert table.returncode == 0, table.stderr
    assert "notifications" in table.stdout


async def test_a_purchase_is_followed_to_its_end(shop: Shop, stack: Stack) -> None:
    member = await shop.member()
    checkout_id = await member.buy(await member.cart())
    done = await command(stack, "purchases", "show", checkout_id, "--follow", "--json")
    assert done.returncode == 0, done.stderr
    states = [json.loads(line)["status"] for line in done.stdout.splitlines()]
    assert states[-1] == "completed"
    assert len(states) > 5
    told = await command(stack, "purchases", "show", checkout_id, "--follow")
    assert "issue tickets: done" in told.stdout
    assert "purchase completed" in told.stdout


async def test_an_unknown_purchase_is_one_sentence_and_exit_code_1(stack: Stack) -> None:
    done = await command(stack, "purchases", "show", "nobody-knows")
    assert done.returncode == 1
    assert done.stderr == "There is no purchase nobody-knows.\n"


async def test_a_timer_moved_to_now_has_a_silent_step_asked_at_once(shop: Shop, stack: Stack) -> None:
    await shop.all_misbehave(SILENCE)
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))

    async def unknown() -> bool:
        steps = (await member.checkout(checkout_id))["steps"]
        return any((step["name"], step["status"]) == ("authorize payment", "unknown") for step in steps)

    await eventually(unknown)
    moved = await said(stack, "timers", "move", checkout_id, "ask", "+1h")
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)
    assert abs(datetime.fromisoformat(moved["timers"][0]["at"]) - in_an_hour) < timedelta(minutes=1)
    timers = (await said(stack, "timers", "list"))["timers"]
    assert [(each["name"], each["step"]) for each in timers if each["checkout_id"] == checkout_id] == [
        ("ask", "authorize payment")
    ]
    await shop.behave()
    await said(stack, "timers", "move", checkout_id, "ask", "now")
    await assert_bought(shop, member, await member.ended(checkout_id), miles=30_000)


async def test_a_cancelled_timer_is_gone_and_the_customer_may_still_cancel(shop: Shop, stack: Stack) -> None:
    await shop.all_misbehave(SILENCE)
    member = await shop.member()
    checkout_id = await member.buy(await member.cart(use_miles=30_000))

    async def authorizing() -> bool:
        steps = (await member.checkout(checkout_id))["steps"]
        return any((step["name"], step["status"]) == ("authorize payment", "unknown") for step in steps)

    await eventually(authorizing)
    assert (await command(stack, "timers", "cancel", checkout_id, "ask")).returncode == 0
    timers = (await said(stack, "timers", "list"))["timers"]
    assert [each for each in timers if each["checkout_id"] == checkout_id] == []
    again = await command(stack, "timers", "cancel", checkout_id, "ask")
    assert again.returncode == 1
    assert again.stderr == f"There is no timer ask of a purchase {checkout_id}.\n"
    await shop.behave()
    assert (await member.http.post(f"/v1/checkouts/{checkout_id}/cancel")).status_code == 202
    assert (await member.ended(checkout_id))["status"] == "cancelled"
    balance = await member.balance()
    assert (balance["available"], balance["held"]) == (50_000, 0)


async def test_a_command_without_a_stack_says_how_to_start_one(stack: Stack) -> None:
    elsewhere = Stack(stack.home / "nowhere")
    done = await asyncio.to_thread(elsewhere.command, "purchases", "list")
    assert done.returncode == NO_STACK
    assert "start the stack with `milesaga run`" in done.stderr
