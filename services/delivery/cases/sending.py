"""Copies of one target go out, one request each; what was not taken goes on to a tier or to the dead letters."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from services.delivery.cases.deaths import Deaths
from services.delivery.cases.keys import Keyring
from services.delivery.cases.stance import Stance
from services.delivery.cases.telling import Telling
from services.delivery.cases.turns import NotItsTurn, Turns
from services.delivery.domain.order import Progress
from services.delivery.domain.patience import OUT_OF_TIME, Tried, begun, dead_for, tier_for, waiting_tier, within
from services.delivery.domain.signing import signature
from services.delivery.domain.target import target_id
from services.delivery.domain.verdicts import Verdict, counted, judge
from services.delivery.domain.webhook import content, headers_of_its_own, trace_of
from services.delivery.ports import Endpoint, Poster
from shared.bus.arrival import Arrival
from shared.bus.headers import (
    ATTEMPTS,
    EXCEPTION,
    FINGERPRINT,
    FIRST_FAILED_AT,
    LAST_FAILED_AT,
    QUEUE,
    REASON,
    REDRIVEN_AT,
    RESERVED,
    carried,
    moment,
    number,
)
from shared.bus.retry import Failed, Unreadable, origin
from shared.bus.topology import TIERS, tier_exchange
from shared.contracts.archive import Attempt
from shared.contracts.buses import BY_KEY, TargetTerms, duration
from shared.contracts.cloudevents import PREFIXES
from shared.contracts.copies import Copy, dead_target_queue
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.errors import Later
from shared.kernel.meter import TargetMeter
from shared.kernel.randomness import Random
from shared.store.repository import Repository

REFUSALS: Final = f"{RESERVED}refusals"
"""How often the copy itself was refused."""
WAITS: Final = f"{RESERVED}waits"
"""How often the copy came before its turn."""
IN_VAIN: Final = 20
"""So often a copy comes before its turn that waits for what the store has forgotten, that of a replay, or any one where
the store came out of a backup."""
UNREADABLE: Final = "unreadable"
AGENT: Final = "Milesaga"


class Undelivered(Later):
    """A copy was tried, and not taken."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.fault)
        self.verdict = verdict


@dataclass(frozen=True)
class Means:
    """What all targets of a process share."""

    poster: Poster
    keyring: Keyring
    telling: Telling
    deaths: Deaths
    clock: Clock
    random: Random
    meter: TargetMeter
    progress: Repository[Progress]
    """Of ordered targets."""
    owner: Callable[[str], str]
    """Whose a bus is."""
    origin: str
    """Who we are, as endpoints are told."""
    restored: bool = False
    """The store came out of a backup."""


