"""What our books and the outside world's say about purchases: the rows that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.payment.adapters.stripe import money_of
from shared.kernel.currencies import UnknownCurrency
from shared.kernel.money import NotAnAmount
from shared.kernel.values import changed


class Row(BaseModel):
    """A line of somebody's books; what is not compared is ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Amount(Row):
    amount: int
    currency: str


class Total(Row):
    money: Amount
    miles: int = 0


class Numbered(Row):
    number: str


class Purchase(Row):
    """A checkout, as our API shows it."""

    id: str
    status: str
    member_id: str = ""
    total: Total | None = None
    tickets: tuple[Numbered, ...] = ()
    documents: tuple[Numbered, ...] = ()
    locators: tuple[str, ...] = ()

    @property
    def numbers(self) -> frozenset[str]:
        return frozenset(document.number for document in (*self.tickets, *self.documents))


class Charge(Row):
    """A card payment, as the gateway knows it and counts it."""

    reference: str
    authorized: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0
    currency: str

    def in_our_units(self) -> Self:
        """The same in ISO 4217's minor units: the gateway has others for a few currencies.

        What is no amount of ours stays as it is, and differs from every total.
        """
        names = ("authorized", "captured", "voided", "refunded")
        try:
            ours = {name: money_of(getattr(self, name), self.currency).amount for name in names}
        except (NotAnAmount, UnknownCurrency):
            return self
        return changed(self, **ours)

    @property
    def taken(self) -> int:
        return self.captured - self.refunded

    @property
    def held(self) -> int:
        return self.authorized - self.captured - self.voided


class IssuedDocument(Row):
    """A ticket or an EMD, as the airline knows it."""

    number: str
    reference: str
    status: str


class Booking(Row):
    """A PNR, as the airline knows it."""

    locator: str
    reference: str
    status: str


class RedeemedMiles(Row):
    """What the world was told about a member's miles."""

    member_id: str
    reference: str
    redeemed: int = 0
    reversed: int = 0


class Entry(Row):
    """One entry of the miles ledger: miles leave account `debit` for account `credit`.

    `miles` is signed: what the entry does to the miles that the member can spend.
    """

    id: str
    member_id: str
    kind: str
    miles: int
    reference: str | None = None
    debit: str
    credit: str


class Hold(Row):
    reference: str
    miles: int


class Account(Row):
    """A member's miles, as the ledger's account says."""

    member_id: str
    available: int
    held: int
    holds: tuple[Hold, ...] = ()


class Minute(Row):
    """Events of a partner and a class of keeping in a minute."""

    partner: str
    keep: str
    minute: AwareDatetime
    events: int


class Unrouted(Row):
    """An archived event of whose routing nothing is on record."""

    hubid: str
    partner: str
    id: str


class Balance(Row):
    """By BUS/TARGET: copies that rules asked for, and how they stand. A copy that nobody tried, or whose receiver tells
    nobody, is `waiting`."""

    events: Mapping[str, Mapping[str, int]] = {}
    copies: Mapping[str, int] = {}
    outcomes: Mapping[str, Mapping[str, int]] = {}
    minutes: Sequence[Minute] = ()
    unrouted: Sequence[Unrouted] = ()


class Target(Row):
    """A target as it stands now; None where the broker could not be asked."""

    bus: str
    name: str
    kind: str
    waiting: int | None = None
    dead: int | None = None


@dataclass(frozen=True)
class Events:
    """What the archive and delivery say."""

    wrong: Mapping[str, str]
    """Segments that are not as they were written, and what is wrong with each."""
    balance: Balance
    targets: Sequence[Target]
    accepted: Sequence[Minute] = ()
    """What the hub has accepted in the last day, or in the time that is looked at, where that is shorter."""

    @property
    def count(self) -> int:
        """Events that are archived."""
        return sum(count for kinds in self.balance.events.values() for count in kinds.values())


@dataclass(frozen=True)
class BothSides:
    """Both sides of everything."""

    purchases: Sequence[Purchase] = ()
    charges: Sequence[Charge] = ()
    documents: Sequence[IssuedDocument] = ()
    bookings: Sequence[Booking] = ()
    redeemed: Sequence[RedeemedMiles] = ()
    entries: Sequence[Entry] = ()
    accounts: Sequence[Account] = ()
    outside: Mapping[str, Any] = field(default_factory=dict)
    """The outside world's books as they are told, by name: for the books of further providers."""
    events: Events | None = None
    """Partners' events, where the stack has an archive of them."""
