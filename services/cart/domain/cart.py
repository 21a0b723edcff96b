"""The cart's rules, without I/O: what may be put in, what it costs, who may change it when."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import AwareDatetime

from services.cart.domain.items import BagChoice, BagItem, FlightItem, Item, SeatChoice, SeatItem
from shared.contracts import journey
from shared.contracts.checkout import Total
from shared.contracts.offers import Quote
from shared.kernel.money import Money
from shared.kernel.values import changed
from shared.kernel.zones import latest_day_at
from shared.worker.compaction import compacted
from shared.worker.work import Work

Channel = Literal["portal", "chat", "marketplace"]
Status = Literal["open", "locked", "purchased", "expired"]

MOST_FLIGHTS = 8
EARLIEST_BIRTH = date(1900, 1, 1)
LOGS_KEPT_WHOLE = 30
"""Logs of the latest purchases, up to three each, that keep their answers; of older ones only fences are kept."""
MOST_PURCHASES = 100
"""Purchases that may be tried of one cart and come to nothing. Each leaves a fence, and no fence is ever given up: a
lock that was delayed for hours must still find it."""


class UnknownCart(Exception):
    """There is none, or it is somebody else's."""


class CannotChange(Exception):
    """The cart's state does not allow it. `code` is for programs."""

    def __init__(self, code: str, detail: str, pointer: str | None = None) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.pointer = pointer


class WrongField(Exception):
    """A field of the request does not fit the cart or the offer. `pointer` leads to it."""

    def __init__(self, pointer: str, detail: str, code: str = "invalid_request") -> None:
        super().__init__(f"{pointer} {detail}")
        self.pointer = pointer
        self.detail = detail
        self.code = code


class Cart(Work):
    """One cart, and the log of the purchases that locked it.

    Without a member it is the trace of a cart that was deleted: it only remembers what was refused.
    `revision` counts the changes a client can see.
    """

    schema_version: ClassVar[int] = 1

    member_id: str | None = None
    channel: Channel = "portal"
    currency: str = "BRL"
    items: tuple[Item, ...] = ()
    use_miles: int = 0
    state: Literal["open", "locked", "purchased"] = "open"
    locked_by: str | None = None
    """The purchase that has, or had, the cart."""
    revision: int = 1
    expires_at: AwareDatetime | None = None

    def worn_out_for(self, purchase_id: str) -> bool:
        """Did so many purchases come to nothing that no new one is taken, for good?

        That it is for good stands in for the new one's log: whatever comes of it is refused again.
        """
        fences = sum(1 for log in self.steps.values() if log.fenced_through)
        return fences >= MOST_PURCHASES and all(purchase_of(slot) != purchase_id for slot in self.steps)

    def status(self, now: datetime) -> Status:
        """Expiry is a matter of the clock; a cart that is being bought does not expire."""
        if self.state == "open" and self.expires_at is not None and now >= self.expires_at:
            return "expired"
        return self.state

    @property
    def flights(self) -> tuple[FlightItem, ...]:
        return tuple(item for item in self.items if isinstance(item, FlightItem))

    @property
    def extras(self) -> tuple[SeatItem | BagItem, ...]:
        return tuple(item for item in self.items if not isinstance(item, FlightItem))

    @property
    def most_miles(self) -> int:
        """What the fares cost in miles altogether: no more can be used."""
        return sum(flight.miles for flight in self.flights)

    def total(self) -> Total:
        return Total(money=total_money(self, self.use_miles), miles=self.use_miles)

    def expired_offers(self, now: datetime) -> list[str]:
        return [flight.offer_id for flight in self.flights if now >= flight.offer_expires_at]

    def revised(self, **changes: Any) -> Self:
        """The cart after a change that a client can see."""
        return changed(self, **changes, revision=self.revision + 1)


def purchase_of(slot: str) -> str:
    """Whose log stands there."""
    return slot.partition("/")[0]


