"""The built-in ledger: one document for each account, saved by compare-and-set, and a journal of what happened.

An account carries its newest transactions. Before it is saved with new ones, those already durable are written to the
journal, one document each, and only then leave the account: a crash in between leaves copies, which are known by their
ids. So the account stays small, and what a purchase did is found again for ever: first in the account, then in the
journal, in this order, because transactions move in this order.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.miles.domain import rules
from services.miles.domain.account import Account, Tier
from services.miles.domain.journal import Operation, Past, Transaction
from services.miles.domain.validity import EXPIRY_SHARE, Calendar
from shared.kernel.clock import Clock, far_off
from shared.kernel.errors import NotSent, Refused
from shared.kernel.locks import KeyedLocks
from shared.kernel.members import may_be_member
from shared.store.documents import CollectionSpec, Conflict, Index
from shared.store.repository import Repository, Stored
from shared.store.share import Share

ACCOUNTS: Final = CollectionSpec("accounts", (Index("listed", ("listed_as",)), Index("by_hold", ("held_since",))))
JOURNAL: Final = CollectionSpec(
    "journal",
    (Index("by_member", ("member_id", "sequence")), Index("by_reference", ("reference", "member_id", "sequence"))),
)

RECENT = 12
"""Transactions an account keeps before it moves them: enough that most purchases find theirs without the journal."""
TRIES = 25
"""Saves that other processes may win before the message waits."""
EXPIRY_PAGE = 100
EXPIRY_LEAST = 20

PURCHASE_OPERATIONS: Final[tuple[Operation, ...]] = ("hold", "release", "redemption", "reversal", "accrual")

Change = Callable[[Account, Past, datetime], Account]


@dataclass(frozen=True, slots=True)
class Policy:
    """How long miles live: months by tier, and the grace of those that expired while a purchase had them."""

    validity_months: dict[Tier, int]
    grace: timedelta | None
    calendar: Calendar

    def expiry(self, tier: Tier, earned_at: datetime) -> datetime:
        """Of miles that are earned then."""
        return self.calendar.end_of_month_after(self.validity_months[tier], earned_at)

    def grace_from(self, now: datetime) -> datetime | None:
        """When the grace of miles that are given back now ends; None where there is none."""
        return None if self.grace is None else self.calendar.end_after(self.grace, now)


class Ledger:
    """The loyalty programme we keep ourselves. Within a process one change after another is made to an account."""

    def __init__(
        self,
        accounts: Repository[Account],
        journal: Repository[Transaction],
        clock: Clock,
        policy: Policy,
        share: float = EXPIRY_SHARE,
    ) -> None:
        """`share` is the part of all accounts that one pass of expiry may change without asking an operator."""
        self._accounts = accounts
        self._journal = journal
        self._clock = clock
        self._policy = policy
        self._share = Share("miles", "MILES_EXPIRY_SHARE", share=share, least=EXPIRY_LEAST)
        self._locks = KeyedLocks()

    async def hold(self, member_id: str, purchase_id: str, miles: int) -> None:
        if not may_be_member(member_id):
            raise Refused("insufficient_miles", "there can be no such member")
        await self._for_purchase(
            member_id, purchase_id, lambda account, past, now: rules.hold(account, past, purchase_id, miles, now)
        )

    async def redeem(self, member_id: str, purchase_id: str, miles: int) -> None:
        await self._for_purchase(
            member_id, purchase_id, lambda account, past, now: rules.redeem(account, past, purchase_id, miles, now)
        )

    async def release(self, member_id: str, purchase_id: str) -> None:
        if not may_be_member(member_id):
            return
        grace = self._policy.grace_from
        await self._for_purchase(
            member_id,
            purchase_id,
            lambda account, past, now: rules.release(account, past, purchase_id, now, grace(now)),
        )

    async def reverse(self, member_id: str, purchase_id: str) -> None:
        if not may_be_member(member_id):
            return
        grace = self._policy.grace_from
        await self._for_purchase(
            member_id,
            purchase_id,
            lambda account, past, now: rules.reverse(account, past, purchase_id, now, grace(now)),
        )

    async def accrue(self, member_id: str, purchase_id: str, miles: int) -> None:
        def change(account: Account, past: Past, now: datetime) -> Account:
            expires_at = self._policy.expiry(account.tier, now)
            return rules.accrue(account, past, purchase_id, miles, now, expires_at=expires_at)

        await self._for_purchase(member_id, purchase_id, change)

    async def change(self, member_id: str, change: Callable[[Account, datetime], Account]) -> Account:
        """Change an account by something that is no purchase's. Raises NotSent while others keep changing it."""
        return await self._change(member_id, None, lambda account, _, now: change(account, now))

    async def up_to_date(self, member_id: str) -> Account:
        """The account with every expiry posted that is due; an empty one for a member nobody knows."""
        stored = await self._accounts.load(member_id)
        if stored is None:
            return Account(id=member_id)
        due = stored.value.next_expiry()
        if due is None or due > self._clock.now() or far_off(self._clock):
            return stored.value
        return await self.change(member_id, lambda account, _: account)

    async def expire_due(self) -> int:
        """Post what has expired, a page of accounts; how many that were. Busy ones are left for the next time.

        None by a clock that is far off, and no more than a share of all: then an operator is asked.
        """
        if far_off(self._clock):
            return 0
        due = await self._accounts.due(self._clock.now(), EXPIRY_PAGE)
        if not due:
            self._share.ended()
            return 0
        count = 0
        for stored in due[: await self._share.of(len(due), self._accounts.collection.count)]:
            with suppress(NotSent):
                await self.up_to_date(stored.value.id)
                count += 1
        return count

    async def _for_purchase(self, member_id: str, purchase_id: str, change: Change) -> None:
        await self._change(member_id, purchase_id, change)

    async def _change(self, member_id: str, purchase_id: str | None, change: Change) -> Account:
        if far_off(self._clock):
            raise NotSent("this process's clock is far off: whatever is changed now would expire by it")
        async with self._locks.of(member_id):
            for _ in range(TRIES):
                stored = await self._accounts.load(member_id) or Stored(Account(id=member_id), 0)
                past = await self._past(stored.value, purchase_id) if purchase_id is not None else {}
                now = self._clock.now()
                after = change(rules.expire(stored.value, now), past, now)
                if after is stored.value:
                    return after
                try:
                    return await self._save(stored, after)
                except Conflict:
                    continue
        raise NotSent("the account is busy")

    async def _past(self, account: Account, purchase_id: str) -> Past:
        """What the purchase did so far. The account was read first: nothing can slip away between the two."""
        found = {t.operation: t for t in account.recent if t.reference == purchase_id}
        if account.sequence > len(account.recent):
            ids = [rules.transaction_id(account.id, purchase_id, operation) for operation in PURCHASE_OPERATIONS]
            for stored in await self._journal.load_many(ids):
                found.setdefault(stored.value.operation, stored.value)
        return found

    async def _save(self, stored: Stored[Account], after: Account) -> Account:
        durable = stored.value.recent
        if len(durable) >= RECENT:
            await self._write_to_journal(durable)
            after = after.without(durable)
        await self._accounts.save(after, version=stored.version)
        return after

    async def _write_to_journal(self, transactions: tuple[Transaction, ...]) -> None:
        there = {found.value.id for found in await self._journal.load_many(t.id for t in transactions)}
        await asyncio.gather(*(self._write(t) for t in transactions if t.id not in there))

    async def _write(self, transaction: Transaction) -> None:
        # Another process may move the same ones at the same time: what it writes is the same.
        with suppress(Conflict):
            await self._journal.save(transaction, version=0)
