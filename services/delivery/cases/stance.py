"""How one process stands to one target, from one consumer of its queue to the next."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from services.delivery.domain.ages import Ages
from services.delivery.domain.breaker import Breaker
from services.delivery.domain.pace import Pace
from services.delivery.domain.state import TargetState
from services.delivery.domain.verdicts import LONGEST_REST, Verdict
from shared.bus.consumer import GivenBack
from shared.contracts.buses import TargetTerms
from shared.kernel.clock import running_seconds

SHORT_REST: Final = timedelta(seconds=1)
"""For an endpoint that asks for patience and does not say how much."""
FAULTS: Final = 10


class Stance:
    """`stop` is called when nothing may be sent from now on."""

    def __init__(self, terms: TargetTerms, state: TargetState, stop: Callable[[], None]) -> None:
        self.terms = terms
        self.state = state
        self.outages: Sequence[tuple[datetime, datetime]] = ()
        self.breaker = Breaker()
        self.rests_until: float = float("-inf")
        self.gone = False
        self.faults: deque[str] = deque(maxlen=FAULTS)
        self.under_way = 0
        self.ages = Ages()
        self._pace = Pace(state.allowed(terms), terms.burst, terms.concurrency)
        self._stop = stop
        self._door = asyncio.Lock()
        self._moved = asyncio.Event()

    def told(self, terms: TargetTerms, state: TargetState) -> None:
        """What is known of it now. What was heard from another URL says nothing of the endpoint that it has now."""
        self._pace.become(state.allowed(terms), terms.burst, terms.concurrency, running_seconds())
        if terms.webhook != self.terms.webhook:
            self.breaker, self.rests_until, self.gone = Breaker(), float("-inf"), False
        if state.gone_since is None and self.state.gone_since is not None:
            self.gone = False
        self.terms, self.state = terms, state

    def rests(self, until: datetime, now: datetime) -> None:
        """Its endpoint asked whoever had the target before for patience until then."""
        left = min(until - now, LONGEST_REST).total_seconds()
        self.rests_until = max(self.rests_until, running_seconds() + left)

    def may_send(self) -> bool:
        """May whatever is in hand go out?"""
        return self.state.may_send(self.terms) and not self.gone and running_seconds() >= self.rests_until

    def gaps(self, now: datetime) -> list[tuple[datetime, datetime]]:
        return [*self.outages, *self.state.lost(now)]

    async def enter(self, stopped: asyncio.Event, *, probe: bool) -> None:
        """Return when a request may go, which is under way then. Raises GivenBack where none may any more, and the
        consumer is being cancelled."""
        async with self._door:
            while True:
                if stopped.is_set() or not self._goes(probe=probe):
                    await stopped.wait()
                    raise GivenBack
                seconds = self._pace.take(running_seconds(), self.under_way)
                if not seconds:
                    break
                self._moved.clear()
                await self._wait(stopped, seconds)
            self.under_way += 1

    def left(self, verdict: Verdict, url: str | None, *, probe: bool) -> None:
        """The request to this URL has ended so."""
        if url != self.terms.webhook:
            self.dropped()
            return
        self.under_way -= 1
        now = running_seconds()
        if verdict.fault:
            self.faults.append(verdict.fault)
        if verdict.meaning == "wait":
            self.rests_until = max(self.rests_until, now + (verdict.rest or SHORT_REST).total_seconds())
        elif verdict.meaning == "gone":
            self.gone = True
        else:
            closed = self.breaker.closed_at
            self.breaker.heard(now, fault=verdict.meaning == "target", probe=probe)
            if self.breaker.closed_at != closed:
                self._pace.slowly(now)
        self._moved.set()
        if not self._goes(probe=False):
            self._stop()

    def dropped(self) -> None:
        """The request has ended in a way that says nothing of the endpoint."""
        self.under_way -= 1
        self._moved.set()

    def wake(self) -> None:
        """Have who waits look again."""
        self._moved.set()

    def _goes(self, *, probe: bool) -> bool:
        phase = self.breaker.phase(running_seconds())
        return self.may_send() and phase == ("probe" if probe else "closed")

    async def _wait(self, stopped: asyncio.Event, seconds: float) -> None:
        if stopped.is_set():
            return
        try:
            async with asyncio.timeout(None if seconds == float("inf") else seconds):
                await self._moved.wait()
        except TimeoutError:
            return
