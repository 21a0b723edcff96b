"""Loyalty programmes under the contract: each opens accounts, and says what a member can spend and what is held."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date
from pathlib import Path
from typing import Protocol

from services.miles.adapters.ledger import ACCOUNTS, JOURNAL, Ledger, Policy
from services.miles.domain import rules
from services.miles.domain.account import Account
from services.miles.domain.journal import Transaction
from services.miles.domain.validity import Calendar
from services.miles.ports import LoyaltyProgramme
from shared.kernel.clock import SystemClock
from shared.store import open_store
from shared.store.repository import Repository


class Subject(Protocol):
    """A programme, and how to look behind it."""

    programme: LoyaltyProgramme

    async def open(self, member_id: str, miles: int) -> None: ...

    async def has(self, member_id: str) -> tuple[int, int]:
        """Available and held."""
        ...


@dataclass
class OwnLedger:
    programme: LoyaltyProgramme
    ledger: Ledger

    async def open(self, member_id: str, miles: int) -> None:
        lots = [rules.NewLot(miles, date(2990, 1, 1))]
        await self.ledger.change(
            member_id, lambda account, now: rules.replace(account, "member", lots, now, Calendar(UTC))
        )

    async def has(self, member_id: str) -> tuple[int, int]:
        account = await self.ledger.up_to_date(member_id)
        return account.free, account.held


@asynccontextmanager
async def own_ledger(folder: Path) -> AsyncIterator[Subject]:
    store = open_store("miles", folder)
    accounts = Repository(store.collection(ACCOUNTS), Account, key=lambda account: account.id)
    journal = Repository(store.collection(JOURNAL), Transaction, key=lambda transaction: transaction.id)
    ledger = Ledger(accounts, journal, SystemClock(), Policy({"member": 36}, None, Calendar(UTC)))
    await store.open()
    yield OwnLedger(ledger, ledger)
    await store.close()


PROGRAMMES: dict[str, Callable[[Path], AbstractAsyncContextManager[Subject]]] = {"ledger": own_ledger}
