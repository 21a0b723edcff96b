"""Many purchases of one member at once, from two processes, and thousands one after another."""

import asyncio
import json
from collections import Counter
from datetime import UTC

import pytest

from services.miles.adapters import accounts as ledger_accounts
from services.miles.adapters.ledger import ACCOUNTS, JOURNAL, RECENT, Ledger, Policy
from services.miles.domain.account import Account
from services.miles.domain.journal import Transaction
from services.miles.domain.validity import Calendar
from shared.contracts.miles import MilesHeld, MilesRedeemed
from shared.contracts.steps import Answer, Command, StepRefused, StepUndone
from shared.kernel.errors import Later, Refused
from shared.store.documents import Store
from shared.store.repository import Repository
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
from tests.kit.clock import HandClock
from tests.kit.desk import Desk

pytestmark = pytest.mark.long

HOLDS = 200
PURCHASES = 2_000


async def until_answered(desk: Desk, command: Command) -> Answer:
    """As the bus would: what must wait comes again."""
    while True:
        try:
            return await desk.tell(command)
        except Later:
            continue


async def assert_sound(desk: Desk, available: int, held: int) -> None:
    after = await balance(desk)
    assert (after["available"], after["held"]) == (available, held)
    assert [account["books_differ"] for account in await accounts(desk)] == [False]
    assert sum(entry["miles"] for entry in await entries(desk)) == available


async def test_two_hundred_holds_at_once_from_two_processes_never_overdraw(desk: Desk, other_desk: Desk) -> None:
    await open_account(desk, (600, "2027-01-31"), (437, "2027-06-30"))
    desks = (desk, other_desk)
    answers = await asyncio.gather(
        *(until_answered(desks[n % 2], hold(f"p{n}", 10)) for n in range(HOLDS)),
    )
    held = [answer for answer in answers if isinstance(answer, MilesHeld)]
    refused = [answer.code for answer in answers if isinstance(answer, StepRefused)]
    assert (len(held), refused) == (103, ["insufficient_miles"] * 97)
    await assert_sound(desk, 7, 1_030)


async def test_the_same_purchase_told_to_two_processes_at_once_is_held_once(desk: Desk, other_desk: Desk) -> None:
    await open_account(desk, (1_000, "2027-06-30"))
    orders = [hold(f"p{n}", 10) for n in range(40)]
    await asyncio.gather(*(until_answered(d, order) for order in orders for d in (desk, other_desk)))
    await assert_sound(desk, 600, 400)


async def test_undo_and_do_in_two_processes_at_once_leave_nothing_held(desk: Desk, other_desk: Desk) -> None:
    """Whichever comes first: a release that wins forbids the hold, a hold that wins is released."""
    await open_account(desk, (100_000, "2027-06-30"))

    async def undone(purchase: str) -> None:
        _, answer = await asyncio.gather(
            until_answered(desk, hold(purchase, 10)), until_answered(other_desk, release(purchase))
        )
        assert isinstance(answer, StepUndone)

    await asyncio.gather(*(undone(f"p{n}") for n in range(60)))
    await assert_sound(desk, 100_000, 0)


async def test_a_redemption_and_its_reversal_at_once_leave_nothing_redeemed(desk: Desk, other_desk: Desk) -> None:
    await open_account(desk, (100_000, "2027-06-30"))
    for n in range(40):
        await desk.tell(hold(f"p{n}", 10))
    await asyncio.gather(
        *(until_answered(desk, redeem(f"p{n}", 10)) for n in range(40)),
        *(until_answered(other_desk, reverse(f"p{n}")) for n in range(40)),
    )
    for n in range(40):
        await other_desk.tell(release(f"p{n}"))
    await assert_sound(desk, 100_000, 0)


async def test_thousands_of_purchases_leave_the_account_small_and_nothing_is_forgotten(
    desk: Desk, clock: HandClock
) -> None:
    await open_account(desk, (PURCHASES * 10, "2028-06-30"))

    async def a_purchase(n: int) -> None:
        await desk.tell(hold(f"p{n}", 10))
        await desk.tell(redeem(f"p{n}", 10) if n % 4 else release(f"p{n}"))
        await desk.tell(accrue(f"p{n}", 1))

    largest = 0
    for first in range(0, PURCHASES, 20):
        clock.pass_by(hours=20)
        await asyncio.gather(*(a_purchase(n) for n in range(first, first + 20)))
        largest = max(largest, len(json.dumps(await stored_account(desk))))
    account = await stored_account(desk)
    assert largest < 20_000
    assert len(account["recent"]) <= RECENT + 1
    assert len(account["lots"]) <= 5  # what was granted, and a lot for each month of earning
    await assert_sound(desk, PURCHASES * 10 - 1_500 * 10 + PURCHASES, 0)

    assert isinstance(await desk.tell(redeem("p1", 10)), MilesRedeemed)
    assert isinstance(await desk.tell(reverse("p1")), StepUndone)
    assert isinstance(await desk.tell(reverse("p1")), StepUndone)
    await assert_sound(desk, PURCHASES * 10 - 1_499 * 10 + PURCHASES, 0)
    kinds = Counter(entry["kind"] for entry in await entries(desk))
    assert kinds == {"accrual": 2_001, "hold": 2_000, "release": 2_000, "redemption": 1_500, "reversal": 1}
    lines = await statement(desk)
    assert len(lines) == sum(kinds.values())
    assert lines[0]["kind"] == "reversal"


