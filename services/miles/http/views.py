"""How miles look on HTTP."""

from datetime import date

from pydantic import AwareDatetime

from services.miles.domain.account import Tier
from services.miles.domain.journal import Kind
from services.miles.ports import Balance, Posted
from shared.web.bodies import Shown


class Expiring(Shown):
    """Free miles that can be spent through a day, and not after it."""

    on: date
    miles: int


class ShownBalance(Shown):
    """What a member has. `expiring` lists what ends within 12 months; held miles do not expire."""

    member_id: str
    available: int
    held: int
    expiring: list[Expiring]
    tier: Tier


class Line(Shown):
    """One movement. `miles` is signed, and the lines of all pages add up to what is available.

    Miles set aside leave by a `hold`; a `release` brings them back, also at the moment when a `redemption` spends them.
    """

    at: AwareDatetime
    kind: Kind
    miles: int
    reference: str | None
    balance_after: int


class Statement(Shown):
    """Newest first."""

    lines: list[Line]
    next_cursor: str | None


class Entry(Shown):
    """One entry of the ledger: miles go from `debit` to `credit`; signed as the member can spend them."""

    id: str
    at: AwareDatetime
    member_id: str
    kind: Kind
    miles: int
    reference: str | None
    debit: str
    credit: str


class Entries(Shown):
    """By member, in the order of posting."""

    entries: list[Entry]
    next_cursor: str | None


class ShownHold(Shown):
    reference: str
    miles: int
    at: AwareDatetime


class ShownAccount(Shown):
    """An account beside what its entries add up to."""

    member_id: str
    tier: Tier
    available: int
    held: int
    holds: list[ShownHold]
    entries_available: int
    entries_held: int
    books_differ: bool


class Accounts(Shown):
    accounts: list[ShownAccount]
    next_cursor: str | None


def shown_balance(balance: Balance) -> ShownBalance:
    return ShownBalance(
        member_id=balance.member_id,
        available=balance.available,
        held=balance.held,
        expiring=[Expiring(on=day, miles=miles) for day, miles in balance.expiring],
        tier=balance.tier,
    )


def shown_entries(found: list[Posted]) -> list[Entry]:
    return [
        Entry(
            id=posted.id,
            at=posted.at,
            member_id=posted.member_id,
            kind=posted.entry.kind,
            miles=posted.entry.miles,
            reference=posted.reference,
            debit=posted.entry.debit,
            credit=posted.entry.credit,
        )
        for posted in found
    ]
