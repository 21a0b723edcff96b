"""What every message between services has in common.

A message is a pydantic model that knows its `type` (`owner.name.v1`), written once, on the class. Its kind decides the
exchange it travels through.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field

T = TypeVar("T")

PERSONAL = "personal"
Personal = Annotated[T, Field(repr=False), PERSONAL]
"""A field about a person: it stays out of `repr`, and so out of logs and dead letters' reasons."""


class Message(BaseModel):
    """One thing said between services. Unknown fields are ignored, so that an addition needs no ceremony."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    type: ClassVar[str]
    exchange: ClassVar[str]
    mandatory: ClassVar[bool]

    @classmethod
    def owner(cls) -> str:
        """The service whose word this is."""
        return cls.type.split(".", 1)[0]

    @classmethod
    def read(cls, body: bytes) -> Self:
        """What a body of JSON says. Raises pydantic's ValidationError."""
        return cls.model_validate_json(body)

    @property
    def subject(self) -> str:
        """What the message is about: messages of one subject are handled one after another within a process."""
        raise NotImplementedError


class Event(Message):
    """Something that happened, for whoever listens; outsiders may. No personal data: ids stay opaque."""

    exchange: ClassVar[str] = "events"
    mandatory: ClassVar[bool] = False


class PublicMessage(Message):
    """Something an outsider may say to us, through the one exchange open to them."""

    exchange: ClassVar[str] = "public"
    mandatory: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class OutboxMessage:
    """A message saved together with the state that causes it, and published afterwards.

    `id` names the message for good: saved again under the same id it is the same message, and clearing it clears both.
    `body` is JSON text in UTF-8; `mandatory` asks the broker to return what no queue takes; `saved_at` is aware, kept
    to the millisecond, rounded down.
    """

    id: str
    exchange: str
    routing_key: str
    headers: Mapping[str, str]
    body: bytes
    mandatory: bool
    saved_at: datetime
