"""What every message between services has in common.

A message is a pydantic model that knows its `type` (`owner.name.v1`), written once, on the class. Its kind decides the
exchange it travels through. Around it goes a CloudEvents 1.0 envelope; on AMQP that is the binary content mode: the
attributes are headers, the body is the model's JSON. Source: CloudEvents AMQP Protocol Binding 1.0.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

T = TypeVar("T")

PERSONAL = "personal"
Personal = Annotated[T, Field(repr=False), PERSONAL]
"""A field about a person: it stays out of `repr`, and so out of logs and dead letters' reasons."""

PREFIXES = ("cloudEvents:", "cloudEvents_")
LONGEST_ATTRIBUTE = 1_024
REQUIRED = ("specversion", "id", "source", "type")
ATTRIBUTES = (*REQUIRED, "time", "correlationid", "causationid", "traceparent")
CONTENT_TYPE = "application/json"


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

    @property
    def subject(self) -> str:
        """What the message is about: messages of one subject are handled one after another within a process."""
        raise NotImplementedError


class StepMessage(Message):
    """A message about one step of one purchase. (purchase, step, part, attempt) identify it, and its repetitions."""

    purchase_id: str
    step: str
    part: str = ""
    attempt: int = Field(default=1, ge=1)

    @property
    def subject(self) -> str:
        return self.purchase_id


class Command(StepMessage):
    """An order to one service, which answers done or refused; the same identity always gets the same final answer."""

    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True
    undo: ClassVar[bool] = False

    expires_at: AwareDatetime | None = None
    """Later than this the order is refused, whatever delayed it."""


class Undo(Command):
    """An order to take back a step. It also holds when the step never came: then it fences the step off for good."""

    undo: ClassVar[bool] = True


class Answer(StepMessage):
    """What became of a command: done, with what the purchase keeps of it, unless it is `StepRefused`."""

    exchange: ClassVar[str] = "answers"
    mandatory: ClassVar[bool] = True

    undo: bool = False
    """Does it answer the step's undo?"""

    @classmethod
    def to(cls, command: Command, **fields: Any) -> Self:
        """The answer that carries its command's identity."""
        return cls(
            purchase_id=command.purchase_id,
            step=command.step,
            part=command.part,
            attempt=command.attempt,
            undo=command.undo,
            **fields,
        )


class StepRefused(Answer):
    """The step was not done and will not be: `code` for programs, `detail` for people. Any service may say it."""

    type: ClassVar[str] = "saga.step_refused.v1"

    code: str
    detail: str


class StepUndone(Answer):
    """Nothing of the step is in force any more, and nothing of it can come late. Any service may say it."""

    type: ClassVar[str] = "saga.step_undone.v1"


class Event(Message):
    """Something that happened, for whoever listens; outsiders may. No personal data: ids stay opaque."""

    exchange: ClassVar[str] = "events"
    mandatory: ClassVar[bool] = False


class PublicMessage(Message):
    """Something an outsider may say to us, through the one exchange open to them."""

    exchange: ClassVar[str] = "public"
    mandatory: ClassVar[bool] = True


@dataclass(frozen=True, slots=True)
class Envelope:
    """The CloudEvents attributes of one message, with ours: correlation (the purchase), causation, trace."""

    id: str
    source: str
    type: str
    time: datetime | None = None
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""

    def headers(self) -> dict[str, str]:
        """As AMQP headers; empty attributes are left out."""
        attributes = {
            "specversion": "1.0",
            "id": self.id,
            "source": self.source,
            "type": self.type,
            "time": self.time.isoformat() if self.time else "",
            "correlationid": self.correlation_id,
            "causationid": self.causation_id,
            "traceparent": self.traceparent,
        }
        return {f"cloudEvents:{name}": value for name, value in attributes.items() if value}

    @classmethod
    def of(cls, headers: Mapping[str, Any]) -> Self:
        """Read back from AMQP headers, `cloudEvents:` or `cloudEvents_`.

        Raises ValueError naming the first attribute that is missing or wrong.
        """
        found = {name: text_of(value) for name in ATTRIBUTES if (value := _attribute(headers, name)) is not None}
        for name, value in found.items():
            if len(value) > LONGEST_ATTRIBUTE:
                raise ValueError(f"header cloudEvents:{name} has {len(value)} characters, at most {LONGEST_ATTRIBUTE}")
        for name in REQUIRED:
            if not found.get(name):
                raise ValueError(f"header cloudEvents:{name} is missing")
        if found["specversion"] != "1.0":
            raise ValueError(f"header cloudEvents:specversion is {found['specversion'][:20]!r}, expected '1.0'")
        return cls(
            id=found["id"],
            source=found["source"],
            type=found["type"],
            time=_time(found.get("time", "")),
            correlation_id=found.get("correlationid", ""),
            causation_id=found.get("causationid", ""),
            traceparent=found.get("traceparent", ""),
        )


def _attribute(headers: Mapping[str, Any], name: str) -> Any:
    first, second = PREFIXES
    value = headers.get(first + name)
    return headers.get(second + name) if value is None else value


def text_of(value: Any) -> str:
    """A header's value as text; brokers and clients write bytes as well."""
    if type(value) is str:
        return value
    return value.decode("utf-8", "replace") if isinstance(value, bytes | bytearray) else str(value)


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"header cloudEvents:time is {text[:40]!r}, expected RFC 3339") from error