def total_money(cart: Cart, use_miles: int) -> Money:
    """Miles pay fares pro rata; taxes and extras are always money. Rounded up once per cart, in whole minor units."""
    fares = sum(flight.price.amount for flight in cart.flights)
    in_miles = cart.most_miles
    fares_in_money = -(-fares * (in_miles - use_miles) // in_miles) if in_miles else fares
    taxes = sum(flight.taxes.amount for flight in cart.flights)
    extras = sum(extra.price.amount for extra in cart.extras)
    return Money(amount=fares_in_money + taxes + extras, currency=cart.currency)


def open_cart(cart_id: str, member_id: str, channel: Channel, currency: str, expires_at: datetime) -> Cart:
    return Cart(id=cart_id, member_id=member_id, channel=channel, currency=currency, expires_at=expires_at)


def check_open(cart: Cart, now: datetime) -> None:
    """Raise CannotChange unless the owner may change the cart now."""
    status = cart.status(now)
    if status == "locked":
        raise CannotChange("cart_locked", "The cart is being bought and cannot be changed")
    if status != "open":
        raise CannotChange("cart_closed", f"The cart is {status} and cannot be changed")


def check_alive(quote: Quote, now: datetime) -> None:
    """Raise CannotChange for an offer that may not be bought any more."""
    if quote.expired or now >= quote.expires_at:
        raise CannotChange("offer_expired", "The offer has expired: search again", "/offer_id")


def add_flight(cart: Cart, item_id: str, quote: Quote, passengers: Sequence[journey.Passenger], now: datetime) -> Cart:
    """The cart with an offer's flights for these passengers. Days are those of the first departure's airport."""
    if len(passengers) != quote.adults:
        raise WrongField("/passengers", f"must name exactly {quote.adults}, as many as the offer is for")
    today = latest_day_at(quote.segments[0].origin, now)
    for number, passenger in enumerate(passengers):
        if not EARLIEST_BIRTH <= date.fromisoformat(passenger.birth_date) <= today:
            raise WrongField(f"/passengers/{number}/birth_date", "must be a date of birth, such as 1990-05-01")
    _check_adults(passengers, quote.segments[0].departs_at.date())
    _check_nobody_twice(passengers)
    for money in (quote.price, quote.taxes):
        _check_currency(cart, "/offer_id", "an offer", money)
    if any(flight.offer_id == quote.id for flight in cart.flights):
        raise CannotChange("duplicate_item", "This offer is in the cart already", "/offer_id")
    if len(cart.flights) == MOST_FLIGHTS:
        raise CannotChange("cart_full", f"A cart holds at most {MOST_FLIGHTS} flights")
    flight = FlightItem(
        id=item_id,
        offer_id=quote.id,
        offer_expires_at=quote.expires_at,
        cabin=quote.cabin,
        segments=tuple(segment.flown() for segment in quote.segments),
        passengers=tuple(passengers),
        price=quote.price,
        taxes=quote.taxes,
        miles=quote.miles,
    )
    return cart.revised(items=(*cart.items, flight))


def add_seat(cart: Cart, item_id: str, quote: Quote, wanted: SeatChoice) -> Cart:
    """The cart with a seat for one passenger on one segment of a flight in it."""
    flight = _flight_of(cart, quote.id)
    if not 0 <= wanted.segment < len(flight.segments):
        raise WrongField("/segment", f"must be the index of a segment, 0 to {len(flight.segments) - 1}")
    _check_passenger(flight, wanted.passenger)
    for offered in quote.seats:
        if (offered.segment, offered.seat) == (wanted.segment, wanted.seat):
            break
    else:
        raise WrongField("/seat", "must be one of the offer's seats on that segment, such as 12A", "seat_not_available")
    _check_currency(cart, "/seat", "a seat sold", offered.price)
    seats = [one for one in cart.items if isinstance(one, SeatItem) and one.offer_id == quote.id]
    for other in seats:
        if (other.segment, other.seat) == (wanted.segment, wanted.seat):
            raise CannotChange("duplicate_item", "This seat is in the cart already", "/seat")
        if (other.segment, other.passenger) == (wanted.segment, wanted.passenger):
            raise CannotChange("duplicate_item", "The passenger has a seat on that segment already", "/passenger")
    item = SeatItem(id=item_id, offer_id=quote.id, price=offered.price, **dict(wanted))
    return cart.revised(items=(*cart.items, item))


def add_bag(cart: Cart, item_id: str, quote: Quote, wanted: BagChoice) -> Cart:
    """The cart with checked bags for one passenger of a flight in it."""
    _check_passenger(_flight_of(cart, quote.id), wanted.passenger)
    for offered in quote.bags:
        if offered.pieces == wanted.pieces:
            break
    else:
        sold = ", ".join(str(one.pieces) for one in quote.bags) or "none"
        raise WrongField("/pieces", f"must be a number of pieces that the offer sells: {sold}", "bag_not_available")
    _check_currency(cart, "/pieces", "a number of pieces sold", offered.price)
    bags = [one for one in cart.items if isinstance(one, BagItem) and one.offer_id == quote.id]
    if any(one.passenger == wanted.passenger for one in bags):
        raise CannotChange("duplicate_item", "The passenger has bags already; remove them first", "/passenger")
    item = BagItem(id=item_id, offer_id=quote.id, price=offered.price, **dict(wanted))
    return cart.revised(items=(*cart.items, item))


def remove_item(cart: Cart, item_id: str) -> Cart:
    """The cart without an item; a flight takes its seats and bags along, and the miles it could have used."""
    [gone] = [item for item in cart.items if item.id == item_id]
    left = cart.revised(items=tuple(item for item in cart.items if not _goes_with(item, gone)))
    return changed(left, use_miles=min(left.use_miles, left.most_miles))


def use_miles(cart: Cart, miles: int) -> Cart:
    """The cart with so many miles paying its fares."""
    if not 0 <= miles <= cart.most_miles:
        raise WrongField("/use_miles", f"must be 0 to {cart.most_miles}, what the fares cost in miles")
    return cart if miles == cart.use_miles else cart.revised(use_miles=miles)


def check_deletable(cart: Cart) -> None:
    """Raise CannotChange for a cart that is being bought or was."""
    if cart.state == "locked":
        raise CannotChange("cart_locked", "The cart is being bought and cannot be deleted")
    if cart.state == "purchased":
        raise CannotChange("cart_closed", "The cart is purchased and cannot be deleted")


def bounded(before: Cart, after: Cart) -> Cart:
    """As it is stored: of old logs only the fences, and nothing of a purchase that comes too late for a worn-out cart.

    The purchase that has the cart keeps its logs whole, however many others try.
    """
    begun = after.steps.keys() - before.steps.keys()
    if any(before.worn_out_for(purchase_of(slot)) for slot in begun):
        return changed(after, steps=before.steps)
    return compacted(after, whole=LOGS_KEPT_WHOLE, kept=lambda slot: purchase_of(slot) == after.locked_by)


def deleted(cart: Cart, now: datetime) -> Cart:
    """What is left of a deleted cart: its fences, so that a late command stays refused, and nothing personal."""
    fences = {slot: changed(log, answer=None) for slot, log in cart.steps.items() if log.fenced_through}
    return Cart(id=cart.id, steps=fences, revision=cart.revision + 1, expires_at=now)


def _check_adults(passengers: Sequence[journey.Passenger], day: date) -> None:
    """Offers are for adults. `day` is that of the first departure, where it is."""
    for number, passenger in enumerate(passengers):
        if passenger.age_on(day) < journey.ADULT_AGE:
            least = f"{journey.ADULT_AGE} years old or more on {day.isoformat()}, the day of departure"
            raise WrongField(f"/passengers/{number}/birth_date", f"must be that of an adult, {least}")


def _check_nobody_twice(passengers: Sequence[journey.Passenger]) -> None:
    """Two passengers whom the airline cannot tell apart: the same name on the ticket, born on the same day."""
    seen: dict[tuple[str, str], int] = {}
    for number, passenger in enumerate(passengers):
        name = passenger.name_on_ticket or f"{passenger.surname}/{passenger.given_name}"
        first = seen.setdefault((name, passenger.birth_date), number)
        if first != number:
            raise WrongField(f"/passengers/{number}", f"must be somebody else than passenger {first}")


def _goes_with(item: FlightItem | SeatItem | BagItem, gone: FlightItem | SeatItem | BagItem) -> bool:
    return item.id == gone.id or (isinstance(gone, FlightItem) and item.offer_id == gone.offer_id)


def _check_currency(cart: Cart, pointer: str, what: str, price: Money) -> None:
    if price.currency != cart.currency:
        raise WrongField(pointer, f"must be {what} in {cart.currency}, the cart's currency", "currency_mismatch")


def _check_passenger(flight: FlightItem, passenger: int) -> None:
    if not 0 <= passenger < len(flight.passengers):
        raise WrongField("/passenger", f"must be the index of a passenger, 0 to {len(flight.passengers) - 1}")


def _flight_of(cart: Cart, offer_id: str) -> FlightItem:
    for flight in cart.flights:
        if flight.offer_id == offer_id:
            return flight
    raise WrongField("/offer_id", "must be the offer of a flight in the cart", "offer_not_in_cart")
