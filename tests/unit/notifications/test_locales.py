"""Languages and their ways of writing."""

import pytest

from services.notifications.domain import locales
from services.notifications.domain.notice import message_key, recipient_digest
from shared.kernel.money import Money


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ("pt-BR", "pt-BR"),
        ("pt-PT", "pt-BR"),
        ("pt_br", "pt-BR"),
        ("en", "en"),
        ("en-US", "en"),
        ("EN-gb", "en"),
        ("fr-FR", "pt-BR"),
        ("", "pt-BR"),
        ("../../en", "pt-BR"),
    ],
)
def test_a_language_is_found_for_every_locale(asked: str, given: str) -> None:
    assert locales.negotiate(asked) == given


@pytest.mark.parametrize(
    ("amount", "currency", "in_brazil", "in_english"),
    [
        (259_990, "BRL", "R$ 2.599,90", "BRL 2,599.90"),
        (5, "BRL", "R$ 0,05", "BRL 0.05"),
        (-100_005, "USD", "-US$ 1.000,05", "-USD 1,000.05"),
        (1_234_567, "JPY", "JPY 1.234.567", "JPY 1,234,567"),
        (1_234_567, "KWD", "KWD 1.234,567", "KWD 1,234.567"),
    ],
)
def test_money_is_written_as_each_language_has_it(amount: int, currency: str, in_brazil: str, in_english: str) -> None:
    money = Money(amount=amount, currency=currency)
    assert locales.money(money, "pt-BR").replace("\u00a0", " ") == in_brazil
    assert locales.money(money, "en").replace("\u00a0", " ") == in_english


def test_the_same_mail_to_the_same_address_has_the_same_key() -> None:
    key = message_key("p1", "completed", "email", "Ana@Example.com")
    assert key == message_key("p1", "completed", "email", " ana@example.com ")
    others = {
        message_key("p2", "completed", "email", "ana@example.com"),
        message_key("p1", "refused", "email", "ana@example.com"),
        message_key("p1", "completed", "email", "bia@example.com"),
    }
    assert key not in others
    assert len(others) == 3


def test_an_addresss_digest_is_of_no_use_for_another_purchase() -> None:
    assert recipient_digest("p1", "ana@example.com") != recipient_digest("p2", "ana@example.com")
