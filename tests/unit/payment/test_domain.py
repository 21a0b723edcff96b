"""What a payment may become, and what it may not."""

from datetime import UTC, datetime, timedelta

import pytest

from services.payment.domain import (
    Authorization,
    Payment,
    Refund,
    Standing,
    WatchTerms,
    WrongTransition,
    masked,
)
from shared.contracts.payment import RefundPayment, VoidAuthorization
from shared.contracts.steps import StepUndone
from shared.kernel.money import Money
from shared.kernel.values import changed
from shared.worker.work import slot_of
from tests.days import NOW

AMOUNT = Money(amount=1000, currency="BRL")
MADE_AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
HELD = Authorization("pi_1", 1, Standing.AUTHORIZED, AMOUNT, masked="visa •••• 4242", made_at=MADE_AT)

UNDO = RefundPayment(purchase_id="p", step="capture payment", attempt=2)
TERMS = WatchTerms(lasts=timedelta(days=30), first=timedelta(hours=1), longest=timedelta(days=1))
A_REFUND = Refund.of(UNDO, ("pi_1",), NOW, TERMS)


def a_payment(status: str) -> Payment:
    return Payment.model_validate({"id": "p", "status": status, "authorization": "pi_1", "amount": AMOUNT.model_dump()})


@pytest.mark.parametrize("status", ["none", "voided", "refunded"])
def test_money_can_be_held_when_none_is(status: str) -> None:
    assert a_payment(status).authorized(HELD) == {
        "status": "authorized",
        "authorization": "pi_1",
        "amount": AMOUNT,
        "masked": "visa •••• 4242",
        "authorized_at": MADE_AT,
    }


def test_money_is_held_since_the_gateway_says_so_until_it_is_taken_or_let_go() -> None:
    held = changed(a_payment("none"), **a_payment("none").authorized(HELD))
    assert held.held_since == "2026-05-01T12:00:00.000+00:00"
    assert Payment.model_validate(held.model_dump(mode="json")) == held
    assert changed(held, **held.captured()).held_since is None
    assert changed(held, **held.let_go(None)).held_since is None
    assert a_payment("authorized").held_since is None, "as an older release stored it"


@pytest.mark.parametrize("status", ["authorized", "captured"])
def test_money_cannot_be_held_twice(status: str) -> None:
    with pytest.raises(WrongTransition):
        a_payment(status).authorized(HELD)


def test_only_held_money_becomes_ours() -> None:
    assert a_payment("authorized").captured() == {"status": "captured"}
    for status in ("none", "captured", "voided", "refunded"):
        with pytest.raises(WrongTransition):
            a_payment(status).captured()


@pytest.mark.parametrize(
    ("amount", "currency", "possible"),
    [(1000, "BRL", True), (1, "BRL", True), (1001, "BRL", False), (0, "BRL", False), (1000, "USD", False)],
)
def test_no_more_can_be_captured_than_is_held(amount: int, currency: str, possible: bool) -> None:
    assert a_payment("authorized").can_capture(Money(amount=amount, currency=currency)) is possible


@pytest.mark.parametrize("status", ["none", "captured", "voided", "refunded"])
def test_nothing_can_be_captured_unless_it_is_held(status: str) -> None:
    assert not a_payment(status).can_capture(AMOUNT)


def test_what_was_given_back_stays_given_back_when_it_is_let_go_again() -> None:
    assert a_payment("authorized").let_go(None) == {"status": "voided"}
    assert a_payment("captured").let_go(A_REFUND) == {"status": "refunded", "refund": A_REFUND}
    assert a_payment("refunded").let_go(None) == {"status": "refunded"}


def test_a_card_is_named_only_when_the_gateway_names_it() -> None:
    assert masked("visa", "4242") == "visa •••• 4242"
    assert masked("visa", "") == ""
    assert masked("", "4242") == ""


def test_a_refund_is_looked_at_less_and_less_often_for_a_month() -> None:
    """At one hour, then after twice as long each time, daily in the end."""
    looks: list[datetime] = []
    refund: Refund | None = A_REFUND
    while refund is not None:
        looks.append(refund.look_at)
        refund = refund.seen(refund.look_at, TERMS)
    hours = [(look - NOW) / timedelta(hours=1) for look in looks]
    assert hours[:6] == [1, 3, 7, 15, 31, 55]
    assert len(looks) == 34
    assert hours[-1] >= 30 * 24 > hours[-2]


def test_a_refund_that_could_not_be_looked_at_is_looked_at_again_however_late_it_is() -> None:
    late = NOW + timedelta(days=90)
    unseen = A_REFUND.unseen(late, TERMS)
    assert (unseen.look_at, unseen.looks) == (late + timedelta(hours=1), 0)


def test_who_gave_back_first_is_told_of_all() -> None:
    void = VoidAuthorization(purchase_id="p", step="authorize payment")
    payment = changed(a_payment("captured"), refund=A_REFUND)
    refund = payment.let_go(Refund.of(void, ("pi_2", "pi_1"), NOW, TERMS))["refund"]
    assert refund.undo.message() == UNDO
    assert refund.authorizations == ("pi_1", "pi_2")
    anew = Refund.of(UNDO.model_copy(update={"attempt": 3}), ("pi_1",), NOW, TERMS)
    assert payment.let_go(anew)["refund"] == anew


def undone(undo: RefundPayment) -> Payment:
    payment = changed(a_payment("refunded"), refund=A_REFUND)
    log = payment.log(slot_of(undo)).concluded(undo, StepUndone.to(undo), untidy=False)
    return payment.with_log(slot_of(undo), log)


def test_a_refund_that_failed_makes_the_money_ours_and_the_undo_refused() -> None:
    after, told = undone(UNDO).kept_after_all()
    assert told is not None
    assert (told.code, told.step, told.attempt, told.undo) == ("refund_failed", "capture payment", 2, True)
    assert (after.status, after.refund, after.look_at) == ("captured", None, None)
    answer = after.log(slot_of(UNDO)).answer
    assert answer is not None
    assert answer.message() == told
    assert after.log(slot_of(UNDO)).fenced_through == 0
    after.check()


def test_a_newer_attempt_is_not_told_of_the_refund_before() -> None:
    after, told = undone(UNDO.model_copy(update={"attempt": 3})).kept_after_all()
    assert told is None
    assert (after.status, after.refund) == ("refunded", None)


def test_where_no_refund_is_on_record_none_can_fail() -> None:
    with pytest.raises(WrongTransition):
        a_payment("captured").kept_after_all()
