"""Acts that another person must have agreed to: a route that is gated takes a grant, redeems it, and only then acts.

The grant stands in `Milesaga-Grant`. It is for one action in this environment, and for the digest of exactly this
request: method, path, query, and the SHA-256 of the body's bytes (`shared/kernel/acts.py`). It works once. Who redeems
is a port: another service, over the services' own routes, or the service itself.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Final, Protocol, TypeAlias

from fastapi import Header, Request

from shared.kernel.acts import payload, target_of
from shared.kernel.digest import digest
from shared.kernel.errors import OutcomeUnknown
from shared.kernel.meter import ReleaseMeter
from shared.store.documents import Unavailable
from shared.web.problems import Problem, try_again

HEADER: Final = "Milesaga-Grant"
LONGEST: Final = 4096
NOBODY_KNOWS: Final = (Unavailable, OutcomeUnknown, asyncio.CancelledError)
"""After these it may have been done all the same."""
GrantHeader: TypeAlias = Annotated[
    str | None,
    Header(
        alias=HEADER,
        description="Another person's agreement to exactly this request, where acts are gated.",
        examples=["eyJhbGciOi"],
        max_length=LONGEST,
    ),
]
Guard: TypeAlias = Callable[[], AbstractAsyncContextManager[str | None]]
"""What is entered around an act; it gives the request whose grant allowed it, None where nothing is gated."""


@dataclass(frozen=True, slots=True)
class Act:
    """What is about to be done. `token`: the bearer token that came with it."""

    action: str
    target: str
    digest: str
    token: str


class GateUnreachable(Exception):
    """Nobody says whether it may be done, so it is not."""


@dataclass(frozen=True, slots=True)
class Redeemed:
    """It may be done now. `name` is what its end is told under, `subject` by whom: his token may have run out then."""

    request: str
    name: str
    subject: str


@dataclass(frozen=True, slots=True)
class Declined:
    """It may not; `code` is that of a problem."""

    code: str
    detail: str


class Gate(Protocol):
    """Who keeps the grants."""

    async def redeem(self, grant: str, act: Act, key: str) -> Redeemed | Declined:
        """Spend the grant. Raises GateUnreachable."""
        ...

    async def ended(self, redeemed: Redeemed, *, well: bool) -> None:
        """How what was redeemed has ended. It was done: where that cannot be told now it is told later, and nobody
        fails by it."""
        ...


class CountedGate:
    """A gate whose answers are counted."""

    def __init__(self, gate: Gate, meter: ReleaseMeter, service: str) -> None:
        """`service` is whose acts they are."""
        self._gate = gate
        self._meter = meter
        self._service = service

    async def redeem(self, grant: str, act: Act, key: str) -> Redeemed | Declined:
        try:
            found = await self._gate.redeem(grant, act, key)
        except GateUnreachable:
            self._meter.acted(self._service, act.action, "unreachable")
            raise
        self._meter.acted(self._service, act.action, "declined" if isinstance(found, Declined) else "redeemed")
        return found

    async def ended(self, redeemed: Redeemed, *, well: bool) -> None:
        await self._gate.ended(redeemed, well=well)


class Gated:
    """An act that must have been agreed to. Its route takes `Depends(gated.guard)`, and enters it around the act alone:
    a request that could not be obeyed spends no grant.

    409 `grant_required`, which says what to ask for; 409 with the gate's reason; 503 where the gate is silent. Without
    a gate everybody may who has the route's scope.
    """

    def __init__(self, action: str, gate: Gate | None) -> None:
        self._action = action
        self._gate = gate

    def guard(self, request: Request, grant: GrantHeader = None) -> Guard:
        """What to enter around the act, when the request has been read and could be obeyed."""
        return partial(self.passed, request, grant)

    @asynccontextmanager
    async def passed(self, request: Request, grant: str | None) -> AsyncIterator[str | None]:
        """The grant is spent before the block, and how the block ended is told after it. Nothing is told where nobody
        knows whether it was done: the log finds the silence, and somebody looks."""
        if self._gate is None:
            yield None
            return
        act = await self._act(request)
        if grant is None:
            detail = f"Another person must agree: ask for {self._action} of {act.target} with the digest {act.digest}"
            raise Problem(409, "grant_required", detail)
        found = await _redeemed(self._gate, grant, act)
        try:
            yield found.request
        except NOBODY_KNOWS:
            raise
        except BaseException:
            await self._gate.ended(found, well=False)
            raise
        await self._gate.ended(found, well=True)

    async def _act(self, request: Request) -> Act:
        path, query = request.url.path, request.url.query
        told = digest(payload(request.method, path, query, await request.body()))
        token = request.headers.get("Authorization", "").partition(" ")[2].strip()
        return Act(self._action, target_of(path), told, token)


async def _redeemed(gate: Gate, grant: str, act: Act) -> Redeemed:
    try:
        found = await gate.redeem(grant, act, secrets.token_hex(16))
    except GateUnreachable as error:
        raise try_again("gate_unreachable", "Nobody says whether it may be done, so it is not; try again") from error
    if isinstance(found, Declined):
        raise Problem(409, found.code, found.detail)
    return found
