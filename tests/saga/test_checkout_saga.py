"""The checkout's process, as scripts: what is sent, what is answered, how it ends."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from services.checkout.domain import Purchase
from services.checkout.picture import with_picture
from services.checkout.saga import CHECKOUT
from shared.contracts.cart import CartClosed, CartLocked, CloseCart, LockCart, UnlockCart
from shared.contracts.checkout import CardPayment, Total
from shared.contracts.envelope import Command
from shared.contracts.journey import Contact, Flight, Order, Passenger, Segment, Ticket
from shared.contracts.miles import (
    AccrueMiles,
    HoldMiles,
    MilesAccrued,
    MilesHeld,
    MilesRedeemed,
    RedeemMiles,
    ReleaseMiles,
    ReverseMiles,
)
from shared.contracts.payment import (
    AuthorizeCard,
    CapturePayment,
    CardAuthorized,
    PaymentCaptured,
    RefundPayment,
    VoidAuthorization,
)
from shared.contracts.ticketing import (
    BookingReserved,
    CancelBooking,
    IssueTickets,
    ReserveBooking,
    TicketsIssued,
    VoidTickets,
)
from shared.kernel.money import Money
from shared.saga.definition import Identity
from shared.saga.diagram import mermaid
from shared.saga.engine import advance
from shared.saga.record import Status, StepStatus
from tests.saga.script import PURCHASE_ID, Reply, Script, done, refused, undone

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


def a_script(money: int = 250_00, miles: int = 10_000, earn_rate: int = 0) -> Script[Purchase]:
    purchase = Purchase(
        member_id="m-1",
        cart_id="c-1",
        payment=CardPayment(method="card", token="tok_visa"),
        contact=Contact(email="ana@example.com"),
        quoted=Total(money=BRL(amount=money), miles=miles),
        earn_rate=earn_rate,
    )
    return Script(CHECKOUT, purchase)


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


def test_a_purchase_goes_through_its_steps_in_order() -> None:
    script = (
        until_authorized()
        .answer(ISSUED)
        .expect(CapturePayment, amount=BRL(amount=250_00))
        .answer(CAPTURED)
        .expect(RedeemMiles, miles=10_000)
        .answer(REDEEMED)
        .expect(CloseCart)
        .answer(CLOSED)
        .nothing_more()
    )
    assert script.status is Status.COMPLETED
    assert {script.step(step.name) for step in CHECKOUT.steps[:-1]} == {StepStatus.DONE}
    assert script.step("accrue miles") is StepStatus.SKIPPED
    assert script.record.timers == ()
    assert (script.state.locators, script.state.tickets, script.state.paid_with) == (
        ("ABC123",),
        (TICKET,),
        "visa 4242",
    )


def test_without_miles_none_are_held_nor_redeemed() -> None:
    script = a_script(miles=0).expect(LockCart).answer(locked(miles=0)).expect(ReserveBooking)
    assert script.step("hold miles") is StepStatus.SKIPPED


def test_with_nothing_left_to_pay_in_money_no_card_is_touched() -> None:
    script = (
        a_script(money=0)
        .expect(LockCart)
        .answer(locked(money=0))
        .expect(HoldMiles)
        .answer(HELD)
        .expect(ReserveBooking)
        .answer(RESERVED)
        .expect(IssueTickets)
        .answer(ISSUED)
        .expect(RedeemMiles)
        .answer(REDEEMED)
        .expect(CloseCart)
        .answer(CLOSED)
        .nothing_more()
    )
    assert script.status is Status.COMPLETED


def test_miles_are_credited_for_money_when_the_programme_says_so() -> None:
    script = a_script(miles=0, earn_rate=2)
    for kind, reply in (
        (LockCart, locked(miles=0)),
        (ReserveBooking, RESERVED),
        (AuthorizeCard, AUTHORIZED),
        (IssueTickets, ISSUED),
        (CapturePayment, CAPTURED),
        (CloseCart, CLOSED),
    ):
        script.expect(kind).answer(reply)
    script.expect(AccrueMiles, miles=500).answer(done(MilesAccrued)).nothing_more()
    assert script.status is Status.COMPLETED


def test_a_declined_card_gives_the_booking_the_miles_and_the_cart_back() -> None:
    script = (
        a_script()
        .expect(LockCart)
        .answer(locked())
        .expect(HoldMiles)
        .answer(HELD)
        .expect(ReserveBooking)
        .answer(RESERVED)
        .expect(AuthorizeCard)
        .answer(refused("card_declined"))
    )
    expect_everything_undone(script, card=False)
    assert script.status is Status.REFUSED
    assert script.record.refusal is not None
    assert (script.record.refusal.step, script.record.refusal.code) == ("authorize payment", "card_declined")


def test_refused_tickets_void_the_card_then_cancel_the_booking_then_release_the_miles() -> None:
    script = until_authorized().answer(refused("segment_unavailable"))
    expect_everything_undone(script)
    assert script.status is Status.REFUSED


def test_a_refused_cart_undoes_nothing() -> None:
    script = a_script().expect(LockCart).answer(refused("price_changed")).nothing_more()
    assert script.status is Status.REFUSED


def test_a_silent_step_is_asked_again_under_the_same_identity() -> None:
    script = a_script().expect(LockCart, attempt=1).silence()
    assert script.step("lock cart") is StepStatus.UNKNOWN
    script.expect(LockCart, attempt=1).answer(locked()).expect(HoldMiles)
    assert script.record.steps["lock cart"].asks == 2


def test_pauses_between_asks_grow_up_to_the_longest() -> None:
    script = until_authorized()
    pauses = []
    for _ in range(3):
        assert script.record.wake_at is not None
        pauses.append(script.record.wake_at - script.now)
        script.silence().expect(IssueTickets)
    assert pauses == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]


def test_silence_beyond_the_budget_before_the_pivot_undoes_the_silent_step_too() -> None:
    script = a_script().expect(LockCart).answer(locked()).expect(HoldMiles).answer(HELD).expect(ReserveBooking)
    for _ in range(3):
        script.silence().expect(ReserveBooking)
    script.silence().expect(CancelBooking).answer(undone()).expect(ReleaseMiles).answer(undone())
    script.expect(UnlockCart).answer(undone()).nothing_more()
    assert script.status is Status.REFUSED
    assert script.record.refusal is not None
    assert script.record.refusal.code == "no_answer"


def test_silence_beyond_the_budget_at_the_pivot_needs_attention_and_keeps_every_hold() -> None:
    script = until_authorized()
    for _ in range(3):
        script.silence().expect(IssueTickets)
    script.silence().nothing_more()
    assert script.status is Status.NEEDS_ATTENTION
    assert script.record.timers == ()


def test_an_answer_that_comes_after_all_moves_a_purchase_that_needed_attention() -> None:
    script = until_authorized()
    for _ in range(3):
        script.silence().expect(IssueTickets)
    script.silence().answer(ISSUED).expect(CapturePayment)
    assert script.status is Status.RUNNING


def test_undoing_knows_no_budget() -> None:
    script = until_authorized().answer(refused("segment_unavailable")).expect(VoidAuthorization)
    for _ in range(20):
        script.silence().expect(VoidAuthorization)
    script.answer(undone()).expect(CancelBooking)
    assert script.status is Status.RUNNING


def test_a_refused_capture_voids_the_tickets_and_unwinds() -> None:
    script = (
        until_authorized()
        .answer(ISSUED)
        .expect(CapturePayment)
        .answer(refused("capture_refused"))
        .expect(VoidTickets)
        .answer(undone())
    )
    expect_everything_undone(script)
    assert script.status is Status.REFUSED


def test_tickets_that_cannot_be_voided_need_attention() -> None:
    script = (
        until_authorized()
        .answer(ISSUED)
        .expect(CapturePayment)
        .answer(refused("capture_refused"))
        .expect(VoidTickets)
        .answer(refused("not_voidable"))
        .nothing_more()
    )
    assert script.status is Status.NEEDS_ATTENTION


def test_refused_miles_after_the_tickets_need_attention_once_however_often_they_are_refused() -> None:
    script = until_authorized().answer(ISSUED).expect(CapturePayment).answer(CAPTURED).expect(RedeemMiles)
    script.answer(refused("not_held")).nothing_more()
    assert script.status is Status.NEEDS_ATTENTION
    changes = len(script.record.timeline)
    script.answer(refused("not_held")).answer(refused("not_held")).nothing_more()
    assert len(script.record.timeline) == changes


def test_every_answer_may_come_twice() -> None:
    script = a_script()
    for kind, reply in (
        (LockCart, locked()),
        (HoldMiles, HELD),
        (ReserveBooking, RESERVED),
        (AuthorizeCard, AUTHORIZED),
        (IssueTickets, ISSUED),
        (CapturePayment, CAPTURED),
        (RedeemMiles, REDEEMED),
        (CloseCart, CLOSED),
    ):
        script.expect(kind)
        last = script.last
        assert isinstance(last, Command)
        script.answer(reply)
        again = advance(
            CHECKOUT,
            script.advanced,
            reply(last),
            purchase_id=PURCHASE_ID,
            now=script.now,
            patience=script._patience,
        )
        assert again.record is script.record, f"the second answer to {kind.__name__} changed something"
        assert again.commands == ()
    script.nothing_more()
    assert script.status is Status.COMPLETED


def test_an_answer_to_another_attempt_changes_nothing() -> None:
    script = a_script().expect(LockCart)
    assert script.last is not None
    script.happen(locked()(script.last.model_copy(update={"attempt": 2}))).nothing_more()
    assert script.step("lock cart") is StepStatus.RUNNING


def test_an_effect_that_comes_to_light_after_its_undo_is_undone_again() -> None:
    script = a_script().expect(LockCart).answer(locked()).expect(HoldMiles)
    hold = script.last
    assert hold is not None
    for _ in range(3):
        script.silence().expect(HoldMiles)
    script.silence().expect(ReleaseMiles).answer(undone()).expect(UnlockCart).answer(undone()).ends(Status.REFUSED)
    # What is not undone must not be shown as refused.
    script.happen(HELD(hold)).expect(ReleaseMiles, attempt=2).ends(Status.RUNNING)
    script.happen(HELD(hold)).nothing_more().answer(undone()).ends(Status.REFUSED)
    script.happen(HELD(hold)).ends(Status.REFUSED)


def test_tickets_that_come_to_light_after_their_refusal_are_voided() -> None:
    """A worker that was stopped for minutes wakes up and finds that its call went through after all."""
    script = until_authorized()
    issue = script.last
    assert issue is not None
    script.answer(refused("not_done")).expect(VoidAuthorization)
    script.happen(ISSUED(issue)).nothing_more()
    script.answer(undone()).expect(VoidTickets, attempt=2).answer(undone())
    expect_everything_undone(script, card=False)
    assert script.status is Status.REFUSED


def test_money_that_comes_to_light_after_the_end_is_given_back_and_the_purchase_ends_again() -> None:
    script = a_script(miles=0).expect(LockCart).answer(locked(miles=0)).expect(ReserveBooking).answer(RESERVED)
    script.expect(AuthorizeCard)
    authorize = script.last
    assert authorize is not None
    script.answer(refused("expired")).expect(CancelBooking).answer(undone()).expect(UnlockCart).answer(undone())
    script.ends(Status.REFUSED).happen(AUTHORIZED(authorize)).expect(VoidAuthorization, attempt=2).ends(Status.RUNNING)
    script.silence().expect(VoidAuthorization).answer(undone()).ends(Status.REFUSED)


def test_a_refusal_that_comes_after_all_undoes_a_purchase_that_needed_attention() -> None:
    script = until_authorized()
    for _ in range(3):
        script.silence().expect(IssueTickets)
    script.silence().nothing_more()
    script.answer(refused("segment_unavailable"))
    expect_everything_undone(script)
    assert script.status is Status.REFUSED


def test_an_operator_has_a_silent_step_asked_for_under_its_name() -> None:
    script = until_authorized()
    for _ in range(3):
        script.silence().expect(IssueTickets)
    script.silence().nothing_more().ask().expect(IssueTickets, attempt=1)
    assert script.status is Status.RUNNING
    script.silence().expect(IssueTickets).answer(ISSUED).expect(CapturePayment)


def test_an_operator_has_a_refused_step_asked_for_as_a_new_attempt() -> None:
    script = until_authorized().answer(ISSUED).expect(CapturePayment).answer(CAPTURED).expect(RedeemMiles)
    script.answer(refused("not_done")).nothing_more().ask().expect(RedeemMiles, attempt=2).answer(REDEEMED)
    script.expect(CloseCart).answer(CLOSED).nothing_more()
    assert script.status is Status.COMPLETED


def test_an_operator_has_a_refused_undo_asked_for_as_a_new_attempt() -> None:
    script = until_authorized().answer(ISSUED).expect(CapturePayment).answer(refused("capture_refused"))
    script.expect(VoidTickets).answer(refused("not_voidable")).nothing_more()
    script.ask().expect(VoidTickets, attempt=2).answer(undone())
    expect_everything_undone(script)
    assert script.status is Status.REFUSED


def test_there_is_nothing_to_ask_of_a_purchase_that_has_ended() -> None:
    script = a_script().expect(LockCart).answer(refused("price_changed"))
    before = script.record
    assert script.ask().nothing_more().record == before


def test_a_cancel_before_the_pivot_undoes_the_step_under_way_too() -> None:
    script = a_script().expect(LockCart).answer(locked()).expect(HoldMiles).answer(HELD).expect(ReserveBooking)
    script.cancel().expect(CancelBooking).answer(undone()).expect(ReleaseMiles).answer(undone())
    script.expect(UnlockCart).answer(undone()).nothing_more()
    assert script.status is Status.CANCELLED


def test_an_answer_that_crosses_a_cancel_does_not_move_the_purchase_forward() -> None:
    script = a_script().expect(LockCart).answer(locked()).expect(HoldMiles)
    hold = script.last
    assert hold is not None
    script.cancel().expect(ReleaseMiles, attempt=1)
    # The answer to the first release may be on its way, and may not know of the hold: so the release is a new attempt.
    release = script.last
    assert release is not None
    script.happen(HELD(hold)).expect(ReleaseMiles, attempt=2)
    script.happen(undone()(release)).nothing_more()
    assert script.step("hold miles") is StepStatus.UNDOING
    script.answer(undone()).expect(UnlockCart).answer(undone()).nothing_more()
    assert script.status is Status.CANCELLED


@pytest.mark.parametrize(("outcome", "issued"), [(ISSUED, True), (refused("segment_unavailable"), False)])
def test_a_cancel_while_the_pivot_is_open_waits_for_its_outcome(outcome: Reply, issued: bool) -> None:
    script = until_authorized().cancel().nothing_more()
    script.answer(outcome)
    if issued:
        script.expect(VoidTickets).answer(undone())
    expect_everything_undone(script)
    assert script.status is Status.CANCELLED


def test_a_cancel_after_the_pivot_changes_nothing() -> None:
    script = until_authorized().answer(ISSUED).expect(CapturePayment)
    before = script.record
    script.cancel().nothing_more()
    assert script.record == before


def test_commands_are_good_for_a_time_and_undo_for_ever() -> None:
    script = a_script().expect(LockCart)
    assert script.last is not None
    assert script.last.expires_at == script.now + timedelta(hours=1)
    script.cancel().expect(UnlockCart, expires_at=None)


def test_the_timeline_lists_changes_not_asks() -> None:
    script = a_script().expect(LockCart).silence().expect(LockCart).silence().expect(LockCart).answer(locked())
    told = [(entry.step, entry.status) for entry in script.record.timeline]
    assert told == [
        ("", "running"),
        ("lock cart", "running"),
        ("lock cart", "unknown"),
        ("lock cart", "done"),
        ("hold miles", "running"),
    ]


def test_every_step_that_takes_money_or_miles_names_how_they_are_given_back() -> None:
    identity: Identity = {"purchase_id": "p", "step": "s", "attempt": 1, "expires_at": None}
    state = until_authorized().state
    undos = {step.name: type(step.undo(state, identity)) for step in CHECKOUT.steps if step.undo is not None}
    assert undos == {
        "lock cart": UnlockCart,
        "hold miles": ReleaseMiles,
        "reserve booking": CancelBooking,
        "authorize payment": VoidAuthorization,
        "issue tickets": VoidTickets,
        "capture payment": RefundPayment,
        "redeem miles": ReverseMiles,
    }


def test_the_picture_shows_every_step_and_its_undo() -> None:
    picture = mermaid(CHECKOUT)
    assert all(step.name in picture for step in CHECKOUT.steps)
    assert picture.count("undo ") == 5


def test_the_picture_in_the_documentation_is_current() -> None:
    page = Path(__file__).parents[2] / "docs" / "checkout.md"
    assert with_picture(page.read_text()) == page.read_text(), "run `make docs`"
