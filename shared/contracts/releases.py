"""What is told of releases: who asked, who agreed, what ran. Persons are opaque ids."""

from typing import ClassVar

from shared.contracts.journey import Part
from shared.contracts.messages import Event


class ReleaseEvent(Event):
    """Something happened to a request. `actor` is empty where it was the clock; `log_index` is the place of the entry
    in the log, which proves it."""

    request_id: str
    action: str
    environment: str
    target: str
    digest: str
    actor: str
    log_index: int

    @property
    def subject(self) -> str:
        return self.request_id


class ReleaseRequested(ReleaseEvent):
    """Somebody asks others to agree."""

    type: ClassVar[str] = "releases.requested.v1"


class ReleaseApproved(ReleaseEvent):
    """All seats are filled; `actor` took the last."""

    type: ClassVar[str] = "releases.approved.v1"


class ReleaseDenied(ReleaseEvent):
    """Somebody objected, before anything was granted or after."""

    type: ClassVar[str] = "releases.denied.v1"


class ReleaseExpired(ReleaseEvent):
    """Nobody agreed in time, or what was agreed was not used in time."""

    type: ClassVar[str] = "releases.expired.v1"


class ReleaseWithdrawn(ReleaseEvent):
    """Whoever asked needs it no more."""

    type: ClassVar[str] = "releases.withdrawn.v1"


class ReleaseSuperseded(ReleaseEvent):
    """A newer request took its place."""

    type: ClassVar[str] = "releases.superseded.v1"


class ReleaseGranted(ReleaseEvent):
    """A grant was given, good for ten minutes and once."""

    type: ClassVar[str] = "releases.granted.v1"


class ReleaseExecuted(ReleaseEvent):
    """It ran; `exit_code` as it was told."""

    type: ClassVar[str] = "releases.executed.v1"
    exit_code: int


class ReleaseBrokeGlass(ReleaseEvent):
    """Somebody went ahead without anybody's approval, because of `incident`; others must look at it."""

    type: ClassVar[str] = "releases.broke_glass.v1"
    incident: str


class ReleaseReviewOverdue(ReleaseEvent):
    """Nobody has looked in time at what was done with broken glass."""

    type: ClassVar[str] = "releases.review_overdue.v1"


class ReleaseCheckpoint(Event):
    """How far the log has come, signed: keep `note` where we cannot reach it. `root` is in hexadecimal."""

    type: ClassVar[str] = "releases.checkpoint.v1"
    origin: str
    size: int
    root: str
    note: str

    @property
    def subject(self) -> str:
        return self.origin


class GrantShown(Part):
    """What another service was shown, and what is about to be done with it there. `key` names the attempt: the same one
    again gets the same answer. `subject` is that of the token that came with it."""

    grant: str
    action: str
    target: str
    digest: str
    key: str
    subject: str
    environment: str


class GrantRedeemed(Part):
    """It may be done now, once."""

    request: str
    execution: str


class ActEnded(Part):
    """How what was redeemed has ended."""

    request: str
    execution: str
    subject: str
    well: bool


class GrantRefused(Part):
    """It may not be done; `code` is that of a problem."""

    code: str
    detail: str
