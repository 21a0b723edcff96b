"""A replay: events of the past, once more, to some targets. What it may do next, whoever carries it out.

A runner holds it by a lease, saves how far it is, and obeys what its document says. Whoever asks for another state
writes it into the document at once: the runner finds it there within a second, notes how far it came, and lets go.
Nothing here reads a clock or a store.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field

from services.archive.domain.jobs import ENDS, LEASE, Job, Lost, NotPossible, held
from services.archive.domain.lanes import Given
from shared.kernel.values import changed

State = Literal["counting", "ready", "running", "paused", "done", "cancelled", "failed"]
Matching = Literal["rules", "all"]
STOPS: Final = 5.0
"""Seconds without a word after which a runner sends nothing more: somebody else may begin soon."""
WAITS: Final = timedelta(seconds=1)
"""Before a replay looks again whether it is its turn."""
REMEMBERED: Final = timedelta(days=90)
"""After its end, or after a dry run was asked for; then its name is free."""
MOST_OPEN: Final = 50
"""Replays of one owner, nearly, of which a runner still has something to do: each of them has the archive read."""
AT_ONCE: Final = 4
"""Replays that run at a time."""
MOST_TYPES: Final = 100
"""Of one target, that are counted apart."""
OTHERS: Final = "others"
CHANGEABLE: Final = frozenset(("dry_run", "rate"))
"""What may be asked of a replay that there is."""
ASKED: Final = CHANGEABLE | {"start", "end", "targets", "when", "matching"}
"""What a request says beside the name."""


class Counts(BaseModel):
    """What a replay would send, by target and by type."""

    model_config = ConfigDict(frozen=True)

    events: int = 0
    copies: dict[str, dict[str, int]] = {}
    broken: int = 0
    undecided: int = 0
    first: AwareDatetime | None = None
    last: AwareDatetime | None = None

    @property
    def total(self) -> int:
        return sum(sum(by_type.values()) for by_type in self.copies.values())


class Replay(Job):
    """One replay. `cursor` is the hubid of the last event that is dealt with, `given` what its lanes had been given by
    then; `owner` the partner, or empty for operators; `revision` counts what clients asked for. `waits_for` is the
    target that holds it up, while one does."""

    schema_version: ClassVar[int] = 1

    name: str
    by: str
    start: AwareDatetime
    end: AwareDatetime
    targets: tuple[str, ...]
    when: dict[str, Any] | None = None
    matching: Matching = "rules"
    rate: int
    dry_run: bool = False
    state: State = "counting"
    revision: int = 1
    ended_at: AwareDatetime | None = None
    reason: str = ""
    counts: Counts | None = None
    cursor: str = ""
    given: dict[str, tuple[int, ...]] = Field(default_factory=dict)
    copies: int = 0
    broken: int = 0
    waits_for: str = ""
    waits_since: AwareDatetime | None = None

    @property
    def is_wanted(self) -> bool:
        return self.state in {"counting", "running"} or (self.state == "ready" and not self.dry_run)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def open(self) -> str | None:
        """Its owner, as long as a runner has something to do: such ones are counted by it."""
        return self.owner if self.is_wanted else None

    @property
    def wake_at(self) -> datetime | None:
        if self.ended_at is not None:
            return self.ended_at + REMEMBERED
        if self.is_wanted:
            return self.held_until or self.made_at
        return self.made_at + REMEMBERED if self.state == "ready" else None

    def differs(self, asked: Self) -> frozenset[str]:
        """The fields in which it is not, or is not any more, what is asked for."""
        return frozenset(name for name in ASKED if getattr(self, name) != getattr(asked, name))


@dataclass(frozen=True, slots=True)
class Sent:
    """Since the last note: all up to the cursor, by so many copies; `broken` of them went to dead letters. `given`:
    what the lanes have been given in all. `waits_for`: nothing more is sent before this target's queue has room,
    `waits_since` then."""

    cursor: str
    given: Given
    copies: int = 0
    broken: int = 0
    waits_for: str = ""
    waits_since: datetime | None = None


def counted(replay: Replay, holder: str, counts: Counts) -> Replay:
    """All is counted. A dry run is let go of."""
    _held(replay, holder, "counting")
    known = changed(replay, state="ready", counts=counts)
    return changed(known, holder="", held_until=None) if replay.dry_run else known


def waiting(replay: Replay, holder: str, now: datetime) -> Replay:
    """It is not its turn."""
    _held(replay, holder, "ready")
    return changed(replay, holder="", held_until=now + WAITS)


def begun(replay: Replay, holder: str, now: datetime) -> Replay:
    """It is its turn."""
    _held(replay, holder, "ready")
    return changed(replay, state="running", held_until=now + LEASE)


def renewed(replay: Replay, holder: str, now: datetime) -> Replay:
    """Its runner lives."""
    _held(replay, holder, "counting", "ready", "running")
    return changed(replay, held_until=now + LEASE)


def advanced(replay: Replay, holder: str, now: datetime, sent: Sent) -> Replay:
    """All is sent up to the cursor: so many copies more. Also of one that is not to go on: then it is let go of."""
    _held(replay, holder, "running", "ready", "paused", "cancelled")
    on, is_further = replay.state == "running", sent.cursor > replay.cursor
    return changed(
        replay,
        cursor=sent.cursor if is_further else replay.cursor,
        given=sent.given if is_further else replay.given,
        copies=replay.copies + sent.copies,
        broken=replay.broken + sent.broken,
        waits_for=sent.waits_for if on else "",
        waits_since=sent.waits_since if on else None,
        holder=holder if on else "",
        held_until=now + LEASE if on else None,
    )


def ended(replay: Replay, holder: str, state: State, now: datetime, reason: str = "") -> Replay:
    """Done, or failed."""
    _held(replay, holder, "counting", "ready", "running")
    stands = changed(replay, waits_for="", waits_since=None, holder="", held_until=None)
    return changed(stands, state=state, reason=reason, ended_at=now)


def asked(replay: Replay, wanted: str | None, rate: int | None, now: datetime) -> Replay:
    """What a client asks for: `running`, `paused` or `cancelled`, another rate. To run a dry run is to send what was
    counted. Raises NotPossible."""
    after = replay if rate is None or rate == replay.rate else changed(replay, rate=rate)
    if rate is not None and replay.state in ENDS:
        raise NotPossible("replay", replay.state, "changed")
    if wanted is not None:
        after = _asked(after, wanted, now)
    return after if after is replay else changed(after, revision=replay.revision + 1)


def _asked(replay: Replay, wanted: str, now: datetime) -> Replay:
    state = replay.state
    if wanted == state or (wanted == "running" and state == "ready" and not replay.dry_run):
        return replay  # it is so, or as good as
    if wanted == "cancelled" and state not in ENDS:
        return _stopped(replay, state="cancelled", ended_at=now)
    if wanted == "paused" and (state == "running" or (state == "ready" and not replay.dry_run)):
        return _stopped(replay, state="paused")
    if wanted == "running" and state == "paused":
        return changed(replay, state="ready", dry_run=False)
    if wanted == "running" and state == "ready":
        return changed(replay, dry_run=False, held_until=now)
    raise NotPossible("replay", state, wanted)


def _stopped(replay: Replay, **fields: Any) -> Replay:
    """Who runs it keeps it until it has noted how far it came."""
    if replay.state == "running":
        return changed(replay, **fields)
    return changed(replay, holder="", held_until=None, **fields)


def _held(replay: Replay, holder: str, *states: State) -> None:
    held(replay, holder)
    if replay.state not in states:
        raise Lost
