"""Expiry by a clock that is wrong: not by one known to be far off, and never for everybody at once."""

from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from services.miles.adapters.ledger import ACCOUNTS, JOURNAL, Ledger, Policy
from services.miles.domain.account import Account
from services.miles.domain.journal import Transaction
from services.miles.domain.rules import NewLot, replace
from services.miles.domain.validity import Calendar
from shared.kernel.clock import CheckedClock
from shared.kernel.errors import NotSent
from shared.store.repository import Repository
from shared.store.sqlite import SqliteStore
from tests.kit.clock import HandClock

NOW = HandClock().now()
MEMBERS = 250
CALENDAR = Calendar(UTC)
POLICY = Policy(dict.fromkeys(("member", "silver", "gold", "diamond"), 36), timedelta(days=30), CALENDAR)


class Book:
    def __init__(self, folder: Path) -> None:
        self.store = SqliteStore(folder / "miles.sqlite3")
        self.accounts = Repository(
            self.store.collection(ACCOUNTS), Account, key=lambda it: it.id, wake=lambda it: it.next_expiry()
        )
        self.journal = Repository(self.store.collection(JOURNAL), Transaction, key=lambda it: it.id)

    def ledger(self, clock: HandClock | CheckedClock, share: float | None = None) -> Ledger:
        more = () if share is None else (share,)
        return Ledger(self.accounts, self.journal, clock, POLICY, *more)

    async def with_miles(self) -> int:
        """How many members still have theirs, by the right clock."""
        ledger = self.ledger(HandClock())
        return sum([(await ledger.up_to_date(f"m{n}")).available(NOW) > 0 for n in range(MEMBERS)])


@pytest.fixture
async def book(tmp_path: Path) -> AsyncIterator[Book]:
    book = Book(tmp_path)
    await book.store.open()
    ledger = book.ledger(HandClock())
    lot = NewLot(50_000, (NOW + timedelta(days=300)).date())
    for number in range(MEMBERS):
        await ledger.change(f"m{number}", lambda account, now: replace(account, "member", [lot], now, CALENDAR))
    yield book
    await book.store.close()


def ahead(**time: float) -> HandClock:
    clock = HandClock()
    clock.pass_by(**time)
    return clock


@pytest.mark.parametrize("days", [301, 400, 4000])
async def test_a_clock_far_ahead_that_nobody_could_check_costs_a_tenth_at_most(book: Book, days: int) -> None:
    ledger = book.ledger(ahead(days=days))
    while await ledger.expire_due():
        pass
    for _ in range(5):
        assert await ledger.expire_due() == 0, "it waits for an operator"
    assert await book.with_miles() == MEMBERS * 9 // 10


async def test_an_operator_may_allow_everything(book: Book) -> None:
    ledger = book.ledger(ahead(days=400), share=1.0)
    while await ledger.expire_due():
        pass
    assert await book.with_miles() == 0


@pytest.mark.parametrize("days", [400, 4000])
async def test_a_clock_known_to_be_far_ahead_costs_nothing(book: Book, days: int) -> None:
    clock = CheckedClock(ahead(days=days))
    clock.compare("store", NOW, 0.01)
    ledger = book.ledger(clock)
    assert await ledger.expire_due() == 0
    assert (await ledger.up_to_date("m1")).available(NOW) == 50_000
    with pytest.raises(NotSent):
        await ledger.hold("m1", "p-1", 1_000)
    assert await book.with_miles() == MEMBERS


async def test_a_clock_that_is_right_again_goes_on(book: Book) -> None:
    hand = ahead(days=400)
    clock = CheckedClock(hand)
    clock.compare("store", NOW, 0.01)
    ledger = book.ledger(clock)
    assert await ledger.expire_due() == 0
    hand.time = NOW
    await ledger.hold("m1", "p-1", 1_000)
    assert (await ledger.up_to_date("m1")).available(NOW) == 49_000
