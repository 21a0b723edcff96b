"""How miles look on HTTP."""

from datetime import date
from typing import Annotated

from pydantic import AwareDatetime, Field

from services.miles.domain.account import Tier
from services.miles.domain.journal import Kind
from services.miles.ports import Balance, Posted
from shared.web.bodies import Shown
from shared.web.pages import NextCursor


class Expiring(Shown):
    """Free miles that can be spent through a day, and not after it."""

    on: Annotated[date, Field(description="Their last day")]
    miles: Annotated[int, Field(description="How many", examples=[1200])]


class ShownBalance(Shown):
    """What a member has. `expiring` lists what ends within 12 months; held miles do not expire."""

    member_id: Annotated[str, Field(description="Whose", examples=["ana-1"])]
    available: Annotated[int, Field(description="Free to spend", examples=[50000])]
    held: Annotated[int, Field(description="Set aside by purchases under way", examples=[0])]
    expiring: Annotated[list[Expiring], Field(description="What ends within 12 months")]
    tier: Annotated[Tier, Field(description="The member's tier")]


class Line(Shown):
    """One movement. `miles` is signed, and the lines of all pages add up to what is available.

    Miles set aside leave by a `hold`; a `release` brings them back, also at the moment when a `redemption` spends them.
    """

    at: Annotated[AwareDatetime, Field(description="When")]
    kind: Annotated[Kind, Field(description="What happened")]
    miles: Annotated[int, Field(description="Signed", examples=[-30000])]
    reference: Annotated[
        str | None, Field(description="The purchase's id, where there is one", examples=["0198f0c2-5a61-7c3e"])
    ]
    balance_after: Annotated[int, Field(description="What was available then", examples=[20000])]


class Statement(Shown):
    """Newest first."""

    lines: Annotated[list[Line], Field(description="The page")]
    next_cursor: NextCursor


class Entry(Shown):
    """One entry of the ledger: miles go from `debit` to `credit`; signed as the member can spend them."""

    id: Annotated[str, Field(description="Of the entry", examples=["0198f0c2-5a61-7c3e"])]
    at: Annotated[AwareDatetime, Field(description="When")]
    member_id: Annotated[str, Field(description="Whose", examples=["ana-1"])]
    kind: Annotated[Kind, Field(description="What happened")]
    miles: Annotated[int, Field(description="Signed as the member can spend them", examples=[-30000])]
    reference: Annotated[
        str | None, Field(description="The purchase's id, where there is one", examples=["0198f0c2-5a61-7c3e"])
    ]
    debit: Annotated[str, Field(description="From which book")]
    credit: Annotated[str, Field(description="To which book")]


class Entries(Shown):
    """By member, in the order of posting."""

    entries: Annotated[list[Entry], Field(description="The page")]
    next_cursor: NextCursor


class ShownHold(Shown):
    reference: Annotated[str, Field(description="The purchase's id", examples=["0198f0c2-5a61-7c3e"])]
    miles: Annotated[int, Field(description="How many", examples=[30000])]
    at: Annotated[AwareDatetime, Field(description="When")]


class ShownAccount(Shown):
    """An account beside what its entries add up to."""

    member_id: Annotated[str, Field(description="Whose", examples=["ana-1"])]
    tier: Annotated[Tier, Field(description="The member's tier")]
    available: Annotated[int, Field(description="As the account says", examples=[50000])]
    held: Annotated[int, Field(description="As the account says", examples=[0])]
    holds: Annotated[list[ShownHold], Field(description="Purchases under way")]
    entries_available: Annotated[int, Field(description="As the entries add up", examples=[50000])]
    entries_held: Annotated[int, Field(description="As the entries add up", examples=[0])]
    books_differ: Annotated[bool, Field(description="Whether the two differ: never")]


class Accounts(Shown):
    accounts: Annotated[list[ShownAccount], Field(description="The page")]
    next_cursor: NextCursor


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
