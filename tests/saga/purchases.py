"""A purchase of the tests, the answers to its steps, and scripts that have come some way."""

from datetime import UTC, datetime
from functools import partial

from services.checkout.domain.checkout import Purchase
from services.checkout.saga import CHECKOUT
from shared.contracts.cart import CartClosed, CartLocked, LockCart, UnlockCart
from shared.contracts.checkout import CardPayment, Total
from shared.contracts.journey import Contact, Flight, Order, Passenger, Segment, Ticket
from shared.contracts.miles import HoldMiles, MilesHeld, MilesRedeemed, ReleaseMiles
from shared.contracts.payment import AuthorizeCard, CardAuthorized, PaymentCaptured, VoidAuthorization
from shared.contracts.ticketing import BookingReserved, CancelBooking, IssueTickets, ReserveBooking, TicketsIssued
from shared.kernel.money import Money
from shared.saga.record import Patience
from tests.saga.script import PATIENCE, Reply, Script, done, undone

BRL = partial(Money, currency="BRL")
TICKET = Ticket(number="9571234567890", passenger=0, segments=(0,))


def an_order(money: int = 250_00, miles: int = 10_000) -> Order:
    segment = Segment(
        carrier="TP",
        number="82",
        origin="GRU",
        destination="LIS",
        departs_at=datetime(2027, 3, 1, 20, tzinfo=UTC),
        arrives_at=datetime(2027, 3, 2, 6, tzinfo=UTC),
    )
    passenger = Passenger(given_name="Ana", surname="Souza", birth_date="1990-01-01", document="X1")
    flight = Flight(
        item_id="i1",
        offer_id="o1",
        segments=(segment,),
        passengers=(passenger,),
        price=BRL(amount=200_00),
        taxes=BRL(amount=50_00),
    )
    return Order(flights=(flight,), money=BRL(amount=money), miles=miles)


def a_script(
    money: int = 250_00, miles: int = 10_000, earn_rate: int = 0, patience: Patience = PATIENCE
) -> Script[Purchase]:
    purchase = Purchase(
        member_id="m-1",
        cart_id="c-1",
        payment=CardPayment(method="card", token="tok_visa"),
        contact=Contact(email="ana@example.com"),
        quoted=Total(money=BRL(amount=money), miles=miles),
        earn_rate=earn_rate,
    )
    return Script(CHECKOUT, purchase, patience)


def locked(money: int = 250_00, miles: int = 10_000) -> Reply:
    return done(CartLocked, order=an_order(money, miles))


HELD = done(MilesHeld)
RESERVED = done(BookingReserved, locators=("ABC123",))
AUTHORIZED = done(CardAuthorized, amount=BRL(amount=250_00), masked="visa 4242")
ISSUED = done(TicketsIssued, tickets=(TICKET,))
CAPTURED = done(PaymentCaptured, amount=BRL(amount=250_00))
REDEEMED = done(MilesRedeemed)
CLOSED = done(CartClosed)


def until_authorized() -> Script[Purchase]:
    """Everything before the pivot is done; the tickets are being issued."""
    return (
        a_script()
        .expect(LockCart)
        .answer(locked())
        .expect(HoldMiles)
        .answer(HELD)
        .expect(ReserveBooking)
        .answer(RESERVED)
        .expect(AuthorizeCard)
        .answer(AUTHORIZED)
        .expect(IssueTickets)
    )


def expect_everything_undone(script: Script[Purchase], *, card: bool = True) -> Script[Purchase]:
    """The undo of all that stands before the pivot, in reverse."""
    if card:
        script.expect(VoidAuthorization).answer(undone())
    return (
        script.expect(CancelBooking)
        .answer(undone())
        .expect(ReleaseMiles)
        .answer(undone())
        .expect(UnlockCart)
        .answer(undone())
        .nothing_more()
    )
