"""Answers that come twice, or late, or for something else."""

from services.checkout.saga import CHECKOUT
from shared.contracts.cart import CloseCart, LockCart, UnlockCart
from shared.contracts.miles import HoldMiles, RedeemMiles, ReleaseMiles
from shared.contracts.payment import AuthorizeCard, CapturePayment, VoidAuthorization
from shared.contracts.steps import Command
from shared.contracts.ticketing import CancelBooking, IssueTickets, ReserveBooking, VoidTickets
from shared.kernel.values import changed
from shared.saga.engine import advance
from shared.saga.record import Status, StepStatus
from tests.saga.purchases import (
    AUTHORIZED,
    CAPTURED,
    CLOSED,
    HELD,
    ISSUED,
    REDEEMED,
    RESERVED,
    a_script,
    expect_everything_undone,
    locked,
    until_authorized,
)
from tests.saga.script import PURCHASE_ID, refused, undone


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
    script.happen(locked()(changed(script.last, attempt=2))).nothing_more()
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
