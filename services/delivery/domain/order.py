"""How far an ordered target has come with the copies of one key. Pure.

The hub numbers a lane's copies from 1, without a gap. A copy is sent when the one before it is done; one with an
earlier number has been done already, and is not sent again, unless a person said so.
"""

from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, computed_field

from shared.contracts.copies import Copy, is_replays
from shared.kernel.values import changed

LIFE: Final = timedelta(days=400)
"""So long a lane is remembered in which nothing happens; the hub forgets it much sooner, and counts anew then."""
REPLAYED_LIFE: Final = timedelta(days=7)
"""The same of a replay's lane. What comes when it is forgotten goes after some waits in vain."""

MOST_RANGES: Final = 20
"""Of numbers that were skipped; where there are more the oldest two are taken together with what lies between them."""

Stand = Literal["next", "late", "past", "waits"]
"""`late`: others went on without it, because a person said so; or it is a replay's, which may bring another event under
a number that was used: where it is taken up after a crash, and its rules or its events are others by then."""


class Progress(BaseModel):
    """Of one lane at one target. `done` is the last number that was delivered or skipped; `blocked` is the delivery id
    of the copy behind it, which is dead: nothing of the lane is sent until it has been redriven, or is skipped."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    target: str
    lane: str
    at: AwareDatetime
    done: int = 0
    blocked: str | None = None
    skipped: tuple[tuple[int, int], ...] = ()
    """First and last numbers that a person did not wait for: what comes under them is sent, out of its turn."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def blocks(self) -> str | None:
        """The target, where the lane is blocked: what stands there is found by it."""
        return self.target if self.blocked is not None else None


def progress_id(target: str, lane: str) -> str:
    return f"{target}|{lane}"


def wakes(progress: Progress) -> datetime | None:
    """When it may be forgotten; never while it is blocked."""
    life = REPLAYED_LIFE if is_replays(progress.lane) else LIFE
    return None if progress.blocked is not None else progress.at + life


def first(target: str, lane: str, now: datetime) -> Progress:
    """Of a lane that nothing is known of."""
    return Progress(id=progress_id(target, lane), target=target, lane=lane, at=now)


def stand(progress: Progress, copy: Copy) -> Stand:
    if copy.laneseq <= progress.done:
        was_skipped = any(since <= copy.laneseq <= last for since, last in progress.skipped)
        return "late" if was_skipped or is_replays(copy.lane) else "past"
    return "next" if copy.laneseq == progress.done + 1 else "waits"


def done(progress: Progress, number: int, now: datetime) -> Progress:
    """The copy of this number has been delivered, or is done without."""
    if number <= progress.done:
        return progress
    return changed(progress, done=number, blocked=None, at=now)


def skipped(progress: Progress, number: int, now: datetime) -> Progress:
    """Those up to this number are not waited for. It is their order that is given up, and none of them."""
    if number <= progress.done:
        return progress
    ranges = (*progress.skipped, (progress.done + 1, number))
    if len(ranges) > MOST_RANGES:
        ranges = ((ranges[0][0], ranges[1][1]), *ranges[2:])
    return changed(done(progress, number, now), skipped=ranges)


def went(progress: Progress, number: int, now: datetime) -> Progress:
    """The copy of this number went without its turn, for its target keeps no order at this moment: should it keep one
    again, nothing waits for those before it."""
    return done(skipped(progress, number - 1, now), number, now)


def begun(progress: Progress, now: datetime) -> Progress:
    """Somebody is at work on it: from now on something is known of it."""
    return changed(progress, at=now)


def blocked(progress: Progress, copy: Copy, now: datetime) -> Progress:
    """The copy is dead, and those behind it wait for a person."""
    if stand(progress, copy) != "next" or progress.blocked == copy.deliveryid:
        return progress
    return changed(progress, blocked=copy.deliveryid, at=now)
