"""What a payment is and how it may change: rules, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import AwareDatetime, computed_field

from shared.contracts.steps import Command, StepRefused
from shared.kernel.money import Money
from shared.kernel.pauses import growing
from shared.kernel.values import Value, changed
from shared.worker.work import Saying, Work, slot_of

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
    made_at: datetime | None = field(default=None, compare=False)
    """By the gateway's clock, to the second."""


@dataclass(frozen=True, slots=True)
class WatchTerms:
    """How long, and how often, a refund is looked at after it succeeded: the first time after `first`, then after twice
    as long each time, `longest` at most."""

    lasts: timedelta
    first: timedelta
    longest: timedelta

    def pause(self, looks: int) -> timedelta:
        """After so many looks."""
        return growing(self.first, 2.0, max(self.first, self.longest), looks)


class Refund(Value):
    """Money given back, which the card's bank may still send back to us."""

    undo: Saying
    """The command that was told that it is done."""
    authorizations: tuple[str, ...]
    """Of which money was given back; the gateway's ids."""
    until: AwareDatetime
    look_at: AwareDatetime
    looks: int = 0

    @classmethod
    def of(cls, undo: Command, authorizations: tuple[str, ...], now: datetime, terms: WatchTerms) -> Self:
        return cls(
            undo=Saying.of(undo),
            authorizations=authorizations,
            until=now + terms.lasts,
            look_at=now + terms.pause(0),
        )

    def with_what(self, earlier: Self | None) -> Self:
        """Beside what another step's undo gave back: whoever gave back first is told."""
        if earlier is None or earlier.undo.body["step"] == self.undo.body["step"]:
            return self
        both = dict.fromkeys((*earlier.authorizations, *self.authorizations))
        return changed(self, undo=earlier.undo, authorizations=tuple(both))

    def seen(self, now: datetime, terms: WatchTerms) -> Self | None:
        """It lasts so far. None once it has lasted for good."""
        if now >= self.until:
            return None
        return changed(self, looks=self.looks + 1, look_at=now + terms.pause(self.looks + 1))

    def unseen(self, now: datetime, terms: WatchTerms) -> Self:
        """It could not be looked at, so its time is not over yet."""
        return changed(self, look_at=now + terms.pause(0))


class WrongTransition(Exception):
    """A payment was asked to become what it cannot become any more."""


class Payment(Work):
    """The one payment of a purchase; its id is the purchase's."""

    status: Literal["none", "authorized", "captured", "voided", "refunded"] = "none"
    authorization: str = ""
    """The gateway's id."""
    amount: Money | None = None
    masked: str = ""
    authorized_at: AwareDatetime | None = None
    """By the gateway's clock; None in what an older release stored."""
    refund: Refund | None = None
    """While it may fail."""

    @property
    def look_at(self) -> datetime | None:
        """When the gateway is to be asked whether the money is still given back."""
        return self.refund.look_at if self.refund else None

    @computed_field  # type: ignore[prop-decorator]  # stored, because an index walks it
    @property
    def held_since(self) -> str | None:
        """Since when money is held, as text that sorts by time; None where none is."""
        if self.status != "authorized" or self.authorized_at is None:
            return None
        return self.authorized_at.astimezone(UTC).isoformat(timespec="milliseconds")

    def authorized(self, found: Authorization) -> Changes:
        """The money is held; also anew, after an earlier attempt was let go."""
        self._leave("none", "voided", "refunded")
        return {
            "status": "authorized",
            "authorization": found.id,
            "amount": found.amount,
            "masked": found.masked,
            "authorized_at": found.made_at,
        }

    def captured(self) -> Changes:
        """The held money is ours."""
        self._leave("authorized")
        return {"status": "captured"}

    def let_go(self, refund: Refund | None) -> Changes:
        """Nothing is held and nothing kept: the authorisation was voided, or what was captured is given back."""
        if refund is None:
            return {"status": "refunded" if self.status == "refunded" else "voided"}
        return {"status": "refunded", "refund": refund.with_what(self.refund)}

    def kept_after_all(self) -> tuple[Self, StepRefused | None]:
        """The refund failed after it had succeeded: the money is ours again, and whoever was told otherwise is told so.

        None is told where a newer attempt has begun, which finds that out by itself.
        """
        undo = self.refund.undo.message() if self.refund else None
        if not isinstance(undo, Command):
            raise WrongTransition(f"the payment is {self.status}, and no refund is on record")
        log = self.log(slot_of(undo))
        if log.attempt != undo.attempt:
            return changed(self, refund=None), None
        answer = StepRefused.to(undo, code="refund_failed", detail="the card's bank sent the refund back")
        status = "captured" if self.status == "refunded" else self.status
        return self.with_log(slot_of(undo), log.refused(undo, answer), status=status, refund=None), answer

    def may_be_held_twice(self) -> bool:
        """Was a step called more than once? Of a call given up as without effect the gateway may think better.

        Beside the rules' own question (`shared/worker/rules.py: _may_have_a_second`) and not instead of it: that one is
        asked once, when the authorisation's effect is put on record, of that step's log. A call may have its effect
        after that was tidied up, and then nothing happens to the step any more that the rules could react to. The
        capture is the next happening of the purchase and another step's, so payment asks of all logs before it tells
        that the money was taken.
        """
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
