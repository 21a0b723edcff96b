"""What is said to Stripe and understood of it, against values copied by hand from its documentation."""

from typing import Any

import pytest

from services.payment.adapters.stripe import authorise_form, to_authorization
from services.payment.domain import Authorization, Standing
from services.payment.ports import CardOrder
from shared.kernel.money import Money


def order(token: str, installments: int = 1) -> CardOrder:
    return CardOrder("checkout-1", 2, Money(amount=1099, currency="BRL"), token, installments)


def intent(**changed: Any) -> dict[str, Any]:
    """The fields of Stripe's fixture that are read."""
    return {
        "id": "pi_1PgafyB7WZ01zgkWSjxsAJo3",
        "object": "payment_intent",
        "amount": 1099,
        "currency": "usd",
        "latest_charge": None,
        "last_payment_error": None,
        "metadata": {"reference": "checkout-1", "attempt": "2"},
        "payment_method": "pm_1Pgc75B7WZ01zgkWlHVgdEGJ",
        "status": "requires_capture",
    } | changed


def test_money_is_held_now_and_taken_later() -> None:
    assert authorise_form(order("pm_card_visa")) == {
        "amount": "1099",
        "currency": "brl",
        "capture_method": "manual",
        "confirm": "true",
        "payment_method": "pm_card_visa",
        "payment_method_types[0]": "card",
        "metadata[reference]": "checkout-1",
        "metadata[attempt]": "2",
        "expand[0]": "payment_method",
    }


def test_a_single_use_token_is_sent_as_data_of_a_payment_method() -> None:
    form = authorise_form(order("tok_visa"))
    assert "payment_method" not in form
    assert form["payment_method_data[type]"] == "card"
    assert form["payment_method_data[card][token]"] == "tok_visa"


def test_installments_are_a_plan_of_the_card() -> None:
    form = authorise_form(order("pm_card_visa", 3))
    plan = "payment_method_options[card][installments][plan]"
    assert (form[f"{plan}[type]"], form[f"{plan}[interval]"], form[f"{plan}[count]"]) == ("fixed_count", "month", "3")


@pytest.mark.parametrize(
    ("status", "standing"),
    [
        ("requires_payment_method", Standing.FAILED),
        ("requires_confirmation", Standing.REQUIRES_ACTION),
        ("requires_action", Standing.REQUIRES_ACTION),
        ("processing", Standing.PENDING),
        ("requires_capture", Standing.AUTHORIZED),
        ("succeeded", Standing.CAPTURED),
        ("canceled", Standing.CANCELED),
        ("something_new", Standing.PENDING),
    ],
)
def test_each_status_of_stripes_is_understood_and_an_unknown_one_is_still_open(status: str, standing: Standing) -> None:
    assert to_authorization(intent(status=status)).standing is standing


def test_a_card_is_named_by_the_expanded_payment_method() -> None:
    method = {"id": "pm_1", "object": "payment_method", "type": "card", "card": {"brand": "visa", "last4": "4242"}}
    expected = Authorization(
        "pi_1PgafyB7WZ01zgkWSjxsAJo3",
        2,
        Standing.AUTHORIZED,
        Money(amount=1099, currency="USD"),
        masked="visa •••• 4242",
    )
    assert to_authorization(intent(payment_method=method)) == expected
    assert to_authorization(intent()).masked == ""


def test_an_intent_of_somebody_elses_making_belongs_to_no_attempt() -> None:
    assert to_authorization(intent(metadata={})).attempt == 0
    assert to_authorization(intent(metadata=None)).attempt == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, "insufficient_funds"),
        ({"code": "card_declined", "decline_code": "stolen_card"}, "card_declined"),
        ({"code": "authentication_required"}, "authentication_required"),
        ({"code": "expired_card"}, "card_declined"),
        ({"type": "idempotency_error"}, "card_declined"),
    ],
)
def test_why_an_intent_failed_is_told_in_the_contracts_codes(error: dict[str, str], code: str) -> None:
    failed = to_authorization(intent(status="requires_payment_method", last_payment_error=error))
    assert failed.failure == code
