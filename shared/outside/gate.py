"""How much a provider is asked of: a limit of requests at once, a rate, and a breaker that leaves it alone while it
does not answer.

A request that may not go out now is `NotSent` with `again_in`: nothing was asked, and the work waits in a delay tier.
The breaker opens after so many failures in a row. After its pause one request goes out as a probe: its answer opens the
way for all, its failure begins another pause.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

from aiolimiter import AsyncLimiter
from circuitbreaker import STATE_CLOSED, STATE_HALF_OPEN, STATE_OPEN, CircuitBreaker

from shared.kernel.errors import NotSent
from shared.kernel.meter import CallMeter, NoCallMeter
from shared.telemetry import spans
from shared.telemetry.spans import Kind

log = logging.getLogger(__name__)

PROBED_IN: Final = timedelta(seconds=1)
"""When to come again while a probe is out, or everything is in use."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a provider is asked of at most."""

    calls_at_once: int = 100
    calls_per_second: float = 100.0
    patience: timedelta = timedelta(seconds=1)
    """So long a request waits for its turn before its work is parked."""
    failures: int = 5
    """So many in a row open the breaker."""
    pause: timedelta = timedelta(seconds=10)
    """So long the provider is left alone before it is probed."""


@dataclass(slots=True)
class Turn:
    """One request's turn: whoever has it notes what came of it."""

    outcome: str = "unknown"
    failed: bool | None = None
    """None: nothing was learned about the provider."""


class _Failed(Exception):
    """What the breaker counts."""


class Gate:
    """Lets requests to one provider pass."""

    def __init__(self, service: str, provider: str, terms: Terms, meter: CallMeter | None = None) -> None:
        self._service = service
        self._provider = provider
        self._terms = terms
        self._meter = meter or NoCallMeter()
        self._places = asyncio.Semaphore(terms.calls_at_once)
        self._rate = AsyncLimiter(max(terms.calls_per_second, 1.0), max(1.0, 1.0 / terms.calls_per_second))
        self._breaker = CircuitBreaker(terms.failures, terms.pause.total_seconds(), _Failed, name=provider)
        self._probing = False
        self._told_open = False
        self._left_alone_until = 0.0

    @asynccontextmanager
    async def turn(self, operation: str) -> AsyncIterator[Turn]:
        """Raises NotSent with `again_in` where the request may not go out now."""
        try:
            self._check_open()
            await self._wait_for_a_place()
        except NotSent:
            self._tell(operation, "parked", 0.0)
            raise
        turn, began = Turn(), monotonic()
        try:
            with self._probing_if_due(), self._traced(operation, turn):
                yield turn
        finally:
            self._places.release()
            self._learn(turn)
            self._tell(operation, turn.outcome, monotonic() - began)

    def leave_alone(self, pause: timedelta) -> None:
        """The provider asked for a pause."""
        self._left_alone_until = max(self._left_alone_until, monotonic() + pause.total_seconds())

    def _tell(self, operation: str, outcome: str, seconds: float) -> None:
        self._meter.called(self._service, self._provider, operation, outcome, seconds)
        if log.isEnabledFor(logging.DEBUG):
            fields = {"service": self._service, "provider": self._provider, "operation": operation}
            log.debug("provider asked", extra={**fields, "outcome": outcome, "seconds": round(seconds, 4)})

    def _check_open(self) -> None:
        asked_for = self._left_alone_until - monotonic()
        if asked_for > 0:
            raise self._parked("asked for a pause", timedelta(seconds=asked_for))
        state = self._breaker.state
        if state == STATE_OPEN:
            raise self._parked("does not answer", max(PROBED_IN, timedelta(seconds=self._breaker.open_remaining)))
        if state == STATE_HALF_OPEN and self._probing:
            raise self._parked("is being probed", PROBED_IN)

    async def _wait_for_a_place(self) -> None:
        try:
            async with asyncio.timeout(self._terms.patience.total_seconds()):
                await self._places.acquire()
                try:
                    await self._rate.acquire()
                    self._check_open()  # it may have been closed meanwhile
                except BaseException:
                    self._places.release()
                    raise
        except TimeoutError as error:
            raise self._parked("has as many requests as it may", PROBED_IN) from error

    def _parked(self, why: str, again_in: timedelta) -> NotSent:
        return NotSent(f"{self._provider} {why}", again_in=again_in)

    @contextmanager
    def _traced(self, operation: str, turn: Turn) -> Iterator[None]:
        with spans.child(f"{self._provider} {operation}", Kind.CLIENT) as span:
            try:
                yield
            finally:
                span.tell(peer__service=self._provider, milesaga__service=self._service, milesaga__outcome=turn.outcome)

    @contextmanager
    def _probing_if_due(self) -> Iterator[None]:
        """While the one request is out that finds out whether the provider is back."""
        if self._breaker.state != STATE_HALF_OPEN:
            yield
            return
        self._probing = True
        try:
            yield
        finally:
            self._probing = False

    def _learn(self, turn: Turn) -> None:
        if turn.failed is None:
            return
        with suppress(_Failed), self._breaker:
            if turn.failed:
                raise _Failed
        is_open = self._breaker.state != STATE_CLOSED
        if is_open != self._told_open:
            self._told_open = is_open
            self._meter.breaker(self._service, self._provider, is_open=is_open)
            event = "a provider does not answer: it is left alone" if is_open else "a provider answers again"
            log.warning(event, extra={"service": self._service, "provider": self._provider})
