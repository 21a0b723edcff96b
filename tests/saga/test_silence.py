"""What silence does to a purchase, before the tickets and after."""

from datetime import timedelta

from shared.contracts.cart import LockCart, UnlockCart
from shared.contracts.miles import HoldMiles, ReleaseMiles
from shared.contracts.payment import CapturePayment, VoidAuthorization
from shared.contracts.ticketing import CancelBooking, IssueTickets, ReserveBooking
from shared.saga.record import Status, StepStatus
from tests.saga.purchases import HELD, ISSUED, a_script, locked, until_authorized
from tests.saga.script import refused, undone


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
