"""How a target stands: what people decided, and what its endpoint said."""

from datetime import datetime, timedelta
from typing import ClassVar, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.contracts.buses import TargetTerms
from shared.kernel.values import changed

Shown = Literal["healthy", "limited", "failing", "paused", "gone", "unverified", "blocked"]
KEPT: Final = timedelta(days=15)
"""Longer than any copy may be tried."""
MOST_GAPS: Final = 200


class Gap(BaseModel):
    """Time in which nothing could be tried."""

    model_config = ConfigDict(frozen=True)

    since: AwareDatetime
    until: AwareDatetime


class TargetState(BaseModel):
    """Of one target. `verified` is the URL that agreed to be sent events; `per_minute` is what it allows."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    verified: str | None = None
    per_minute: int | None = None
    paused_since: AwareDatetime | None = None
    gone_since: AwareDatetime | None = None
    failing_since: AwareDatetime | None = None
    rests_until: AwareDatetime | None = None
    fault: str | None = None
    """The last one."""
    gaps: tuple[Gap, ...] = ()

    def shown(self, terms: TargetTerms, now: datetime, *, blocked: bool = False) -> Shown:
        """`blocked`: a lane of it stands before a copy that is dead."""
        if self.paused_since is not None:
            return "paused"
        if terms.webhook is None:
            return "healthy"
        stands: tuple[tuple[Shown, bool], ...] = (
            ("gone", self.gone_since is not None),
            ("unverified", self.verified != terms.webhook),
            ("failing", self.failing_since is not None),
            ("blocked", blocked),
            ("limited", self.rests_until is not None and self.rests_until > now),
        )
        return next((word for word, is_so in stands if is_so), "healthy")

    def may_send(self, terms: TargetTerms) -> bool:
        """Whatever its endpoint does at the moment."""
        return self.paused_since is None and self.gone_since is None and self.verified == terms.webhook

    def allowed(self, terms: TargetTerms) -> float | None:
        """Requests a second: the lower one of what its file and what its endpoint says, None where neither does."""
        said = [float(terms.rate)] if terms.rate is not None else []
        said += [self.per_minute / 60] if self.per_minute is not None else []
        return min(said, default=None)

    def lost(self, now: datetime) -> list[tuple[datetime, datetime]]:
        """The gaps, that which is not over among them."""
        running = [(self.paused_since, now)] if self.paused_since is not None else []
        return [*((each.since, each.until) for each in self.gaps), *running]


def paused(state: TargetState, now: datetime) -> TargetState:
    return state if state.paused_since is not None else changed(state, paused_since=now)


def resumed(state: TargetState, now: datetime) -> TargetState:
    """Also for one that is gone: a person has looked at it. Its endpoint has to agree once more then."""
    if state.paused_since is None and state.gone_since is None:
        return state
    gaps = with_gap(state.gaps, state.paused_since, now) if state.paused_since is not None else state.gaps
    verified = None if state.gone_since is not None else state.verified
    return changed(state, paused_since=None, gone_since=None, gaps=gaps, verified=verified)


def with_gap(gaps: tuple[Gap, ...], since: datetime, until: datetime) -> tuple[Gap, ...]:
    """One gap more; those that no copy can have lived through are forgotten."""
    kept = tuple(each for each in gaps if each.until > until - KEPT)
    return (*kept, Gap(since=since, until=until))[-MOST_GAPS:]


class Outages(BaseModel):
    """When no process of delivery lived, over all targets."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    lived: AwareDatetime
    """When one said so last."""
    gaps: tuple[Gap, ...] = ()
