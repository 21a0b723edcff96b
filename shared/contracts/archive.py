"""What the archive is told, and what it tells."""

from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.journey import Part
from shared.contracts.messages import Message

LARGEST_PART = 512 * 1024
"""Bytes of entries in one message: one event more may stand in it, and it is still read."""


class ArchivedEvent(Part):
    """An accepted event. `hubid` is the name it was given at its acceptance, and orders all of them by time."""

    hubid: str = Field(description="The hub's name for it")
    at: AwareDatetime = Field(description="When it was accepted")
    partner: str = Field(description="Whose it is")
    via: Literal["http", "amqp"] = Field(description="How it came")
    event: dict[str, Any] = Field(
        description="The CloudEvent, as JSON",
        examples=[{"specversion": "1.0", "id": "4711", "source": "/x", "type": "a.b.v1"}],
    )


class KeepPage(Message):
    """Keep accepted events for as long as their class says. Idempotent: readers know an event by its hubid, so a page
    may come several times. `part` of `parts`: a large page comes in several messages. Owner: archive. No answer."""

    type: ClassVar[str] = "archive.keep_page.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True

    page: str
    part: int
    parts: int
    keep: str = Field(examples=["forever"])
    events: tuple[ArchivedEvent, ...]

    @property
    def subject(self) -> str:
        return self.page


class Kept(Part):
    """Whether an event is in the archive, as other services ask."""

    hubid: str
    archived: bool
