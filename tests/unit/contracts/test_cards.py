"""Card numbers never enter, by HTTP or by message."""

import pytest
from pydantic import ValidationError

from shared.contracts.cards import is_card_number
from shared.contracts.checkout import CardPayment
from shared.contracts.payment import AuthorizeCard
from shared.kernel.money import Money

NUMBERS = [
    "4242424242424242",
    "4242 4242 4242 4242",
    "5555-5555-5555-4444",
    "378282246310005",
    "6011000990139424",
    "4000.0025.0000.3155",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_a_card_number_is_refused_by_that_name_however_it_is_spaced(number: str) -> None:
    with pytest.raises(ValidationError, match="holds a card number") as refusal:
        CardPayment.model_validate({"method": "card", "token": number})
    [fault] = refusal.value.errors(include_input=False)
    assert fault["loc"] == ("token",)
    with pytest.raises(ValidationError, match="holds a card number"):
        AuthorizeCard(purchase_id="p", step="pay", attempt=1, amount=Money.zero("BRL"), card_token=number)


@pytest.mark.parametrize(
    "value", ["tok_visa", "4242424242424241", "424242424242", "", "tok_4242424242424242x", "\u0664" * 16]
)
def test_what_is_no_card_number_is_not_taken_for_one(value: str) -> None:
    assert not is_card_number(value)


def test_a_gateways_token_is_taken_as_it_is() -> None:
    assert CardPayment.model_validate({"method": "card", "token": "pm_1NxYz"}).token == "pm_1NxYz"
