"""Delivery's words: which targets there are, and how they fare."""

from typing import ClassVar, Final

from pydantic import AwareDatetime, Field

from shared.contracts.buses import TargetTerms
from shared.contracts.messages import Event, Message

OURS: Final = frozenset(
    (
        "host",
        "content-type",
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "webhook-request-origin",
        "webhook-request-rate",
        "webhook-request-callback",
        "milesaga-attempt",
        "milesaga-replay",
        "traceparent",
        "user-agent",
        "expect",
        "upgrade",
        "te",
        "trailer",
        "keep-alive",
    )
)
"""Headers that a target's own may not set, in small letters; neither may `ce-` ones and `proxy-` ones."""
OURS_BEGIN: Final = ("ce-", "proxy-")


def is_ours(header: str) -> bool:
    """May a target's file not set this header?"""
    small = header.lower()
    return small in OURS or small.startswith(OURS_BEGIN)


class ConfigureTargets(Message):
    """These are a bus's targets from this revision on, all of them; older revisions that come later change nothing, and
    a target that is not named is taken leave of. Owner: delivery. No answer."""

    type: ClassVar[str] = "delivery.configure.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True

    bus: str
    revision: int
    partner: str = Field(description="The bus's owner")
    targets: dict[str, TargetTerms]

    @property
    def subject(self) -> str:
        return self.bus


class ConfigureClients(Message):
    """The subjects of these tokens are a partner's clients from this position on, all of them: what is older and comes
    later changes nothing. There are none of a partner that is no more. Owner: delivery. No answer."""

    type: ClassVar[str] = "delivery.configure_clients.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True

    partner: str
    position: int = Field(description="Greater with each change, also of a partner that was forgotten and made again")
    clients: tuple[str, ...]

    @property
    def subject(self) -> str:
        return self.partner


class TargetFailing(Event):
    """Nothing is sent to a target for a while, because it fails; the copies wait."""

    type: ClassVar[str] = "delivery.target_failing.v1"
    bus: str
    target: str
    since: AwareDatetime
    waiting: int
    fault: str

    @property
    def subject(self) -> str:
        return f"{self.bus}/{self.target}"


class TargetRecovered(Event):
    """A target that failed takes copies again."""

    type: ClassVar[str] = "delivery.target_recovered.v1"
    bus: str
    target: str
    since: AwareDatetime

    @property
    def subject(self) -> str:
        return f"{self.bus}/{self.target}"


class CopyDead(Event):
    """Copies ended in a target's dead letters: so many in a minute, by one fault."""

    type: ClassVar[str] = "delivery.copy_dead.v1"
    bus: str
    target: str
    fault: str
    fingerprint: str
    count: int

    @property
    def subject(self) -> str:
        return f"{self.bus}/{self.target}"