async def test_the_ledger_itself_knows_old_purchases(desk: Desk) -> None:
    """Without the log of the purchase's commands: as after a crash between the ledger's write and the log's."""
    await open_account(desk, (1_000, "2028-06-30"))
    for n in range(30):
        await desk.tell(hold(f"p{n}", 10))
        await desk.tell(redeem(f"p{n}", 10))
    programme, store = a_programme(desk)
    await store.open()
    try:
        await programme.redeem("ana", "p0", 10)
        await programme.hold("ana", "p0", 10)
        await programme.release("ana", "p0")
        await assert_sound(desk, 700, 0)
        await programme.reverse("ana", "p0")
        await programme.reverse("ana", "p0")
        await assert_sound(desk, 710, 0)
        with pytest.raises(Refused, match="fenced"):
            await programme.redeem("ana", "p0", 10)
    finally:
        await store.close()


async def test_copies_left_by_a_crash_between_journal_and_account_count_once(desk: Desk) -> None:
    await open_account(desk, (1_000, "2028-06-30"))
    for n in range(RECENT // 2):
        await desk.tell(hold(f"p{n}", 10))
    account = Account.model_validate(await stored_account(desk))
    store = desk.runtime.store("miles")
    journal = Repository(store.collection(JOURNAL), Transaction, key=lambda transaction: transaction.id)
    await store.open()
    try:
        for transaction in account.recent:
            await journal.save(transaction, version=0)
    finally:
        await store.close()
    await assert_sound(desk, 940, 60)
    assert len(await statement(desk)) == 7
    for n in range(RECENT // 2):
        await desk.tell(redeem(f"p{n}", 10))
    await desk.tell(hold("last", 10))
    await assert_sound(desk, 930, 10)
    assert len({entry["id"] for entry in await entries(desk)}) == len(await entries(desk)) == 20


async def test_entries_are_listed_once_while_they_move_to_the_journal(
    desk: Desk, other_desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages of a few, so that many cursors lie between purchases that go on meanwhile."""
    monkeypatch.setattr(ledger_accounts, "ENTRIES_PAGE", 5)
    monkeypatch.setattr(ledger_accounts, "ACCOUNTS_PAGE", 2)
    members = ("ana", "bia", "caio", "davi", "eva")
    for member in members:
        await open_account(desk, (10_000, "2028-06-30"), member=member)
        for n in range(9):
            await desk.tell(hold(f"before-{member}-{n}", 10, member=member))
    before = {entry["id"] for entry in await entries(desk)}
    listed: list[str] = []
    cursor: str | None = None
    async with desk.http() as client:
        for n in range(100):
            params = {"cursor": cursor} if cursor else {}
            answer = await client.get("/v1/miles/entries", params=params, headers=desk.operator())
            listed += [entry["id"] for entry in answer.json()["entries"]]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
            for member in members:
                await other_desk.tell(hold(f"during-{member}-{n}", 10, member=member))
    assert cursor is None
    assert len(before) == 50
    assert len(listed) == len(set(listed))
    assert before <= set(listed)


async def test_accounts_are_listed_page_by_page(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_accounts, "ACCOUNTS_PAGE", 2)
    for member in ("ana", "bia", "caio", "davi"):
        await open_account(desk, (10, "2028-06-30"), member=member)
    await desk.tell(release("p1", member="unopened"))
    assert [account["member_id"] for account in await accounts(desk)] == ["ana", "bia", "caio", "davi"]


async def test_a_journal_that_lost_a_transaction_shows(desk: Desk) -> None:
    await open_account(desk, (1_000, "2028-06-30"))
    for n in range(20):
        await desk.tell(hold(f"p{n}", 10))
    store = desk.runtime.store("miles")
    journal = store.collection(JOURNAL)
    await store.open()
    try:
        [lost] = await journal.find("by_reference", ("p3",), limit=1)
        await journal.delete(lost)
    finally:
        await store.close()
    [account] = await accounts(desk)
    assert account["books_differ"] is True
    assert (account["available"], account["entries_available"]) == (800, 810)


def a_programme(desk: Desk) -> tuple[Ledger, Store]:
    """The ledger by itself, in a process of its own."""
    store = desk.runtime.store("miles")
    accounts = Repository(store.collection(ACCOUNTS), Account, key=lambda account: account.id)
    journal = Repository(store.collection(JOURNAL), Transaction, key=lambda transaction: transaction.id)
    return Ledger(accounts, journal, desk.runtime.clock, Policy({"member": 36}, None, Calendar(UTC))), store
