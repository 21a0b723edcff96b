"""What is said to Stripe and understood of it, against values copied by hand from its documentation."""

from decimal import Decimal
from typing import Any

import pytest

from services.payment.adapters.stripe import authorize_form, stripe_amount, to_authorization
from services.payment.domain import Authorization, Standing
from services.payment.ports import CardOrder
from shared.kernel.errors import Refused
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
    assert authorize_form(order("pm_card_visa")) == {
        "amount": "1099",
        "currency": "brl",
        "capture_method": "manual",
        "confirm": "true",
        "payment_method": "pm_card_visa",
        "payment_method_types[0]": "card",
        "metadata[reference]": "checkout-1",
        "metadata[attempt]": "2",
        "transfer_group": "checkout-1",
        "expand[0]": "payment_method",
    }


def test_a_single_use_token_is_sent_as_data_of_a_payment_method() -> None:
    form = authorize_form(order("tok_visa"))
    assert "payment_method" not in form
    assert form["payment_method_data[type]"] == "card"
    assert form["payment_method_data[card][token]"] == "tok_visa"


def test_installments_are_a_plan_of_the_card() -> None:
    form = authorize_form(order("pm_card_visa", 3))
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


@pytest.mark.parametrize(
    ("reason", "standing"),
    [
        ("automatic", Standing.EXPIRED),
        ("expired", Standing.EXPIRED),
        ("requested_by_customer", Standing.CANCELED),
        ("abandoned", Standing.CANCELED),
        (None, Standing.CANCELED),
    ],
)
def test_an_authorisation_that_ended_by_itself_is_told_from_one_let_go(reason: str | None, standing: Standing) -> None:
    assert to_authorization(intent(status="canceled", cancellation_reason=reason)).standing is standing


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


@pytest.mark.parametrize(
    ("units", "currency", "counted"),
    [
        ("10.99", "BRL", "1099"),
        ("0.01", "USD", "1"),
        ("2964", "HUF", "296400"),
        ("500", "JPY", "500"),
        ("1250", "CLP", "1250"),
        ("90000", "VND", "90000"),
        ("655", "XAF", "655"),
        ("5", "ISK", "500"),
        ("5", "UGX", "500"),
        ("700", "MGA", "700"),
        ("5.12", "KWD", "5120"),
        ("5.00", "JOD", "5000"),
        ("1.2", "TND", "1200"),
    ],
)
def test_an_amount_is_counted_as_stripe_counts_it(units: str, currency: str, counted: str) -> None:
    money = Money.of(Decimal(units), currency)
    form = authorize_form(CardOrder("checkout-1", 2, money, "pm_card_visa"))
    assert (form["amount"], form["currency"]) == (counted, currency.lower())
    assert to_authorization(intent(amount=int(counted), currency=currency.lower())).amount == money


@pytest.mark.parametrize(("units", "currency"), [("5.124", "KWD"), ("0.001", "BHD"), ("700.20", "MGA")])
def test_an_amount_finer_than_stripe_can_charge_is_refused_rather_than_rounded(units: str, currency: str) -> None:
    with pytest.raises(Refused) as refusal:
        stripe_amount(Money.of(Decimal(units), currency))
    assert refusal.value.code == "amount_not_chargeable"
