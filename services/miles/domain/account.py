"""A member's account: lots of miles, and what is held of them."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import ClassVar, Literal

from pydantic import AwareDatetime, computed_field

from services.miles.domain.journal import Line, Transaction
from shared.kernel.values import Value, changed

Tier = Literal["member", "silver", "gold", "diamond"]


class Lot(Value):
    """Miles that were earned and will expire together. 0 <= held <= remaining <= amount."""

    id: str
    owner: str
    source: str
    earned_at: AwareDatetime
    expires_at: AwareDatetime
    amount: int
    remaining: int
    held: int = 0

    @property
    def free(self) -> int:
        """Neither spent nor held. Those of an expired lot count for nothing."""
        return self.remaining - self.held

    @property
    def order(self) -> tuple[datetime, datetime, str]:
        """First to expire first."""
        return self.expires_at, self.earned_at, self.id

    def line(self, miles: int) -> Line:
        return Line(
            lot=self.id,
            source=self.source,
            owner=self.owner,
            earned_at=self.earned_at,
            expires_at=self.expires_at,
            miles=miles,
        )


class Hold(Value):
    """Miles set aside for a purchase. It has no clock: release or commit ends it."""

    reference: str
    at: AwareDatetime
    lines: tuple[Line, ...]

    @property
    def miles(self) -> int:
        return sum(line.miles for line in self.lines)


class Account(Value):
    """One member's miles. Small, however much was bought: what is over lies in the journal."""

    schema_version: ClassVar[int] = 1

    id: str
    """The member's id."""
    listed_as: str | None = None
    """The member's id once the account is open: what accounts are listed by."""
    opened_at: AwareDatetime | None = None
    """None while nobody has opened it: such an account has no miles, but remembers what must not happen any more."""
    tier: Tier = "member"
    lots: tuple[Lot, ...] = ()
    """With miles remaining, first to expire first."""
    holds: tuple[Hold, ...] = ()
    sequence: int = 0
    """Transactions so far."""
    recent: tuple[Transaction, ...] = ()
    """The newest transactions, on their way to the journal."""

    @computed_field  # type: ignore[prop-decorator]  # stored, because an index walks it
    @property
    def held_since(self) -> str | None:
        """When the oldest hold began, as text that sorts by time; None where nothing is held."""
        oldest = min((hold.at for hold in self.holds), default=None)
        return oldest.astimezone(UTC).isoformat(timespec="milliseconds") if oldest else None

    @property
    def free(self) -> int:
        """What the entries say the member can spend: expired lots count until their expiry is posted."""
        return sum(lot.free for lot in self.lots)

    @property
    def held(self) -> int:
        return sum(lot.held for lot in self.lots)

    def available(self, now: datetime) -> int:
        """Miles the member can spend."""
        return sum(lot.free for lot in self.lots if lot.expires_at > now)

    def hold_of(self, reference: str) -> Hold | None:
        return next((hold for hold in self.holds if hold.reference == reference), None)

    def next_expiry(self) -> datetime | None:
        """When miles next expire; held ones do not."""
        return min((lot.expires_at for lot in self.lots if lot.free), default=None)

    def without(self, moved: Iterable[Transaction]) -> "Account":
        """The account after transactions have been written to the journal."""
        gone = {transaction.id for transaction in moved}
        return changed(self, recent=tuple(kept for kept in self.recent if kept.id not in gone))
