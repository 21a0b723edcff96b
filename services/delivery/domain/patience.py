"""When a copy is tried again, and when no more. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.delivery.domain.verdicts import Verdict
from shared.bus.topology import TIERS
from shared.contracts.buses import TargetTerms, duration
from shared.kernel.randomness import Random

STEPS: Final = ("1s", "5s", "30s", "2m", "10m", "1h")
"""Tiers, in their order; the last one again and again."""
TRIES: Final = 6
"""So often a copy is tried that is refused for what it is."""
WAITS_EACH: Final = 5
"""So often a copy that waits for its turn comes again after a second, and then after 5; then every 30."""
LONGEST_WAIT: Final = "30s"
"""Where nobody knows when its turn comes."""
WAITING: Final = STEPS[: STEPS.index("2m") + 1]
REFUSED: Final = "refused_by_receiver"
OUT_OF_TIME: Final = "out_of_time"


@dataclass(frozen=True, slots=True)
class Tried:
    """A copy after a try that failed. `attempts` counts this one, `refusals` those that were the copy's own fault;
    `spent` is how long it has been tried for, time in which nothing could be tried left out."""

    verdict: Verdict
    attempts: int
    refusals: int
    spent: timedelta


def dead_for(tried: Tried, terms: TargetTerms, pause: timedelta) -> str | None:
    """Why a copy is given up rather than tried again after this pause; None while it is not."""
    if tried.verdict.meaning == "copy" and tried.refusals >= TRIES:
        return REFUSED
    if tried.spent + pause > duration(terms.retry_for):
        return OUT_OF_TIME
    return None


def tier_for(tried: Tried, terms: TargetTerms, random: Random) -> str:
    """The tier that a copy waits in: jitter is the choice between a step and the one below, as in the house."""
    steps = allowed(terms)
    if tried.verdict.meaning == "wait" and tried.verdict.rest is not None:
        rest = tried.verdict.rest
        return next((name for name in STEPS if TIERS[name] >= rest), STEPS[-1])
    step = min(tried.attempts, len(steps)) - 1
    return random.choice(steps[max(step - 1, 0) : step + 1])


def waiting_tier(waits: int, again_in: timedelta | None, *, blocked: bool) -> str:
    """Where a copy waits that came before its turn: until then, where it is known when that is; else the longer the
    oftener it came in vain, for the one before it may be in a long tier, or `blocked`, which is dead."""
    if blocked:
        return LONGEST_WAIT
    if again_in is None:
        return STEPS[min(max(waits - 1, 0) // WAITS_EACH, STEPS.index(LONGEST_WAIT))]
    return max((name for name in WAITING if TIERS[name] <= again_in), key=TIERS.__getitem__, default=STEPS[0])


def allowed(terms: TargetTerms) -> Sequence[str]:
    """The steps within the target's `pause_cap`, the first one always."""
    cap = duration(terms.pause_cap)
    return [name for place, name in enumerate(STEPS) if place == 0 or TIERS[name] <= cap]


def begun(accepted: datetime | None, first: datetime, *, redriven: datetime | None, again: bool) -> datetime:
    """When a copy's time began: when it was redriven; else with its event's acceptance, that of one which is sent again
    with its first try."""
    return min(redriven or (first if again else accepted) or first, first)


def within(gaps: Iterable[tuple[datetime, datetime]], begin: datetime, now: datetime) -> timedelta:
    """How much of the time since `begin` lay in gaps (from, to) in which nothing could be tried; where two lie over
    each other, once."""
    lost, reached = timedelta(0), begin
    for since, until in sorted(gaps):
        start, end = max(since, reached), min(until, now)
        if end > start:
            lost += end - start
            reached = end
    return lost
