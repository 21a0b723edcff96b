"""The checkout's process, as scripts: what is sent, what is answered, how it ends."""

from datetime import timedelta
from pathlib import Path

from services.checkout.saga import CHECKOUT
from services.cli.picture import with_picture
from shared.contracts.cart import CloseCart, LockCart, UnlockCart
from shared.contracts.miles import AccrueMiles, HoldMiles, MilesAccrued, RedeemMiles, ReleaseMiles, ReverseMiles
from shared.contracts.payment import AuthorizeCard, CapturePayment, RefundPayment, VoidAuthorization
from shared.contracts.ticketing import CancelBooking, IssueTickets, ReserveBooking, VoidTickets
from shared.saga.definition import Identity
from shared.saga.diagram import mermaid
from shared.saga.record import Status, StepStatus
from tests.saga.purchases import (
    AUTHORIZED,
    BRL,
    CAPTURED,
    CLOSED,
    HELD,
    ISSUED,
    REDEEMED,
    RESERVED,
    TICKET,
    a_script,
    expect_everything_undone,
    locked,
    until_authorized,
)
from tests.saga.script import done, refused, undone


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
