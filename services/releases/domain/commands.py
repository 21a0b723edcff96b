"""What somebody, or the clock, wants. Each says who, and by which way it came."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, TypeAlias

from services.releases.domain.policy import Matching
from services.releases.domain.windows import Span


@dataclass(frozen=True, slots=True)
class By:
    """`person`: an id of the file of people, or a stranger's; `via`: the way."""

    person: str
    via: str


@dataclass(frozen=True, slots=True)
class Ask:
    """May this be done? `digest` is of the payload, `asked` of all that is asked; `reason` and `body` are texts' salted
    hashes."""

    id: str
    by: By
    action: str
    environment: str
    target: str
    digest: str
    asked: str
    reason: str = ""
    initiator: str = ""
    authors: tuple[str, ...] = ()
    window: Span = field(default_factory=Span)
    replaces: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True)
class Approve:
    by: By
    digest: str


@dataclass(frozen=True, slots=True)
class Deny:
    by: By
    digest: str
    reason: str


@dataclass(frozen=True, slots=True)
class Withdraw:
    by: By


@dataclass(frozen=True, slots=True)
class Revoke:
    by: By
    reason: str


@dataclass(frozen=True, slots=True)
class AskForGrant:
    """`jti` is the name of the grant that would be given."""

    by: By
    digest: str
    jti: str


@dataclass(frozen=True, slots=True)
class Redeem:
    """The grant's own words, whose signature was checked, and what is about to run. `key` names the attempt: the same
    one again gets the same answer. `execution` is the name it would have."""

    by: By
    jti: str
    digest: str
    target: str
    key: str
    execution: str
    environment: str = ""
    """Where it is about to run; empty where nobody but the asker knows."""


@dataclass(frozen=True, slots=True)
class Outcome:
    by: By
    execution: str
    exit_code: int
    summary: str = ""


@dataclass(frozen=True, slots=True)
class BreakTheGlass:
    by: By
    digest: str
    incident: str
    reason: str
    jti: str


@dataclass(frozen=True, slots=True)
class Look:
    """A review of what was done with broken glass."""

    by: By
    verdict: Literal["accepted", "rejected"]
    reason: str


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock: whatever is due."""


@dataclass(frozen=True, slots=True)
class ReadRules:
    """The process has read its files."""


@dataclass(frozen=True, slots=True)
class SetFreeze:
    by: By
    id: str
    match: Matching
    start: datetime | None
    end: datetime | None
    reason: str


@dataclass(frozen=True, slots=True)
class Thaw:
    """`redeemed` is the request whose grant allowed it, empty where nothing is gated."""

    by: By
    id: str
    redeemed: str = ""


@dataclass(frozen=True, slots=True)
class Deactivate:
    by: By
    person: str
    reason: str


@dataclass(frozen=True, slots=True)
class DoSingly:
    """One act of a gated kind, as usual work: nobody agrees, and it is on record. `act` says which, as its letter's
    handle does."""

    by: By
    action: str
    environment: str
    target: str
    act: str


OfRequest: TypeAlias = (
    Ask | Approve | Deny | Withdraw | Revoke | AskForGrant | Redeem | Outcome | BreakTheGlass | Look | Tick
)
OfAll: TypeAlias = ReadRules | SetFreeze | Thaw | Deactivate | DoSingly
Command: TypeAlias = OfRequest | OfAll


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not. `told` are further members for programs, such as the request that stands in the way."""

    code: str
    detail: str
    told: Mapping[str, Any] = field(default_factory=dict)
