"""Whether the process takes new work."""

import asyncio
from collections.abc import Mapping
from enum import Enum

from shared.kernel.clock import Clock, SystemClock, far_off
from shared.runtime.service import Task
from shared.web.problems import Problem

ANSWERS_WITHIN = 2.0
"""Seconds that the broker and each store have to answer."""
TOLD_WITHIN = 0.5
"""Seconds for what is only told: a probe that decides by something else must not wait for it."""


NOTHING: Mapping[str, Task] = {}


class Phase(Enum):
    """Where a process stands in its life."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


class Health:
    """What `/readyz` tells, and which requests a process takes in each phase of its life."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.phase = Phase.STARTING
        self.open = False
        """The stores are open, so requests can be served, the broker there or not."""
        self._needed: dict[str, Task] = {}
        self._told: dict[str, Task] = {}

    def watch(self, needed: Mapping[str, Task], told: Mapping[str, Task] = NOTHING) -> None:
        """Ask these, by name, whether they answer: each returns, or raises. Without those in `needed` the process can
        take no new work; those in `told` it can do without for a while."""
        self._needed.update(needed)
        self._told.update(told)

    async def check(self) -> dict[str, str]:
        """What is well and what is away, when the process takes new work. Raises a 503 that names what is away."""
        if self.phase is Phase.DRAINING:
            raise draining()
        away, told = await asyncio.gather(self.away(), _away(self._told, TOLD_WITHIN))
        if away:
            raise Problem(503, "not_ready", f"No answer from: {', '.join(away)}.", headers={"Retry-After": "1"})
        if far_off(self._clock):
            raise clock_off()
        if self.phase is Phase.STARTING:
            raise starting()
        return {name: "away" if name in told else "here" for name in (*self._needed, *self._told)}

    async def away(self) -> list[str]:
        """The names of those that are needed and do not answer now."""
        return await _away(self._needed, ANSWERS_WITHIN)

    def refusal(self, method: str, path: str) -> Problem | None:
        """Why a request of the public API is not taken now, if so."""
        if not path.startswith("/v1/") and not path.startswith("/internal/"):
            return None
        if not self.open:
            return starting()
        changes = path.startswith("/v1/") and method not in ("GET", "HEAD", "OPTIONS")
        if changes and far_off(self._clock):
            return clock_off()
        if changes and self.phase is Phase.DRAINING:
            return draining()
        return None


def starting() -> Problem:
    return Problem(503, "starting", "This process is starting; try again.", headers={"Retry-After": "1"})


def clock_off() -> Problem:
    detail = "This process's clock is far from the stores' or the broker's: nothing is changed by it."
    return Problem(503, "clock_off", detail, headers={"Retry-After": "10"})


def draining() -> Problem:
    headers = {"Retry-After": "1", "Connection": "close"}
    return Problem(503, "draining", "This process is stopping; try again.", headers=headers)


async def _away(checks: Mapping[str, Task], seconds: float) -> list[str]:
    answers = await asyncio.gather(*(_answers(check, seconds) for check in checks.values()))
    return [name for name, answered in zip(checks, answers, strict=True) if not answered]


async def _answers(check: Task, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await check()
    except Exception:  # noqa: BLE001 - whatever the reason, it is away
        return False
    return True
