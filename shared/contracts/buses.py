"""A bus as its file says it: what it admits, its rules, its targets. The hub keeps it, the archive replays by it, and
delivery is told of its targets."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field, StrictBool, StrictInt, model_validator

from shared.contracts.journey import Part

NAME: Final = r"^[a-z][a-z0-9-]{0,40}$"
"""Of buses, rules and targets."""
Name = Annotated[str, Field(pattern=NAME, examples=["fuel"])]
DURATION: Final = r"^[1-9][0-9]{0,5}[smhd]$"
Duration = Annotated[str, Field(pattern=DURATION, description="A number and s, m, h or d", examples=["24h"])]
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
BY_KEY: Final = "by-key"
MOST_BUSES: Final = 1_000
"""Names, also of those that were deleted, which go on counting their revisions: beyond them none is made."""
LISTED: Final = MOST_BUSES + 500
"""Whoever looks reads all, also those that were made at the same moment: a bus that is not read goes nowhere."""
MOST_RULES: Final = 200
MOST_TARGETS: Final = 64
Signature = Literal["hmac", "ed25519"]
Kind = Literal["webhook", "queue", "service", "feed"]
KINDS: Final[tuple[Kind, ...]] = ("webhook", "queue", "service", "feed")
WITH_QUEUES: Final[frozenset[Kind]] = frozenset(("webhook", "queue"))
"""Kinds of targets that have a queue of their own."""


def duration(text: str) -> timedelta:
    """What `24h` says."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


class TargetTerms(Part):
    """Where copies go, and how. Exactly one of `webhook`, `queue`, `service` and `feed` is given."""

    model_config = Part.model_config | {"extra": "forbid"}

    webhook: Annotated[
        Annotated[str, Field(min_length=1, max_length=2_000)] | None, Field(description="Posted to this URL")
    ] = None
    queue: Annotated[Literal[True] | None, Field(description="Left in a queue of its own, which the partner reads")] = (
        None
    )
    service: Annotated[
        Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")] | None,
        Field(description="Given to a service of the house; operators only"),
    ] = None
    feed: Annotated[Literal[True] | None, Field(description="Read from the archive, in order")] = None
    format: Annotated[Literal["structured", "binary", "data"], Field(description="CloudEvents' modes, or data")] = (
        "structured"
    )
    signature: Annotated[Signature, Field(description="How a webhook's requests are signed")] = "hmac"
    headers: dict[str, Annotated[str, Field(max_length=1_000)]] = Field(
        default_factory=dict, max_length=20, description="More headers for a webhook"
    )
    rate: Annotated[
        Annotated[StrictInt, Field(ge=1, le=100_000)] | None, Field(description="Copies a second, at most")
    ] = None
    burst: Annotated[
        Annotated[StrictInt, Field(ge=1, le=100_000)] | None, Field(description="Copies at once after a rest")
    ] = None
    concurrency: Annotated[StrictInt, Field(ge=1, le=64, description="Requests under way", examples=[8])] = 8
    timeout: Annotated[StrictInt, Field(ge=1, le=30, description="Seconds for a request", examples=[15])] = 15
    order: Annotated[Literal["none", "by-key"], Field(description="Whether the copies of a key stay in order")] = "none"
    on_dead: Annotated[Literal["block", "skip"], Field(description="What an ordered key does at a dead copy")] = "block"
    retry_for: Annotated[Duration, Field(description="How long a copy is tried, such as 24h", examples=["24h"])] = "24h"
    pause_cap: Annotated[
        Duration, Field(description="The longest pause between two tries, such as 1h", examples=["1h"])
    ] = "1h"

    @model_validator(mode="after")
    def _one_kind(self) -> "TargetTerms":
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(KINDS)} is expected, found {', '.join(given) or 'none'}")
        return self

    @property
    def kind(self) -> Kind:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class RuleTerms(Part):
    """Which events go to which targets. `when` is a pattern of the rules' language, `template` one of its templates."""

    model_config = Part.model_config | {"extra": "forbid", "populate_by_name": True}

    name: Annotated[str, Field(pattern=NAME, description="No other rule of the bus has it", examples=["qualifying"])]
    when: Annotated[
        dict[str, Any],
        Field(
            description="A pattern of the rules' language",
            examples=[{"data": {"total": {"amount": [{"numeric": [">=", 3000]}]}}}],
        ),
    ]
    to: Annotated[
        tuple[Name, ...],
        Field(min_length=1, max_length=MOST_TARGETS, description="Names of targets", examples=[["coles-bi"]]),
    ]
    template: Annotated[Any, Field(description="What is sent instead of the data; null sends the data")] = None
    as_type: Annotated[str | None, Field(alias="as", description="Another type for the copy; operators only")] = None
    mode: Annotated[
        Literal["on", "shadow", "off"], Field(description="Whether it sends, is only counted, or is left out")
    ] = "on"
    share: Annotated[
        StrictInt, Field(ge=1, le=100, description="Per cent of the events, by their hubid", examples=[100])
    ] = 100


class BusTerms(Part):
    """A bus, whole, as a file has it. It looks at its owner's events, and at those of others where operators say so."""

    model_config = Part.model_config | {"extra": "forbid"}

    partner: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$", description="Its owner", examples=["coles"])]
    publishers: Annotated[
        tuple[Annotated[str, Field(pattern=r"^([a-z][a-z0-9-]{1,40}|\*)$")], ...],
        Field(max_length=50, description="Others whose events it looks at, or `*` for all; operators only"),
    ] = ()
    admits: dict[str, Any] = Field(
        default_factory=dict,
        description="A pattern; an empty one admits everything",
        examples=[{"type": ["retail.receipt.issued.v1"]}],
    )
    rules: Annotated[tuple[RuleTerms, ...], Field(max_length=MOST_RULES, description="In their order")] = ()
    targets: dict[Name, TargetTerms] = Field(
        default_factory=dict,
        max_length=MOST_TARGETS,
        description="By name",
        json_schema_extra={"additionalProperties": False},
        examples=[{"coles-bi": {"webhook": "https://bi.coles.example/hook"}}],
    )
    enabled: Annotated[StrictBool, Field(description="Whether it routes anything")] = True


def mark_of(bus: str, revision: int) -> str:
    """What changes with every revision of a bus, so that whoever keeps buses looks at it alone."""
    return f"{bus}:{revision}"


def marked(text: str) -> tuple[str, int]:
    """The bus and the revision that a mark says."""
    bus, _, revision = text.rpartition(":")
    return bus, int(revision)


def newest(marks: Iterable[object]) -> dict[str, int]:
    """What each of the marks says: revisions by buses, and whatever else is marked so."""
    return dict(marked(str(mark)) for mark in marks)


class BusRevision(Part):
    """One revision of a bus, as other services are told of it."""

    bus: str
    revision: int
    terms: BusTerms
    ordered: dict[str, int] = Field(default_factory=dict)
    """Targets that keep keys in order, with the revision since which they do; of a revision that is in force."""
    owned_since: int | None = None
    owned_at: AwareDatetime | None = None
    """By which revision, and when, it became its owner's; of one that is in force."""
