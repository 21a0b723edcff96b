"""Issued tickets are voided only when the gateway refuses the money for good; a worker that was away costs nothing."""

from datetime import timedelta

import pytest

from services.checkout.domain.checkout import Purchase
from shared.contracts.cart import CloseCart, LockCart
from shared.contracts.miles import HoldMiles, RedeemMiles
from shared.contracts.payment import AuthorizeCard, CapturePayment
from shared.contracts.steps import NOT_DONE, Command
from shared.contracts.ticketing import IssueTickets, ReserveBooking, VoidTickets
from shared.saga.record import Patience, Status, StepStatus
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
from tests.saga.script import Reply, Script, refused, undone

ONE_DAY = Patience(holds_live=timedelta(days=1))


def until_ticketed(patience: Patience = ONE_DAY) -> Script[Purchase]:
    script = a_script(patience=patience).expect(LockCart).answer(locked()).expect(HoldMiles).answer(HELD)
    script.expect(ReserveBooking).answer(RESERVED).expect(AuthorizeCard).answer(AUTHORIZED)
    return script.expect(IssueTickets).answer(ISSUED)


def test_commands_before_the_pivot_expire_and_later_ones_do_not() -> None:
    script = a_script()
    steps: list[tuple[type[Command], Reply]] = [
        (LockCart, locked()),
        (HoldMiles, HELD),
        (ReserveBooking, RESERVED),
        (AuthorizeCard, AUTHORIZED),
        (IssueTickets, ISSUED),
        (CapturePayment, CAPTURED),
        (RedeemMiles, REDEEMED),
        (CloseCart, CLOSED),
    ]
    expiring = set()
    for kind, reply in steps:
        script.expect(kind)
        assert script.last is not None
        if script.last.expires_at is not None:
            assert script.last.expires_at == script.now + timedelta(hours=1)
            expiring.add(kind)
        script.answer(reply)
    assert expiring == {LockCart, HoldMiles, ReserveBooking, AuthorizeCard}


def test_a_command_after_the_pivot_that_is_repeated_does_not_expire_either() -> None:
    until_ticketed().expect(CapturePayment, expires_at=None).silence().expect(CapturePayment, expires_at=None)


@pytest.mark.parametrize("code", sorted(NOT_DONE))
def test_a_capture_without_effect_is_asked_for_anew_and_voids_no_tickets(code: str) -> None:
    script = until_ticketed().expect(CapturePayment, attempt=1).answer(refused(code)).nothing_more()
    assert script.status is Status.RUNNING
    script.silence().expect(CapturePayment, attempt=2).answer(CAPTURED)
    script.expect(RedeemMiles).answer(REDEEMED).expect(CloseCart).answer(CLOSED).ends(Status.COMPLETED)


@pytest.mark.parametrize("code", sorted(NOT_DONE))
def test_a_payment_service_back_after_a_day_that_refuses_the_oldest_copy_moves_the_purchase_on(code: str) -> None:
    """Such copies were sent by an earlier release, whose orders expired."""
    script = until_ticketed().expect(CapturePayment)
    for _ in range(ONE_DAY.asks):
        script.silence().expect(CapturePayment, attempt=1)
    script.silence().ends(Status.NEEDS_ATTENTION)
    script.now += timedelta(hours=20)
    script.answer(refused(code)).nothing_more()
    assert script.status is Status.RUNNING
    script.silence().expect(CapturePayment, attempt=2).answer(CAPTURED).expect(RedeemMiles)


def test_a_capture_without_effect_is_asked_for_while_the_authorisation_lives_then_needs_attention() -> None:
    script = until_ticketed().expect(CapturePayment)
    began, attempts = script.now, 1
    while script.answer(refused("not_done")).status is Status.RUNNING:
        before = script.now
        attempts += 1
        script.silence().expect(CapturePayment, attempt=attempts)
        assert script.now - before <= timedelta(minutes=5)
        assert script.now - began <= ONE_DAY.holds_live + timedelta(minutes=5)
    assert script.now - began >= ONE_DAY.holds_live
    assert attempts > 200
    script.ends(Status.NEEDS_ATTENTION)
    assert script.step("issue tickets") is StepStatus.DONE
    assert len(script.record.timeline) < 30, "the timeline does not grow with the attempts"
    assert script.record.refusal is not None
    assert script.record.refusal.code == "not_done"


def test_after_the_authorisations_life_an_operator_may_still_ask_and_an_answer_still_counts() -> None:
    script = until_ticketed(Patience(holds_live=timedelta(seconds=1))).expect(CapturePayment)
    script.now += timedelta(seconds=2)
    script.answer(refused("not_done")).ends(Status.NEEDS_ATTENTION)
    script.ask().expect(CapturePayment, attempt=2).answer(CAPTURED).expect(RedeemMiles)
    assert script.status is Status.RUNNING


def test_silence_after_an_attempt_without_effect_has_a_budget_of_its_own() -> None:
    script = until_ticketed().expect(CapturePayment).answer(refused("not_done"))
    for _ in range(1 + ONE_DAY.asks):
        script.silence().expect(CapturePayment, attempt=2)
    script.silence().ends(Status.NEEDS_ATTENTION)


def test_miles_without_effect_after_the_pivot_are_asked_for_anew_too() -> None:
    script = until_ticketed().expect(CapturePayment).answer(CAPTURED).expect(RedeemMiles).answer(refused("not_done"))
    script.silence().expect(RedeemMiles, attempt=2).answer(REDEEMED).expect(CloseCart)


def test_a_capture_refused_for_good_after_attempts_without_effect_voids_the_tickets() -> None:
    script = until_ticketed().expect(CapturePayment).answer(refused("not_done")).silence().expect(CapturePayment)
    script.answer(refused("capture_refused")).expect(VoidTickets).answer(undone())
    expect_everything_undone(script)
    assert script.status is Status.REFUSED


def test_tickets_that_cannot_be_voided_need_attention() -> None:
    script = until_ticketed().expect(CapturePayment).answer(refused("capture_refused"))
    script.expect(VoidTickets).answer(refused("not_voidable")).ends(Status.NEEDS_ATTENTION)


def test_tickets_that_were_never_issued_turn_back_whatever_the_worker_calls_it() -> None:
    expect_everything_undone(until_authorized().answer(refused("not_done")))
