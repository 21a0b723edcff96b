"""What a purchase is, and what may be asked of it. Pure."""

from datetime import UTC, datetime
from typing import ClassVar, Self

from pydantic import AwareDatetime, TypeAdapter, computed_field

from shared.contracts.checkout import CardPayment, Payment, Total
from shared.contracts.journey import Contact, Document, Order, Ticket
from shared.contracts.steps import Refusal
from shared.kernel.errors import Refused
from shared.kernel.ids import derived
from shared.kernel.money import Money
from shared.kernel.values import Value, changed
from shared.saga.run import SagaRun

_TIME: TypeAdapter[datetime] = TypeAdapter(AwareDatetime)


def checkout_id(member_id: str, key: str) -> str:
    """The same member and key are the same purchase."""
    return derived("checkout", member_id, key)


class Purchase(Value):
    """What the steps need to know of each other: the saga's state."""

    member_id: str
    cart_id: str
    payment: Payment | None
    contact: Contact
    quoted: Total | None
    """What the cart said when the purchase began, and the buyer accepted; None for one refused before it was found."""
    revision: int | None = None
    """The cart's, when it said so; None in what an older release began."""
    order: Order | None = None
    """What the cart held when it was locked."""
    earned: int = 0
    """Miles to credit for the money paid."""
    locators: tuple[str, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    documents: tuple[Document, ...] = ()
    paid_with: str = ""
    earn_rate: int = 0
    """Miles per whole unit of currency paid, taxes and extras included; the programme's rule when it began."""

    @property
    def numbers(self) -> frozenset[str]:
        """Of its tickets and documents."""
        return frozenset(each.number for each in self.tickets) | {each.number for each in self.documents}

    @property
    def locked_order(self) -> Order:
        if self.order is None:
            raise ValueError("the cart is not locked yet")
        return self.order

    @property
    def card(self) -> CardPayment:
        """Raises Refused where the purchase has none."""
        if not isinstance(self.payment, CardPayment):
            raise Refused("payment_required", f"{self.money} are left to pay, and no card was given")
        return self.payment

    @property
    def accepted(self) -> Total | None:
        """What the cart is locked at, or not at all; None for a purchase that an older release began."""
        return None if self.revision is None else self.quoted

    @property
    def total(self) -> Total | None:
        """What is to pay, as far as it is known."""
        return Total(money=self.order.money, miles=self.order.miles) if self.order else self.quoted

    @property
    def due(self) -> Total:
        """What is to pay, by the locked cart."""
        return Total(money=self.locked_order.money, miles=self.locked_order.miles)

    @property
    def money(self) -> Money:
        return self.due.money

    @property
    def miles(self) -> int:
        return self.due.miles

    def priced(self, order: Order) -> Self:
        """What was locked is bought. Raises Refused where that is not what was accepted."""
        due = Total(money=order.money, miles=order.miles)
        if self.quoted not in (None, due):
            raise Refused("price_changed", f"the price was {self.quoted}, and is now {due}")
        return changed(self, order=order, earned=int(order.money.decimal()) * self.earn_rate)

    def reserved(self, locators: tuple[str, ...]) -> Self:
        return changed(self, locators=locators)

    def paid_by(self, masked: str) -> Self:
        return changed(self, paid_with=masked)

    def ticketed(self, tickets: tuple[Ticket, ...], documents: tuple[Document, ...]) -> Self:
        return changed(self, tickets=tickets, documents=documents)


class Checkout(SagaRun[Purchase]):
    """One purchase as it is stored: what was asked for, the saga's state, and where it stands."""

    schema_version: ClassVar[int] = 1

    key: str
    request_hash: str
    """Of what was asked for under the key, so that another body under the same key is noticed."""

    @computed_field  # type: ignore[prop-decorator]  # stored, because an index walks it
    @property
    def wake_key(self) -> str | None:
        """When the earliest timer is due, as text that sorts by time."""
        return _sortable(self.record.wake_at)

    @computed_field  # type: ignore[prop-decorator]  # as above
    @property
    def silent_since(self) -> str | None:
        """Since when the awaited step is asked for that has not answered; None where none is silent."""
        return _sortable(self.record.silent_since)

    @computed_field  # type: ignore[prop-decorator]  # stored, because an index walks it
    @property
    def cart_in_hand(self) -> str | None:
        """The cart that is being bought; None once the purchase has ended."""
        return None if self.record.ended else self.state.cart_id

    @property
    def member_id(self) -> str:
        return self.state.member_id

    @property
    def refusal(self) -> Refusal | None:
        """Why the purchase does not go through, as others are told."""
        return self.record.refusal


def stored_time(moment: datetime) -> str:
    """A time as it stands in a stored purchase, and in the indexes."""
    return _TIME.dump_python(moment, mode="json")  # type: ignore[no-any-return]


def _sortable(moment: datetime | None) -> str | None:
    """As text that sorts by time."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None
