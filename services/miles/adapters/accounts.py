"""Accounts as the ledger has them: balances, statements, entries, and whether they agree.

Transactions move from accounts to the journal while they are read. Whoever reads an account first and the journal
afterwards misses none; the number of a transaction within its account tells the copies.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.miles.adapters.ledger import Ledger
from services.miles.domain import rules
from services.miles.domain.account import Account, Tier
from services.miles.domain.journal import AVAILABLE, HELD, Entry, Transaction
from services.miles.domain.redemption import Redemption
from services.miles.domain.rules import NewLot
from services.miles.domain.validity import Calendar
from services.miles.ports import AccountCheck, Balance, Posted, StaleRevision, StatementLine
from shared.kernel.clock import Clock
from shared.store.repository import Repository

STATEMENT_PAGE = 50
ENTRIES_PAGE = 500
ACCOUNTS_PAGE = 100
EXPIRING_WITHIN: Final = timedelta(days=365)

Place = tuple[str, int]
"""A transaction's place among all: its member, and its number with that member."""


class LedgerAccounts:
    """What members and operators may see of the built-in ledger."""

    def __init__(
        self,
        ledger: Ledger,
        accounts: Repository[Account],
        journal: Repository[Transaction],
        redemptions: Repository[Redemption],
        clock: Clock,
        *,
        calendar: Calendar,
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._journal = journal
        self._redemptions = redemptions
        self._clock = clock
        self._calendar = calendar

    async def balance(self, member_id: str) -> Balance:
        return self._balance(await self._ledger.up_to_date(member_id))

    async def statement(self, member_id: str, before: int | None) -> tuple[list[StatementLine], int | None]:
        account = await self._ledger.up_to_date(member_id)
        start = account.sequence + 1 if before is None else before
        page = {t.sequence: t for t in account.recent if t.sequence < start}
        older = await self._journal.find(
            "by_member", (member_id,), limit=STATEMENT_PAGE, after=(start, ""), descending=True
        )
        page |= {found.value.sequence: found.value for found in older}
        newest_first = sorted(page, reverse=True)[:STATEMENT_PAGE]
        lines = [line for sequence in newest_first for line in _lines(page[sequence])]
        last = newest_first[-1] if newest_first else 1
        return lines, last if last > 1 else None

    async def entries(self, after: tuple[str, int] | None) -> tuple[list[Posted], tuple[str, int] | None]:
        accounts, accounts_end = await self._accounts_from(after)
        moved, moved_end = await self._journal_from(after)
        page = {_place(t): t for t in moved}
        page |= {_place(t): t for account in accounts for t in account.recent}
        # A page goes no further than both have been read.
        end = min((place for place in (accounts_end, moved_end) if place is not None), default=None)
        places = sorted(place for place in page if (not after or place > after) and (not end or place <= end))
        if len(places) > ENTRIES_PAGE:
            end = places[ENTRIES_PAGE - 1]
        return [posted for place in places[:ENTRIES_PAGE] for posted in _posted(page[place])], end

    async def entries_of(self, reference: str) -> list[Posted]:
        redemption = await self._redemptions.load(reference)
        member_id = redemption.value.member_id if redemption else None
        account = await self._accounts.load(member_id) if member_id is not None else None
        moved = await self._journal.find("by_reference", (reference,), limit=ENTRIES_PAGE)
        found = {found.value.id: found.value for found in moved}
        if account is not None:
            found |= {t.id: t for t in account.value.recent if t.reference == reference}
        in_order = sorted(found.values(), key=lambda t: (t.member_id, t.sequence))
        return [posted for transaction in in_order for posted in _posted(transaction)]

    async def checks(self, after: str | None) -> tuple[list[AccountCheck], str | None]:
        start = (after, after) if after is not None else None
        page = [found.value for found in await self._accounts.find("listed", (), limit=ACCOUNTS_PAGE, after=start)]
        checks = [await self._check(account) for account in page]
        return checks, page[-1].id if len(page) == ACCOUNTS_PAGE else None

    async def replace(self, member_id: str, tier: Tier, lots: Sequence[NewLot], revision: int | None) -> Balance:
        def change(account: Account, now: datetime) -> Account:
            if revision is not None and account.sequence != revision:
                raise StaleRevision(account.sequence)
            return rules.replace(account, tier, lots, now, self._calendar)

        await self._ledger.change(member_id, change)
        return await self.balance(member_id)

    def _balance(self, account: Account) -> Balance:
        now, calendar = self._clock.now(), self._calendar
        days = [
            (calendar.last_day(lot.expires_at), lot.free) for lot in account.lots if lot.free and lot.expires_at > now
        ]
        soon = [(day, miles) for day, miles in days if day <= calendar.day(now + EXPIRING_WITHIN)]
        return Balance(
            member_id=account.id,
            tier=account.tier,
            available=account.available(now),
            held=account.held,
            expiring=[(day, sum(m for d, m in soon if d == day)) for day in sorted({d for d, _ in soon})],
            revision=account.sequence,
        )

    async def _accounts_from(self, after: Place | None) -> tuple[list[Account], Place | None]:
        """The account of a place and those that follow; and how far that is, unless it is all."""
        own = await self._accounts.load(after[0]) if after else None
        start = (after[0], after[0]) if after else None
        following = await self._accounts.find("listed", (), limit=ACCOUNTS_PAGE, after=start)
        accounts = [stored.value for stored in (*([own] if own else ()), *following)]
        full = len(following) == ACCOUNTS_PAGE
        return accounts, (accounts[-1].id, accounts[-1].sequence) if full else None

    async def _journal_from(self, after: Place | None) -> tuple[list[Transaction], Place | None]:
        start = (after[0], after[1] + 1, "") if after else None
        page = [found.value for found in await self._journal.find("by_member", (), limit=ENTRIES_PAGE, after=start)]
        return page, _place(page[-1]) if len(page) == ENTRIES_PAGE else None

    async def _check(self, listed: Account) -> AccountCheck:
        account = await self._ledger.up_to_date(listed.id)
        count, available, held = 0, 0, 0
        async for transaction in self._history(account):
            count += 1
            available += sum(_into(AVAILABLE, entry) for entry in transaction.entries)
            held += sum(_into(HELD, entry) for entry in transaction.entries)
        told = (account.free, account.held, sum(hold.miles for hold in account.holds), account.sequence)
        sound = all(0 <= lot.held <= lot.remaining for lot in account.lots)
        return AccountCheck(
            member_id=account.id,
            tier=account.tier,
            available=account.free,
            held=account.held,
            holds=account.holds,
            entries_available=available,
            entries_held=held,
            books_differ=not sound or told != (available, held, held, count),
        )

    async def _history(self, account: Account) -> AsyncIterator[Transaction]:
        """All that the account counted, each once."""
        recent = {transaction.sequence: transaction for transaction in account.recent}
        after: tuple[int, str] | None = None
        while True:
            page = await self._journal.find("by_member", (account.id,), limit=ENTRIES_PAGE, after=after)
            for found in page:
                if found.value.sequence <= account.sequence and found.value.sequence not in recent:
                    yield found.value
            if len(page) < ENTRIES_PAGE:
                break
            after = (page[-1].value.sequence, page[-1].value.id)
        for transaction in account.recent:
            yield transaction


def _place(transaction: Transaction) -> Place:
    return transaction.member_id, transaction.sequence


def _into(account: str, entry: Entry) -> int:
    """What an entry brings to an account, or takes from it."""
    miles = abs(entry.miles)
    return miles if entry.credit == account else -miles if entry.debit == account else 0


def _lines(transaction: Transaction) -> list[StatementLine]:
    return [
        StatementLine(
            at=transaction.at,
            kind=entry.kind,
            miles=entry.miles,
            reference=transaction.reference,
            balance_after=entry.balance_after,
        )
        for entry in reversed(transaction.entries)
    ]


def _posted(transaction: Transaction) -> list[Posted]:
    return [
        Posted(
            id=transaction.entry_id(position),
            at=transaction.at,
            member_id=transaction.member_id,
            reference=transaction.reference,
            entry=entry,
        )
        for position, entry in enumerate(transaction.entries)
    ]
