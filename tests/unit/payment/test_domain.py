"""What a payment may become, and what it may not."""

import pytest

from services.payment.domain import Authorization, Payment, Standing, WrongTransition, masked
from shared.kernel.money import Money

AMOUNT = Money(amount=1000, currency="BRL")
HELD = Authorization("pi_1", 1, Standing.AUTHORIZED, AMOUNT, masked="visa •••• 4242")


def a_payment(status: str) -> Payment:
    return Payment.model_validate({"id": "p", "status": status, "authorization": "pi_1", "amount": AMOUNT.model_dump()})


@pytest.mark.parametrize("status", ["none", "voided", "refunded"])
def test_money_can_be_held_when_none_is(status: str) -> None:
    assert a_payment(status).authorized(HELD) == {
        "status": "authorized",
        "authorization": "pi_1",
        "amount": AMOUNT,
        "masked": "visa •••• 4242",
    }


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
    assert a_payment("authorized").let_go(refunded=False) == {"status": "voided"}
    assert a_payment("captured").let_go(refunded=True) == {"status": "refunded"}
    assert a_payment("refunded").let_go(refunded=False) == {"status": "refunded"}


def test_a_card_is_named_only_when_the_gateway_names_it() -> None:
    assert masked("visa", "4242") == "visa •••• 4242"
    assert masked("visa", "") == ""
    assert masked("", "4242") == ""
