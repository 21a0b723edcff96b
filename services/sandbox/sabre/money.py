"""Amounts as Sabre writes them, in the currency in which the sandbox's agency sells."""

import json
from typing import Final

DEFAULT: Final = "BRL"

CENTS: Final = 2
_OTHERS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
DECIMALS: Final = {currency: digits for digits, currencies in _OTHERS.items() for currency in currencies.split()}
"""Currencies without cents, or with finer ones (ISO 4217 list one); all others have two decimals."""


def decimal(minor: int, currency: str) -> str:
    """ "2964.53", "296453", "2964.530": prices are made in hundredths, and those of a currency that has none are whole.

    What is finer than a hundredth ends in zeros, as card gateways want it.
    """
    digits = DECIMALS.get(currency, CENTS)
    if digits == 0:
        return str(minor)
    return f"{minor // 100}.{minor % 100:02d}{'0' * (digits - CENTS)}"


def as_number(minor: int, currency: str) -> int | float:
    """The same as a JSON number: as many decimals survive a float's shortest form."""
    return json.loads(decimal(minor, currency))  # type: ignore[no-any-return]
