"""What a payment is and how it may change: rules, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from shared.kernel.money import Money
from shared.worker.work import Work

Changes = Mapping[str, Any]
"""The fields of a payment that a transition replaces."""


class Standing(StrEnum):
    """Where an authorisation stands at the gateway."""

    REQUIRES_ACTION = "requires_action"
    """The cardholder must authenticate (3-D Secure); no money is held."""
    PENDING = "pending"
    AUTHORIZED = "authorized"
    """The money is held and can be captured or let go."""
    CAPTURED = "captured"
    CANCELED = "canceled"
    EXPIRED = "expired"
    """The gateway let go of the money by itself, because nobody took it within the authorisation's life."""
    FAILED = "failed"
    """Declined; no money is held."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """One authorisation as the gateway tells it. `attempt` is the purchase's attempt it was made for."""

    id: str
    attempt: int
    standing: Standing
    amount: Money
    masked: str = ""
    failure: str = ""
    """Why it was declined, in the contract's codes; empty unless `FAILED`."""


class WrongTransition(Exception):
    """A payment was asked to become what it cannot become any more."""


class Payment(Work):
    """The one payment of a purchase; its id is the purchase's."""

    status: Literal["none", "authorized", "captured", "voided", "refunded"] = "none"
    authorization: str = ""
    """The gateway's id."""
    amount: Money | None = None
    masked: str = ""

    def authorized(self, found: Authorization) -> Changes:
        """The money is held; also anew, after an earlier attempt was let go."""
        self._leave("none", "voided", "refunded")
        return {
            "status": "authorized",
            "authorization": found.id,
            "amount": found.amount,
            "masked": found.masked,
        }

    def captured(self) -> Changes:
        """The held money is ours."""
        self._leave("authorized")
        return {"status": "captured"}

    def let_go(self, *, refunded: bool) -> Changes:
        """Nothing is held and nothing kept: the authorisation was voided, or what was captured is given back."""
        return {"status": "refunded" if refunded or self.status == "refunded" else "voided"}

    def may_be_held_twice(self) -> bool:
        """Was a step called more than once? Of a call given up as without effect the gateway may think better."""
        return any(log.calls > 1 or log.attempt > 1 for log in self.steps.values())

    def can_capture(self, amount: Money) -> bool:
        """Is so much held?"""
        return (
            self.status == "authorized"
            and self.amount is not None
            and self.amount.currency == amount.currency
            and 0 < amount.amount <= self.amount.amount
        )

    def _leave(self, *statuses: str) -> None:
        if self.status not in statuses:
            raise WrongTransition(f"the payment is {self.status}, expected {' or '.join(statuses)}")


def masked(brand: str, last4: str) -> str:
    """How a receipt may name a card, such as `visa •••• 4242`; empty when the gateway does not say."""
    return f"{brand} •••• {last4}" if brand and last4 else ""
