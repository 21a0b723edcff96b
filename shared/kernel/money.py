"""Money is integer minor units plus an ISO 4217 currency; miles are a type of their own. The two never add."""

from decimal import Decimal
from typing import Annotated, Final, NewType

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from shared.kernel.currencies import decimals

Miles = NewType("Miles", int)
"""A count of loyalty miles."""

MOST_DIGITS: Final = 18
"""No amount has more in front of its point; a number with a huge exponent would fill the memory."""


def _in_use(currency: str) -> str:
    decimals(currency)
    return currency


Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code"), AfterValidator(_in_use)]


class CurrencyMismatch(ValueError):
    """Amounts of two currencies met in one sum."""


class NotAnAmount(ValueError):
    """A number that is no amount of the currency: finer than its minor unit, not finite, or beyond all measure."""


class Money(BaseModel):
    """An amount of minor units (cents) of one currency. Immutable; sums refuse to mix currencies.

    How many minor units make a whole one is the currency's: 100 for BRL, 1 for JPY, 1,000 for KWD.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: Annotated[
        int, Field(description="Minor units: 259990 are 2,599.90 of a currency with two decimals", examples=[259990])
    ]
    currency: Currency

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(amount=0, currency=currency)

    @classmethod
    def of(cls, units: Decimal, currency: str) -> "Money":
        """`Money.of(Decimal("29.90"), "BRL")`: an amount as people and providers write it.

        Nothing is rounded: raises `NotAnAmount` for a fraction finer than the minor unit, `UnknownCurrency`.
        """
        digits = decimals(currency)
        if not units.is_finite() or units.adjusted() >= MOST_DIGITS:
            raise NotAnAmount(f"not an amount of {currency}")
        whole, parts = units.as_integer_ratio()
        minor, finer = divmod(whole * 10**digits, parts)
        if finer:
            raise NotAnAmount(f"more than the {digits} decimals of {currency}")
        return cls(amount=minor, currency=currency)

    def decimal(self) -> Decimal:
        """The amount in whole units, with exactly the currency's decimals: `Decimal("29.90")`, `Decimal("3000")`."""
        return Decimal(f"{self.amount}e-{decimals(self.currency)}")

    def __add__(self, other: "Money") -> "Money":
        return Money(amount=self.amount + self._same(other), currency=self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(amount=self.amount - self._same(other), currency=self.currency)

    def __mul__(self, factor: int) -> "Money":
        return Money(amount=self.amount * factor, currency=self.currency)

    def fits_in(self, other: "Money") -> bool:
        """Is this at most the other amount?"""
        return self.amount <= self._same(other)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch(f"{self.currency} and {other.currency}")
        return other.amount

    def __str__(self) -> str:
        return f"{self.currency} {self.decimal():,f}"
