"""Which dead letters are to be settled, and whether another person must have agreed to it, where acts are gated.

A partner settles its own letters as it likes: they are copies of its events, which stay in the archive. An operator
settles others' letters, and takes something away from them by it, or sends all of them at an endpoint at once. What was
agreed to is a set that is the same when it is settled: handles, or all that had died before a time that is over.
"""

from contextlib import nullcontext
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, StrictBool

from services.delivery.cases.burying import MOST, among, died_within, every, of_fault
from services.delivery.domain.target import target_id
from shared.accepting.allowance import Allowances, Terms
from shared.bus.dead_letters import DISCARD, RETRY_ALL, Choice
from shared.kernel.acts import SINGLES, SINGLES_WITHIN
from shared.kernel.clock import Clock
from shared.web.auth import Caller
from shared.web.bodies import Body, Moment
from shared.web.grants import Gate, Gated, Guard
from shared.web.problems import Fault, Problem

HANDLE: Final = r"^[0-9a-f]{12}$"
EXAMPLE: Final = "4f2a90c1d7be"
MOST_AGREED: Final = 2_000
"""Letters that one grant settles: it works once, whatever their number."""
ONE_BY_ONE: Final = Terms(rate=SINGLES / SINGLES_WITHIN.total_seconds(), burst=SINGLES)
"""One letter that is sent once more is work as usual; so many of a target, in an hour, are no longer one."""
OPERATOR: Final = "ops:write"


class Chosen(Body):
    """Which letters: by exactly one of `ids`, `fingerprint`, `from` and `until`, `all`."""

    ids: Annotated[
        frozenset[Annotated[str, Field(pattern=HANDLE)]] | None,
        Field(min_length=1, max_length=MOST, description="Their handles", examples=[[EXAMPLE]]),
    ] = None
    fingerprint: Annotated[
        str | None,
        Field(min_length=1, max_length=300, description="All of one fault", examples=["fuel/bi:http_422"]),
    ] = None
    start: Annotated[
        Moment | None, Field(alias="from", description="Those that died since", examples=["2027-01-20T10:00:00Z"])
    ] = None
    until: Annotated[Moment | None, Field(description="Died before", examples=["2027-01-20T11:00:00Z"])] = None
    every: Annotated[StrictBool, Field(alias="all", description="All there are", examples=[True])] = False

    @property
    def choice(self) -> Choice:
        """Raises 422."""
        within = self.start is not None or self.until is not None
        given = (self.ids is not None, self.fingerprint is not None, within, self.every)
        if sum(given) != 1:
            detail = "exactly one of ids, fingerprint, from and until, all is expected"
            raise Problem(422, "invalid_request", detail, errors=[Fault(detail, pointer="")])
        if self.ids is not None:
            return among(self.ids)
        if self.fingerprint is not None:
            return of_fault(self.fingerprint)
        return died_within(self.start, self.until) if within else every


@dataclass(frozen=True, slots=True)
class Leave:
    """On what terms letters are settled: within `guard`, so many at `most`."""

    guard: Guard = nullcontext
    most: int = MOST


class Consent:
    """Who needs another person's agreement for what."""

    def __init__(self, gate: Gate | None, singles: Allowances, clock: Clock) -> None:
        self.retrying = Gated(RETRY_ALL, gate)
        self.discarding = Gated(DISCARD, gate)
        self._is_gated = gate is not None
        self._singles = singles
        self._clock = clock

    async def redrive(self, caller: Caller, bus: str, target: str, chosen: Chosen, guard: Guard) -> Leave:
        """Raises 409."""
        if not self._concerns(caller):
            return Leave()
        is_one = chosen.ids is not None and len(chosen.ids) == 1
        if is_one and not await self._singles.spend(target_id(bus, target), 1, ONE_BY_ONE):
            return Leave()
        return self._agreed(chosen, guard)

    async def discard(self, caller: Caller, chosen: Chosen, guard: Guard) -> Leave:
        """Raises 409."""
        return self._agreed(chosen, guard) if self._concerns(caller) else Leave()

    def _concerns(self, caller: Caller) -> bool:
        """Whoever has an operator's rights acts by them, though he were a client of the partner's, too."""
        return self._is_gated and OPERATOR in caller.scopes

    def _agreed(self, chosen: Chosen, guard: Guard) -> Leave:
        is_over = chosen.until is not None and chosen.until <= self._clock.now()
        if chosen.ids is None and not is_over:
            detail = (
                "Another person must agree: to letters by their ids, or to those that died until a time that is over"
            )
            raise Problem(409, "grant_required", detail)
        return Leave(guard, MOST_AGREED)
