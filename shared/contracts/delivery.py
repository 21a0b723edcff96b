"""Delivery's words: how targets fare."""

from typing import ClassVar

from pydantic import AwareDatetime

from shared.contracts.messages import Event


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
