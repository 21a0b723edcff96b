"""What silence does to a purchase, before the tickets and after."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from services.checkout.settings import CheckoutSettings, SandboxCheckoutSettings
from shared.contracts.cart import LockCart, UnlockCart
from shared.contracts.miles import HoldMiles, ReleaseMiles
from shared.contracts.payment import CapturePayment, VoidAuthorization
from shared.contracts.ticketing import CancelBooking, IssueTickets, ReserveBooking
from shared.saga.record import Patience, Status, StepStatus
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


def test_an_undo_is_asked_for_through_a_week_of_silence_and_ended_by_its_answer() -> None:
    script = a_script(patience=Patience()).expect(LockCart).answer(locked()).expect(HoldMiles).answer(HELD)
    script.expect(ReserveBooking).answer(refused("segment_unavailable")).expect(ReleaseMiles)
    began, asks = script.now, 1
    while script.now - began < timedelta(days=7):
        before = script.now
        script.silence().expect(ReleaseMiles, attempt=1)
        asks += 1
        assert script.now - before <= timedelta(minutes=5)
    assert asks > 2000
    assert script.record.steps["hold miles"].asks == asks
    script.answer(undone()).expect(UnlockCart)


@pytest.mark.parametrize("silence", [timedelta(seconds=1), timedelta(seconds=45), timedelta(minutes=5)])
@pytest.mark.parametrize("patience", [Patience(), CheckoutSettings().patience(), SandboxCheckoutSettings().patience()])
def test_a_million_asks_never_lengthen_the_pause_beyond_the_longest(patience: Patience, silence: timedelta) -> None:
    longest = max(patience.longest_pause, patience.first_pause or silence)
    before = timedelta(0)
    for asks in range(1, 10**6 + 1, 27):
        pause = patience.pause(silence, asks)
        assert before <= pause <= longest
        before = pause
    assert before == longest


@pytest.mark.parametrize(
    "wrong",
    [
        {"growth": 0.5},
        {"growth": float("inf")},
        {"growth": float("nan")},
        {"longest_pause": timedelta.max},
        {"first_pause": timedelta(0)},
        {"command_life": timedelta.max},
        {"asks": 0},
    ],
)
def test_a_patience_that_no_date_bears_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Patience(**wrong)
