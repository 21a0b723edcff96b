"""What the archive is told, and what it tells."""

from typing import Any, ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.journey import Part
from shared.contracts.messages import Event, Message
from shared.contracts.positions import Position

LARGEST_PART = 512 * 1024
"""Bytes of entries in one message: one event more may stand in it, and it is still read."""


class ArchivedEvent(Part):
    """An accepted event. `hubid` is the name it was given at its acceptance, and orders all of them by time."""

    model_config = Part.model_config | {"json_schema_serialization_defaults_required": True}

    hubid: str = Field(description="The hub's name for it")
    at: AwareDatetime = Field(description="When it was accepted")
    partner: str = Field(description="Whose it is")
    via: Literal["http", "amqp"] = Field(description="How it came")
    event: dict[str, Any] = Field(
        description="The CloudEvent, as JSON",
        examples=[{"specversion": "1.0", "id": "4711", "source": "/x", "type": "a.b.v1"}],
    )
    position: Position | None = Field(default=None, description="Its place, where its type has an order")


class Page(Message):
    """Events that were accepted together, all of one class of keeping. `part` of `parts`: a large page comes in several
    messages."""

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


class KeepPage(Page):
    """Keep accepted events for as long as their class says. Idempotent: readers know an event by its hubid, so a page
    may come several times. Owner: archive. No answer."""

    type: ClassVar[str] = "archive.keep_page.v1"


class RoutedCopy(Part):
    """That an event was wanted by a target, and which rules said so; the first decided what it is sent. A copy that was
    only counted (`shadow`) went nowhere."""

    hubid: str
    bus: str
    revision: int
    rules: tuple[str, ...]
    target: str
    shadow: bool = False


class UndecidedEvent(Part):
    """That the rules of a bus had too much work with an event: it made no copies of it."""

    hubid: str
    bus: str
    revision: int


class Routed(Part):
    """What became of one part of a page in the router, or of some of its events. Each is among `copies`, `undecided` or
    `unwanted`, or in another message about the part; what is nowhere was not routed."""

    page: str
    part: int
    at: AwareDatetime
    events: int = Field(description="How many it had")
    copies: tuple[RoutedCopy, ...]
    undecided: tuple[UndecidedEvent, ...] = ()
    unwanted: tuple[str, ...] = Field(default=(), description="The hubids of those that no rule wanted")


class Attempt(Part):
    """One try to deliver one copy, or its end. `outcome` `delivered`, `dead`, `skipped` and `discarded` are ends;
    `refused`, `failed` and `redriven` are not."""

    deliveryid: str
    hubid: str
    bus: str
    target: str
    at: AwareDatetime
    ms: int = Field(description="How long it took")
    attempt: int = Field(description="1 for the first")
    outcome: Literal["delivered", "refused", "failed", "dead", "skipped", "discarded", "redriven"]
    status: int | None = Field(default=None, description="HTTP's, where there was an answer")
    fault: str | None = Field(default=None, description="What went wrong, in a word")
    replay: str | None = None


class KeepRecords(Message):
    """Keep what was routed, and what was tried, for as long as records are kept. Readers know a record by what it says,
    so it may come several times. Owner: archive. No answer."""

    type: ClassVar[str] = "archive.keep_records.v1"
    exchange: ClassVar[str] = "commands"
    mandatory: ClassVar[bool] = True

    batch: str = Field(description="Of the sender's making")
    routed: tuple[Routed, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    @property
    def subject(self) -> str:
        return self.batch


class MinuteOfEvents(Part):
    """How many events of a partner and a class of keeping were accepted in a minute; hub and archive count alike."""

    partner: str = Field(description="Whose they are")
    keep: str = Field(description="Their class of keeping", examples=["forever"])
    minute: AwareDatetime = Field(description="When the minute begins")
    events: int = Field(description="How many")


class Kept(Part):
    """Whether an event is in the archive, as other services ask."""

    hubid: str
    archived: bool


class WantedEvent(Part):
    """An event by the name that its partner gave it, as other services ask for it at `/internal/archive/named`."""

    partner: str
    event_id: str


class Named(Part):
    """The hub's name for it; None where it is not kept. Of several, since a partner may use an id again when its
    time is over, that of the newest."""

    hubid: str | None = None


class Contents(Part):
    """An archived event whole, and its class of keeping, as other services ask at
    `/internal/archive/events/{hubid}/contents`."""

    keep: str
    event: ArchivedEvent


class Records(Part):
    """What is on record of one event, as other services ask at `/internal/archive/records/{hubid}`: in the order in
    which it was said, each once. Nothing is there before it is routed, nor when its time is over."""

    hubid: str
    routed: tuple[RoutedCopy, ...] = ()
    undecided: tuple[UndecidedEvent, ...] = ()
    unwanted: bool = Field(default=False, description="Was it routed, and no rule wanted it?")
    attempts: tuple[Attempt, ...] = ()

    @property
    def is_routed(self) -> bool:
        """Copies of replays are none of the router's."""
        return bool(self.routed or self.undecided or self.unwanted)


Stands = Literal["waiting", "retrying", "delivered", "dead", "skipped", "discarded"]
"""How a delivery stands: `waiting` where nothing was tried yet, or nobody tells."""


class ReplayEnded(Event):
    """A replay is over: `done`, `cancelled` or `failed`; `copies` had been sent as far as was noted by then."""

    type: ClassVar[str] = "archive.replay_ended.v1"
    replay: str
    name: str
    state: Literal["done", "cancelled", "failed"]
    targets: tuple[str, ...]
    copies: int
    reason: str = ""

    @property
    def subject(self) -> str:
        return self.replay