class Sending:
    """One target's copies, as one consumer of its queue is given them. As a `probe` it tries one, to see whether the
    endpoint is back, and moves those whose time is over out of the way."""

    def __init__(self, bus: str, target: str, stance: Stance, means: Means, *, probe: bool) -> None:
        self.bus, self.target = bus, target
        self.stance = stance
        self.probe = probe
        self._terms = stance.terms
        self._means = means
        self._stopped = asyncio.Event()
        self._turns = Turns(target_id(bus, target), means.progress, means.clock, probe=probe, restored=means.restored)

    @property
    def terms(self) -> TargetTerms:
        return self._terms

    def stop(self) -> None:
        """The consumer is being cancelled: what waits goes back."""
        self._stopped.set()
        self.stance.wake()
        self._turns.wake()

    async def dispatch(self, arrival: Arrival, body: bytes) -> None:
        """Return when the endpoint has taken the copy. Raises Undelivered, Unreadable, NotItsTurn, GivenBack,
        Unavailable."""
        copy, now = self._read(arrival.headers, body), self._means.clock.now()
        begin = _begun(arrival.headers, _first(arrival.headers, now))
        self.stance.ages.came(copy.deliveryid, min(begin, copy.accepted_at) if copy.lane else begin, now)
        if not self._keeps_order(copy):
            await self._try(arrival, copy)
            if copy.lane:
                await self._turns.went(copy)
            return
        in_vain = number(arrival.headers.get(WAITS)) >= IN_VAIN
        async with self._turns.of(copy, self._stopped, in_vain=in_vain) as stand:
            if stand != "past" or arrival.headers.get(REDRIVEN_AT):  # a person wants it once more, whatever its turn
                await self._try(arrival, copy)
                await self._turns.done(copy)
        self.stance.ages.ended(copy.deliveryid)

    def _keeps_order(self, copy: Copy) -> bool:
        return bool(copy.lane) and self._terms.order == BY_KEY

    async def _try(self, arrival: Arrival, copy: Copy) -> None:
        if self.probe and self._is_over(arrival.headers):
            raise Undelivered(Verdict("target", OUT_OF_TIME))
        await self.stance.enter(self._stopped, probe=self.probe)
        try:
            verdict = await self._send(copy, number(arrival.headers.get(ATTEMPTS)) + 1)
        except BaseException:
            self.stance.dropped()
            raise
        self.stance.left(verdict, self._terms.webhook, probe=self.probe)
        if verdict.meaning != "delivered":
            raise Undelivered(verdict)
        self.stance.ages.ended(copy.deliveryid)

    def _is_over(self, headers: Mapping[str, Any]) -> bool:
        now = self._means.clock.now()
        kept = carried(headers)
        return self._spent(kept, _first(kept, now), now) > duration(self._terms.retry_for)

    async def _send(self, copy: Copy, attempt: int) -> Verdict:
        began, now = running_seconds(), self._means.clock.now()
        made = content(copy, self._terms)
        timestamp = int(now.timestamp())
        keys = await self._means.keyring[self._terms.signature].live(target_id(self.bus, self.target))
        headers = {
            **headers_of_its_own(self._terms),
            **made.headers,
            "User-Agent": AGENT,
            "webhook-id": copy.deliveryid,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(copy.deliveryid, timestamp, made.body, keys),
            "WebHook-Request-Origin": self._means.origin,
            "milesaga-attempt": str(attempt),
            **({"milesaga-replay": copy.replayid} if copy.replayid else {}),
            **trace_of(copy),
        }
        endpoint = Endpoint(self._means.owner(self.bus), str(self._terms.webhook), self._terms.timeout)
        answer = await self._means.poster.post(endpoint, headers, made.body)
        verdict = judge(answer, self._means.clock.now())
        outcome: Literal["delivered", "refused", "failed"] = (
            "delivered" if verdict.meaning == "delivered" else "refused" if verdict.meaning == "copy" else "failed"
        )
        seconds = running_seconds() - began
        self._means.meter.tried(self.bus, self.target, counted(verdict.fault), seconds)
        self._tell(
            copy, now, attempt, outcome, ms=round(seconds * 1000), status=answer.status, fault=verdict.fault or None
        )
        return verdict

    def next_stop(self, failed: Failed, now: datetime) -> OutboxMessage:
        """To a tier, from which it comes back to this queue; or to the dead letters, with all that is known of why."""
        kept = carried(failed.arrival.headers)
        attempts = number(kept.get(ATTEMPTS)) + 1
        first = _first(kept, now)
        error = failed.error
        verdict = error.verdict if isinstance(error, Undelivered) else Verdict("target", type(error).__name__.lower())
        refusals = number(kept.get(REFUSALS)) + (verdict.meaning == "copy")
        headers = {
            **kept,
            ATTEMPTS: str(attempts),
            REFUSALS: str(refusals),
            FIRST_FAILED_AT: first.isoformat(),
            LAST_FAILED_AT: now.isoformat(),
            **origin(failed.arrival),
            QUEUE: failed.queue,
        }
        if isinstance(error, NotItsTurn):
            waits = number(kept.get(WAITS)) + (error.again_in is None)
            told = {**kept, WAITS: str(waits), **origin(failed.arrival), QUEUE: failed.queue}
            tier = waiting_tier(waits, error.again_in, blocked=error.blocked)
            return self._message(tier_exchange(tier), failed.queue, told, failed.body, now)
        if isinstance(error, Unreadable):
            return self._dead(headers, failed.body, UNREADABLE, str(error), now)
        tried = Tried(verdict, attempts, refusals, self._spent(kept, first, now))
        tier = tier_for(tried, self._terms, self._means.random)
        if (reason := dead_for(tried, self._terms, TIERS[tier])) is not None:
            return self._dead(headers, failed.body, reason, verdict.fault, now)
        return self._message(tier_exchange(tier), failed.queue, headers, failed.body, now)

    async def passed_on(self, failed: Failed, stop: OutboxMessage) -> None:
        """What ended among the dead letters is on record, and those of its key behind it wait for a person, or go on.
        Raises Conflict, Unavailable: then it comes again, and dies again."""
        if stop.routing_key != dead_target_queue(self.bus, self.target) or isinstance(failed.error, Unreadable):
            return
        copy = self._read(failed.arrival.headers, failed.body)
        if self._keeps_order(copy):
            await self._turns.died(copy, self._terms.on_dead)
        elif copy.lane:
            await self._turns.went(copy)
        self.stance.ages.ended(copy.deliveryid)
        self._tell(copy, stop.saved_at, number(stop.headers.get(ATTEMPTS)), "dead", fault=_word(stop))
        self._means.deaths.saw(copy, _word(stop), stop.headers[FINGERPRINT])

    def _spent(self, kept: Mapping[str, str], first: datetime, now: datetime) -> timedelta:
        begin = _begun(kept, first)
        return max(now - begin - within(self.stance.gaps(now), begin, now), timedelta(0))

    def _dead(self, headers: Mapping[str, str], body: bytes, reason: str, detail: str, now: datetime) -> OutboxMessage:
        told = {
            **headers,
            REASON: f"{reason}: {detail}"[:500],
            EXCEPTION: reason,
            FINGERPRINT: f"{self.bus}/{self.target}:{reason if reason == UNREADABLE else detail}",
        }
        return self._message("", dead_target_queue(self.bus, self.target), told, body, now)

    def _message(
        self, exchange: str, routing_key: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> OutboxMessage:
        return OutboxMessage(
            id=headers.get("cloudEvents:deliveryid", ""),
            exchange=exchange,
            routing_key=routing_key,
            headers=headers,
            body=body,
            mandatory=True,
            saved_at=now,
        )

    def _read(self, headers: Mapping[str, Any], body: bytes) -> Copy:
        try:
            return Copy.of(headers, body)
        except ValueError as error:
            raise Unreadable(str(error)) from error

    def _tell(
        self,
        copy: Copy,
        at: datetime,
        attempt: int,
        outcome: Literal["delivered", "refused", "failed", "dead"],
        *,
        ms: int = 0,
        status: int | None = None,
        fault: str | None = None,
    ) -> None:
        self._means.telling.tell(
            Attempt(
                deliveryid=copy.deliveryid,
                hubid=copy.hubid,
                bus=copy.bus,
                target=copy.target,
                at=at,
                ms=ms,
                attempt=attempt,
                outcome=outcome,
                status=status,
                fault=fault,
                replay=copy.replayid or None,
            )
        )


def _first(headers: Mapping[str, Any], now: datetime) -> datetime:
    """When it failed first; now, where it has not."""
    return min(moment(headers.get(FIRST_FAILED_AT)) or now, now)


def _word(stop: OutboxMessage) -> str:
    return stop.headers.get(EXCEPTION, OUT_OF_TIME)


def _begun(headers: Mapping[str, Any], first: datetime) -> datetime:
    """When the time of a copy with such headers began: one that waits for its turn has not begun."""
    again = any(headers.get(f"{PREFIXES[0]}{name}") for name in ("replayid", "lane"))
    return begun(
        moment(headers.get(f"{PREFIXES[0]}hubat")), first, redriven=moment(headers.get(REDRIVEN_AT)), again=again
    )
