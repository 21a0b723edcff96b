"""A bus as its file says it: what it admits, its rules, its targets. The hub keeps it, the archive replays by it, and
delivery is told of its targets."""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator

from shared.contracts.journey import Part

NAME: Final = r"^[a-z][a-z0-9-]{0,40}$"
"""Of buses, rules and targets."""
Name = Annotated[str, Field(pattern=NAME, examples=["fuel"])]
DURATION: Final = r"^[1-9][0-9]{0,5}[smhd]$"
Duration = Annotated[str, Field(pattern=DURATION, description="A number and s, m, h or d", examples=["24h"])]
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
MOST_RULES: Final = 200
MOST_TARGETS: Final = 64
KINDS: Final = ("webhook", "queue", "service", "feed")


def duration(text: str) -> timedelta:
    """What `24h` says."""
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})


class TargetTerms(Part):
    """Where copies go, and how. Exactly one of `webhook`, `queue`, `service` and `feed` is given."""

    model_config = Part.model_config | {"extra": "forbid"}

    webhook: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    queue: Literal[True] | None = None
    service: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,40}$")] | None = None
    feed: Literal[True] | None = None
    format: Literal["structured", "binary", "data"] = "structured"
    signature: Literal["hmac", "ed25519"] = "hmac"
    headers: dict[str, Annotated[str, Field(max_length=1_000)]] = Field(default_factory=dict, max_length=20)
    rate: Annotated[StrictInt, Field(ge=1, le=100_000, description="Copies a second")] | None = None
    burst: Annotated[StrictInt, Field(ge=1, le=100_000)] | None = None
    concurrency: Annotated[StrictInt, Field(ge=1, le=64)] = 8
    timeout: Annotated[StrictInt, Field(ge=1, le=30, description="Seconds")] = 15
    order: Literal["none", "by-key"] = "none"
    on_dead: Literal["block", "skip"] = "block"
    retry_for: Duration = "24h"
    pause_cap: Duration = "1h"

    @model_validator(mode="after")
    def _one_kind(self) -> "TargetTerms":
        given = [kind for kind in KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(f"exactly one of {', '.join(KINDS)} is expected, found {', '.join(given) or 'none'}")
        return self

    @property
    def kind(self) -> str:
        return next(kind for kind in KINDS if getattr(self, kind) is not None)


class RuleTerms(Part):
    """Which events go to which targets. `when` is a pattern of the rules' language, `template` one of its templates."""

    model_config = Part.model_config | {"extra": "forbid", "populate_by_name": True}

    name: Name
    when: dict[str, Any]
    to: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_TARGETS)]
    template: Any = None
    as_type: Annotated[str | None, Field(alias="as", description="Another type for the copy; operators only")] = None
    mode: Literal["on", "shadow", "off"] = "on"
    share: Annotated[StrictInt, Field(ge=1, le=100, description="Per cent of the events, by their hubid")] = 100


class BusTerms(Part):
    """A bus, whole, as a file has it."""

    model_config = Part.model_config | {"extra": "forbid"}

    partner: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{1,40}$", description="Its owner")]
    admits: dict[str, Any] = Field(default_factory=dict, description="A pattern; an empty one admits everything")
    rules: Annotated[tuple[RuleTerms, ...], Field(max_length=MOST_RULES)] = ()
    targets: Annotated[dict[Name, TargetTerms], Field(max_length=MOST_TARGETS)] = Field(default_factory=dict)
    enabled: StrictBool = True


class BusRevision(Part):
    """One revision of a bus, as other services are told of it."""

    bus: str
    revision: int
    terms: BusTerms
