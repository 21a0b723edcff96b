"""The journal's words: transactions, their entries, and the accounts that entries name.

Double entry: an entry takes miles from one account and brings them to another, so every transaction balances to zero.
Only the member's two accounts are kept anywhere, as lots. The programme's are names on entries, summed by the audit;
kept as documents, every purchase would write them.
"""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from shared.kernel.values import Value

AVAILABLE = "member:available"
HELD = "member:held"
ISSUED = "programme:issued"
REDEEMED = "programme:redeemed"
EXPIRED = "programme:expired"
ADJUSTED = "programme:adjusted"
"""Where miles go that an operator takes away."""

Kind = Literal["accrual", "hold", "redemption", "release", "reversal", "expiry", "transfer"]
Operation = Literal["hold", "release", "redemption", "reversal", "accrual", "expiry", "replacement"]


class Line(Value):
    """Some miles of one lot, with what is needed to make the lot again when it is gone."""

    lot: str
    source: str
    owner: str
    earned_at: AwareDatetime
    expires_at: AwareDatetime
    miles: int


class Entry(Value):
    """One movement. `miles` is signed: what it does to the miles the member can spend."""

    kind: Kind
    miles: int
    debit: str
    """The account the miles leave."""
    credit: str
    """The account they come to."""
    balance_after: int
    """Miles the member can spend afterwards."""


class Transaction(Value):
    """What one operation did to one account; never changed. `sequence` counts an account's transactions from 1.

    A transaction without entries moved nothing: it is on record so that what it forbids stays forbidden.
    """

    schema_version: ClassVar[int] = 1

    id: str
    member_id: str
    sequence: int
    at: AwareDatetime
    operation: Operation
    reference: str | None
    """The purchase, where there is one."""
    entries: tuple[Entry, ...] = ()
    lines: tuple[Line, ...] = ()
    """The lots concerned by a hold or a redemption."""

    def entry_id(self, position: int) -> str:
        return f"{self.id}.{position}"


Past = Mapping[Operation, Transaction]
"""What was done for one purchase: at most one transaction of each operation."""
