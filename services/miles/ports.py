"""What the miles service needs of whoever keeps the miles: the built-in ledger, or an airline's loyalty system."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.miles.domain.account import Hold, Tier
from services.miles.domain.journal import Entry, Kind
from services.miles.domain.rules import NewLot


class LoyaltyProgramme(Protocol):
    """Holds, takes and gives miles. Source: the ledger rules of the domain brief, §3.

    The key of everything is the purchase: each call may be repeated with the effect of one. `miles` are positive
    whole miles. Errors, all of `shared.kernel.errors`: `Refused` (final, nothing was done), `NotSent` (nothing was
    done, try again), `OutcomeUnknown` (a remote system did not answer).
    """

    async def hold(self, member_id: str, purchase_id: str, miles: int) -> None:
        """Set miles aside, first to expire first. `insufficient_miles`; `fenced` when released before;
        `other_hold` when the purchase holds another number. A hold never ends by itself."""
        ...

    async def redeem(self, member_id: str, purchase_id: str, miles: int) -> None:
        """Take the held miles for good. `not_held` when so many are not held; `fenced` when reversed before."""
        ...

    async def release(self, member_id: str, purchase_id: str) -> None:
        """Free what is held, and see to it that a hold still on its way is refused. Never refused."""
        ...

    async def reverse(self, member_id: str, purchase_id: str) -> None:
        """Give redeemed miles back to their lots, with those lots' expiry, and see to it that a redemption still on
        its way is refused. What is only held stays held. Never refused."""
        ...

    async def accrue(self, member_id: str, purchase_id: str, miles: int) -> None:
        """Credit miles earned by a purchase, with the validity of the member's tier. `no_account`."""
        ...


@dataclass(frozen=True, slots=True)
class Balance:
    """What a member has. A member nobody knows has nothing, and is of the lowest tier."""

    member_id: str
    tier: Tier
    available: int
    held: int
    expiring: Sequence[tuple[date, int]]
    """Last day and free miles of what expires within twelve months."""
    revision: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One movement as the member sees it."""

    at: datetime
    kind: Kind
    miles: int
    reference: str | None
    balance_after: int


@dataclass(frozen=True, slots=True)
class Posted:
    """One entry with whose it is."""

    id: str
    at: datetime
    member_id: str
    reference: str | None
    entry: Entry


@dataclass(frozen=True, slots=True)
class AccountCheck:
    """An account beside what its entries add up to."""

    member_id: str
    tier: Tier
    available: int
    held: int
    holds: Sequence[Hold]
    entries_available: int
    entries_held: int
    books_differ: bool
    """Entries, lots and holds do not say the same, or a transaction is missing."""


class MemberAccounts(Protocol):
    """What members and operators may see of accounts; and opening them. Raises the store's `Unavailable`."""

    async def balance(self, member_id: str) -> Balance: ...

    async def statement(self, member_id: str, before: int | None) -> tuple[list[StatementLine], int | None]:
        """Newest first, those older than the transaction numbered `before`; and where the next page begins."""
        ...

    async def entries(self, after: tuple[str, int] | None) -> tuple[list[Posted], tuple[str, int] | None]:
        """Everybody's entries by (member, number of the transaction), each exactly once while they grow."""
        ...

    async def entries_of(self, reference: str) -> list[Posted]:
        """A purchase's entries, in their order."""
        ...

    async def checks(self, after: str | None) -> tuple[list[AccountCheck], str | None]:
        """Accounts by member, each checked against its entries."""
        ...

    async def replace(self, member_id: str, tier: Tier, lots: Sequence[NewLot], revision: int | None) -> Balance:
        """Open an account, or give it a tier and lots anew. Raises `StaleRevision` unless `revision` is the account's
        (None: whatever it is)."""
        ...


class StaleRevision(Exception):
    """The account changed since it was read."""

    def __init__(self, revision: int) -> None:
        super().__init__(f"the account is at revision {revision}")
        self.revision = revision
