"""The commands of a purchase, through the handlers, to the ledger in its file."""

import asyncio

from shared.contracts.miles import MilesAccrued, MilesHeld, MilesRedeemed
from shared.contracts.steps import StepRefused, StepUndone
from tests.component.miles.desk import stored_account
from tests.component.miles.orders import (
    accounts,
    accrue,
    balance,
    entries,
    hold,
    open_account,
    redeem,
    release,
    reverse,
    statement,
)
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.kit.desk import Desk

LOT = (50_000, "2027-06-30")


async def test_a_purchase_holds_redeems_and_accrues(desk: Desk) -> None:
    await open_account(desk, LOT)
    assert isinstance(await desk.tell(hold("p1", 30_000)), MilesHeld)
    assert (await balance(desk))["held"] == 30_000
    assert isinstance(await desk.tell(redeem("p1", 30_000)), MilesRedeemed)
    assert isinstance(await desk.tell(accrue("p1", 1_200)), MilesAccrued)
    after = await balance(desk)
    assert (after["available"], after["held"]) == (21_200, 0)


async def test_a_completed_purchase_shows_one_redemption_and_the_statement_adds_up(desk: Desk) -> None:
    await open_account(desk, LOT)
    await desk.tell(hold("p1", 30_000))
    await desk.tell(redeem("p1", 30_000))
    lines = await statement(desk)
    assert [(line["kind"], line["miles"], line["reference"], line["balance_after"]) for line in lines] == [
        ("redemption", -30_000, "p1", 20_000),
        ("release", 30_000, "p1", 50_000),
        ("hold", -30_000, "p1", 20_000),
        ("accrual", 50_000, None, 50_000),
    ]
    assert sum(line["miles"] for line in lines) == 20_000


async def test_more_than_the_member_has_is_refused(desk: Desk) -> None:
    await open_account(desk, LOT)
    answer = await desk.tell(hold("p1", 50_001))
    assert isinstance(answer, StepRefused)
    assert answer.code == "insufficient_miles"


async def test_a_member_without_account_has_too_few_miles(desk: Desk) -> None:
    answer = await desk.tell(hold("p1", 1, member="nobody"))
    assert isinstance(answer, StepRefused)
    assert answer.code == "insufficient_miles"


async def test_nothing_is_accrued_without_an_account(desk: Desk) -> None:
    answer = await desk.tell(accrue("p1", 1, member="nobody"))
    assert isinstance(answer, StepRefused)
    assert answer.code == "no_account"


async def test_an_impossible_member_is_refused_and_undone_without_a_trace(desk: Desk) -> None:
    answer = await desk.tell(hold("p1", 1, member='"ã'))
    assert isinstance(answer, StepRefused)
    assert isinstance(await desk.tell(release("p1", member='"ã')), StepUndone)
    assert await accounts(desk) == []


async def test_every_command_may_be_said_twice(desk: Desk) -> None:
    await open_account(desk, LOT)
    for command in (hold("p1", 30_000), redeem("p1", 30_000), accrue("p1", 10), reverse("p1"), release("p1")):
        assert await desk.tell(command) == await desk.tell(command)
    assert (await balance(desk))["available"] == 50_010
    assert len(await statement(desk)) == 6


async def test_an_undone_purchase_gives_everything_back(desk: Desk) -> None:
    await open_account(desk, LOT)
    await desk.tell(hold("p1", 30_000))
    await desk.tell(redeem("p1", 30_000))
    assert isinstance(await desk.tell(reverse("p1")), StepUndone)
    assert isinstance(await desk.tell(release("p1")), StepUndone)
    after = await balance(desk)
    assert (after["available"], after["held"]) == (50_000, 0)
    assert after["expiring"] == [{"on": "2027-06-30", "miles": 50_000}]
    of_purchase = [entry for entry in await entries(desk) if entry["reference"] == "p1"]
    assert sum(entry["miles"] for entry in of_purchase if entry["kind"] == "redemption") == -30_000
    assert sum(entry["miles"] for entry in of_purchase if entry["kind"] == "reversal") == 30_000


async def test_undo_before_do_leaves_nothing_held(desk: Desk) -> None:
    await open_account(desk, LOT)
    assert isinstance(await desk.tell(reverse("p1")), StepUndone)
    assert isinstance(await desk.tell(release("p1")), StepUndone)
    for late in (hold("p1", 30_000), redeem("p1", 30_000)):
        answer = await desk.tell(late)
        assert isinstance(answer, StepRefused)
        assert answer.code == "fenced"
    assert (await balance(desk))["available"] == 50_000


async def test_redeeming_what_is_not_held_is_refused(desk: Desk) -> None:
    await open_account(desk, LOT)
    answer = await desk.tell(redeem("p1", 30_000))
    assert isinstance(answer, StepRefused)
    assert answer.code == "not_held"


async def test_a_command_that_expired_on_its_way_is_refused(desk: Desk, clock: HandClock) -> None:
    await open_account(desk, LOT)
    command = hold("p1", 30_000, expires_at=clock.now())
    clock.pass_by(seconds=1)
    answer = await desk.tell(command)
    assert isinstance(answer, StepRefused)
    assert answer.code == "expired"


async def test_a_gold_members_miles_live_for_eight_years(desk: Desk) -> None:
    """To the end of a November in São Paulo, where the programme is unless a setting says otherwise."""
    await open_account(desk, tier="gold")
    await desk.tell(accrue("p1", 1_000))
    async with desk.http() as client:
        found = await client.get("/v1/miles/accounts", headers=desk.operator())
    assert found.json()["accounts"][0]["tier"] == "gold"
    stored = await stored_account(desk)
    assert stored["lots"][0]["expires_at"] == "2034-12-01T03:00:00Z"


async def test_what_expired_is_posted_by_the_task_and_held_miles_stay(desk: Desk, clock: HandClock) -> None:
    await open_account(desk, (1_000, "2026-12-31"), (500, "2027-12-31"))
    await desk.tell(hold("p1", 300))
    clock.pass_by(days=60)
    task = asyncio.ensure_future(desk.service.tasks[0]())
    try:
        await eventually(lambda: expiry_is_posted(desk))
    finally:
        task.cancel()
    after = await balance(desk)
    assert (after["available"], after["held"]) == (500, 300)
    assert [line["miles"] for line in await statement(desk) if line["kind"] == "expiry"] == [-700]


async def test_a_balance_shows_what_expired_before_the_task_has_run(desk: Desk, clock: HandClock) -> None:
    await open_account(desk, (1_000, "2026-12-31"))
    clock.pass_by(days=60)
    assert (await balance(desk))["available"] == 0
    assert sum(line["miles"] for line in await statement(desk)) == 0
    assert [account["books_differ"] for account in await accounts(desk)] == [False]


async def expiry_is_posted(desk: Desk) -> bool:
    return bool((await stored_account(desk))["sequence"] == 3)
