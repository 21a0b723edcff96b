"""Whether the process may be given work."""

import asyncio
from collections.abc import Mapping
from enum import Enum

from shared.kernel.clock import Clock, SystemClock, far_off
from shared.runtime.service import Task
from shared.web.problems import Problem

ANSWERS_WITHIN = 2.0
"""Seconds that the broker and each store have to answer."""


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
        self._checks: dict[str, Task] = {}

    def watch(self, checks: Mapping[str, Task]) -> None:
        """Ask these, by name, whether they answer: each returns, or raises."""
        self._checks.update(checks)

    async def check(self) -> None:
        """Return when the process is ready for work. Raises a 503 that names what is away."""
        if self.phase is Phase.DRAINING:
            raise draining()
        away = await self.away()
        if away:
            raise Problem(503, "not_ready", f"No answer from: {', '.join(away)}.", headers={"Retry-After": "1"})
        if far_off(self._clock):
            raise clock_off()
        if self.phase is Phase.STARTING:
            raise starting()

    async def away(self) -> list[str]:
        """The names of those that do not answer now."""
        answers = await asyncio.gather(*(_answers(check) for check in self._checks.values()))
        return [name for name, answered in zip(self._checks, answers, strict=True) if not answered]

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


async def _answers(check: Task) -> bool:
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            await check()
    except Exception:  # noqa: BLE001 - whatever the reason, it is away
        return False
    return True
