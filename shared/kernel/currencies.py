"""The currencies money can be in: ISO 4217's active ones that have a minor unit, and how many decimals each has.

Source: ISO 4217 list one. Metals, drawing rights and test codes (`XAU`, `XDR`, `XXX`) are no money of ours: they have
no minor unit. A gateway or a distribution system that counts a currency otherwise says so in its adapter.
"""

from typing import Final

_BY_DECIMALS: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW
        CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR
        ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV
        MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD
        SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
# BGN gave way to the euro in 2026: what was sold in it may still have to be given back.

DECIMALS: Final[dict[str, int]] = {code: count for count, codes in _BY_DECIMALS.items() for code in codes.split()}
"""Digits behind the point, by currency."""


class UnknownCurrency(ValueError):
    """No currency of ISO 4217 that money is counted in."""


def decimals(currency: str) -> int:
    """How many decimals a currency has: 2 for BRL, 0 for JPY, 3 for KWD. Raises `UnknownCurrency`."""
    try:
        return DECIMALS[currency]
    except KeyError:
        raise UnknownCurrency("must be the code of a currency in use (ISO 4217), such as BRL") from None
