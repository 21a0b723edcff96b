"""What operators ask for, and customers who want out."""

import pytest

from shared.contracts.cart import CloseCart, LockCart, UnlockCart
from shared.contracts.miles import HoldMiles, RedeemMiles, ReleaseMiles
from shared.contracts.payment import CapturePayment
from shared.contracts.ticketing import CancelBooking, IssueTickets, ReserveBooking, VoidTickets
from shared.saga.record import Status, StepStatus
from tests.saga.purchases import (
    CAPTURED,
    CLOSED,
    HELD,
    ISSUED,
    REDEEMED,
    a_script,
    expect_everything_undone,
    locked,
    until_authorized,
)
from tests.saga.script import Reply, refused, undone


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
