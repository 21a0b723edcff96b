"""An undo that was done and did not last: the card's bank sends a refund back, days after it had succeeded."""

import pytest

from services.checkout.domain.checkout import Purchase
from shared.contracts.payment import CapturePayment, RefundPayment, VoidAuthorization
from shared.contracts.steps import Command
from shared.contracts.ticketing import CancelBooking, VoidTickets
from shared.saga.happening import AskRequested
from shared.saga.record import Status, StepStatus
from tests.saga.purchases import CAPTURED, ISSUED, expect_everything_undone, until_authorized
from tests.saga.script import Script, refused, undone

FAILED = refused("refund_failed")


def refunded() -> tuple[Script[Purchase], Command]:
    """The miles' programme refuses after the capture, so money was given back; and the refund that did it."""
    script = until_authorized().answer(ISSUED).expect(CapturePayment)
    captured = script.last
    assert captured is not None
    script.answer(refused("capture_refused")).expect(VoidTickets)
    script.happen(CAPTURED(captured)).answer(undone()).expect(RefundPayment)
    refund = script.last
    assert refund is not None
    return script.answer(undone()), refund


def test_a_purchase_that_had_ended_needs_attention_and_is_asked_anew() -> None:
    script, refund = refunded()
    expect_everything_undone(script).ends(Status.REFUSED)
    script.happen(FAILED(refund)).nothing_more().ends(Status.NEEDS_ATTENTION)
    assert script.record.current == "capture payment"
    assert script.record.timeline[-2].detail == "refund_failed"
    script.happen(AskRequested()).expect(RefundPayment, attempt=refund.attempt + 1).answer(undone()).nothing_more()
    script.ends(Status.REFUSED)


@pytest.mark.parametrize("times", [2, 5])
def test_it_is_told_many_times_and_heard_once(times: int) -> None:
    script, refund = refunded()
    expect_everything_undone(script)
    for _ in range(times):
        script.happen(FAILED(refund)).nothing_more()
    assert [entry.detail for entry in script.record.timeline].count("refund_failed") == 1
    script.happen(AskRequested()).expect(RefundPayment)
    script.happen(FAILED(refund)).nothing_more().answer(undone()).ends(Status.REFUSED)
    script.happen(FAILED(refund)).nothing_more().ends(Status.REFUSED)


def test_a_second_refund_may_fail_too() -> None:
    script, refund = refunded()
    expect_everything_undone(script)
    script.happen(FAILED(refund)).happen(AskRequested()).expect(RefundPayment)
    second = script.last
    assert second is not None
    script.answer(undone()).ends(Status.REFUSED)
    script.happen(FAILED(second)).ends(Status.NEEDS_ATTENTION)


def test_while_other_steps_are_undone_its_turn_comes_by_itself() -> None:
    script, refund = refunded()
    script.expect(VoidAuthorization)
    script.happen(FAILED(refund)).nothing_more()
    assert script.step("capture payment") is StepStatus.DONE
    script.answer(undone()).expect(RefundPayment, attempt=refund.attempt + 1).answer(undone())
    expect_everything_undone(script, card=False).ends(Status.REFUSED)


def test_while_another_step_needs_attention_its_turn_comes_after_that() -> None:
    script, refund = refunded()
    script.expect(VoidAuthorization).answer(undone()).expect(CancelBooking).answer(refused("cancellation_refused"))
    script.ends(Status.NEEDS_ATTENTION).happen(FAILED(refund)).nothing_more().ends(Status.NEEDS_ATTENTION)
    script.happen(AskRequested()).expect(CancelBooking).answer(undone()).expect(
        RefundPayment, attempt=refund.attempt + 1
    )


def test_a_refusal_of_another_attempt_is_no_news() -> None:
    script, refund = refunded()
    expect_everything_undone(script)
    for attempt in (refund.attempt - 1, refund.attempt + 1):
        if attempt >= 1:
            script.happen(FAILED(refund.model_copy(update={"attempt": attempt}))).nothing_more().ends(Status.REFUSED)
