"""Amounts as people write them, and as minor units: by the currency's decimals, exactly."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.kernel.currencies import DECIMALS, UnknownCurrency, decimals
from shared.kernel.money import Money, NotAnAmount

NONE = {"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV"}
FRANCS = {"XAF", "XOF", "XPF"}
THREE = {"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"}
FOUR = {"CLF", "UYW"}


@pytest.mark.parametrize(
    ("written", "currency", "minor", "shown"),
    [
        ("2964.53", "BRL", 296_453, "BRL 2,964.53"),
        ("50000", "JPY", 50_000, "JPY 50,000"),
        ("50000.00", "JPY", 50_000, "JPY 50,000"),
        ("500000", "CLP", 500_000, "CLP 500,000"),
        ("5E+6", "VND", 5_000_000, "VND 5,000,000"),
        ("300000", "XAF", 300_000, "XAF 300,000"),
        ("60000", "ISK", 60_000, "ISK 60,000"),
        ("100.125", "KWD", 100_125, "KWD 100.125"),
        ("0.001", "JOD", 1, "JOD 0.001"),
        ("1.0001", "CLF", 10_001, "CLF 1.0001"),
        ("-0.05", "EUR", -5, "EUR -0.05"),
        ("0", "MGA", 0, "MGA 0.00"),
    ],
)
def test_an_amount_is_minor_units_of_its_currency(written: str, currency: str, minor: int, shown: str) -> None:
    amount = Money.of(Decimal(written), currency)
    assert amount == Money(amount=minor, currency=currency)
    assert amount.decimal() == Decimal(written)
    assert str(amount) == shown


@pytest.mark.parametrize(
    ("written", "currency"),
    [("1.005", "BRL"), ("0.5", "JPY"), ("0.01", "VND"), ("0.0001", "KWD"), ("NaN", "BRL"), ("Infinity", "BRL")],
)
def test_what_is_no_amount_of_the_currency_is_refused_and_never_rounded(written: str, currency: str) -> None:
    with pytest.raises(NotAnAmount):
        Money.of(Decimal(written), currency)


@pytest.mark.parametrize("written", ["1e18", "1e999999", "-1e999999"])
def test_a_number_beyond_all_measure_costs_no_memory(written: str) -> None:
    with pytest.raises(NotAnAmount):
        Money.of(Decimal(written), "BRL")


@given(st.integers(-(10**18), 10**18), st.sampled_from(sorted(DECIMALS)))
def test_an_amount_written_out_and_read_again_is_the_same(minor: int, currency: str) -> None:
    amount = Money(amount=minor, currency=currency)
    if abs(amount.decimal()) < 10**18:
        assert Money.of(Decimal(f"{amount.decimal():f}"), currency) == amount
    assert -amount.decimal().as_tuple().exponent == decimals(currency)  # type: ignore[operator]


def test_every_currency_that_does_not_have_two_decimals_is_known() -> None:
    assert {code for code, count in DECIMALS.items() if count == 0} == NONE | FRANCS
    assert {code for code, count in DECIMALS.items() if count == 3} == THREE
    assert {code for code, count in DECIMALS.items() if count == 4} == FOUR
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in DECIMALS)


@pytest.mark.parametrize("currency", ["XAU", "XDR", "XXX", "XTS", "HRK", "DEM", "ZZZ", "BTC"])
def test_what_is_no_currency_of_ours_is_refused_wherever_money_is_read(currency: str) -> None:
    with pytest.raises(UnknownCurrency):
        Money.of(Decimal(1), currency)
    with pytest.raises(ValidationError, match="currency in use"):
        Money.model_validate({"amount": 1, "currency": currency})
    with pytest.raises(ValidationError, match="currency in use"):
        Money.model_validate_json(f'{{"amount": 1, "currency": "{currency}"}}')
