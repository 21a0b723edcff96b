"""What the tests of the ledger share: a bookkeeper who knows nothing of lots, and moments."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta

from services.miles.domain import rules
from services.miles.domain.account import Account
from services.miles.domain.journal import Operation, Past, Transaction
from services.miles.domain.validity import Calendar

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CALENDAR = Calendar(UTC)


def an_account(*lots: tuple[int, date], member: str = "ana") -> Account:
    return rules.replace(Account(id=member), "member", [rules.NewLot(miles, day) for miles, day in lots], NOW, CALENDAR)


def end_of_grace(grace: timedelta | None, now: datetime) -> datetime | None:
    return None if grace is None else CALENDAR.end_after(grace, now)


def past_of(account: Account, purchase: str) -> Past:
    found: dict[Operation, Transaction] = {t.operation: t for t in account.recent if t.reference == purchase}
    return found


def balances(transactions: tuple[Transaction, ...]) -> dict[str, int]:
    """Every account's balance as the entries alone tell it."""
    totals: dict[str, int] = defaultdict(int)
    for transaction in transactions:
        for entry in transaction.entries:
            totals[entry.debit] -= abs(entry.miles)
            totals[entry.credit] += abs(entry.miles)
    return totals
