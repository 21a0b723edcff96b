"""Languages, and how each writes money, miles and times."""

from datetime import date, datetime
from typing import Final, Literal, get_args

from shared.kernel.money import Money

Language = Literal["pt-BR", "en"]
LANGUAGES: Final[tuple[Language, ...]] = get_args(Language)
DEFAULT: Final[Language] = "pt-BR"

_SYMBOLS = {"BRL": "R$", "USD": "US$", "EUR": "€"}
"""As Brazilians write them; other languages use the ISO code."""
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def negotiate(locale: str) -> Language:
    """The language for a BCP 47 tag: the same tag, else the same language, else Brazilian Portuguese."""
    wanted = locale.strip().replace("_", "-").casefold()
    for language in LANGUAGES:
        if wanted == language.casefold():
            return language
    for language in LANGUAGES:
        if wanted.split("-")[0] == language.casefold().split("-")[0]:
            return language
    return DEFAULT


def money(amount: Money, language: Language) -> str:
    """`R$ 2.599,90` in Brazil, `BRL 2,599.90` elsewhere. The space does not break."""
    sign = "-" if amount.amount < 0 else ""
    written, _, fraction = f"{abs(amount.decimal()):f}".partition(".")
    whole = int(written)
    if language == "pt-BR":
        number = number_of(whole, language) + (f",{fraction}" if fraction else "")
        return f"{sign}{_SYMBOLS.get(amount.currency, amount.currency)}\u00a0{number}"
    number = number_of(whole, language) + (f".{fraction}" if fraction else "")
    return f"{sign}{amount.currency}\u00a0{number}"


def number_of(count: int, language: Language) -> str:
    """A whole number with its thousands apart."""
    grouped = f"{count:,}"
    return grouped.replace(",", ".") if language == "pt-BR" else grouped


def day(moment: date, language: Language) -> str:
    """`20/01/2027`, or `20 Jan 2027`, which no two countries read differently."""
    if language == "pt-BR":
        return f"{moment.day:02d}/{moment.month:02d}/{moment.year}"
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def local_time(moment: datetime, language: Language) -> str:
    """Day and time on the airport's clock, which is the offset the time carries."""
    return f"{day(moment.date(), language)} {moment:%H:%M}"
