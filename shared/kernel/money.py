"""Money is integer minor units plus an ISO 4217 currency; miles are a type of their own. The two never add."""

from typing import Annotated, NewType

from pydantic import BaseModel, ConfigDict, Field

Miles = NewType("Miles", int)
"""A count of loyalty miles."""

Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")]


class CurrencyMismatch(ValueError):
    """Amounts of two currencies met in one sum."""


class Money(BaseModel):
    """An amount of minor units (cents) of one currency. Immutable; sums refuse to mix currencies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    amount: int
    currency: Currency

    @classmethod
    def zero(cls, currency: str) -> "Money":
        return cls(amount=0, currency=currency)

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
        return f"{self.currency} {self.amount / 100:,.2f}"
