"""Accepted events are routed: a page's copies go out together, then it is on record which rules asked for them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from services.hub.cases.in_force import InForce
from shared.bus.copies import dead, outgoing
from shared.bus.outbox import Outbox, Publisher, Unroutable
from shared.bus.standing import StandingQueues
from shared.contracts.archive import (
    ArchivedEvent,
    Attempt,
    KeepRecords,
    Routed,
    RoutedCopy,
    UndecidedEvent,
)
from shared.contracts.buses import TargetTerms
from shared.contracts.copies import Copy
from shared.contracts.hub import RoutePage
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import Clock
from shared.kernel.meter import HubMeter
from shared.routing.bus import Bus, Routing
from shared.routing.buses import Buses, Undecided

MOST_RECORDS: Final = 1_000
"""In one message: what is said of a page whose events are wanted everywhere must still be read."""
AT_ONCE: Final = 32
"""Events that are routed before others have their turn in the process."""


@dataclass
class _Made:
    """Of one event: what is to be sent, and what is to be said of it."""

    event: ArchivedEvent
    messages: list[OutboxMessage] = field(default_factory=list)
    targets: list[tuple[str, str]] = field(default_factory=list)
    records: list[RoutedCopy] = field(default_factory=list)
    undecided: list[UndecidedEvent] = field(default_factory=list)
    matches: list[tuple[str, str, str]] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    error: Exception | None = None


class PageRouting:
    """The router of one replica."""

    def __init__(
        self,
        in_force: InForce,
        publisher: Publisher,
        queues: StandingQueues,
        outbox: Outbox,
        clock: Clock,
        *,
        meter: HubMeter,
    ) -> None:
        self._meter = meter
        self._in_force = in_force
        self._publisher = publisher
        self._queues = queues
        self._outbox = outbox
        self._clock = clock

    async def route(self, page: RoutePage) -> None:
        """Return when every copy is in its queue, and the record of them on its way.

        An event that cannot be routed comes again as a page of its own: none of the others waits for it. Raises Later,
        NotPublished, Unavailable, and whatever is wrong with a page of one event.
        """
        async with self._in_force.using() as buses:
            made = await self._made(page, buses)
            await self._send([each for each in made if each.error is None])
        failed = [each for each in made if each.error is not None]
        if failed and len(page.events) == 1 and failed[0].error is not None:
            raise failed[0].error
        again = [self._outbox.entry(page.model_copy(update={"events": (each.event,)})) for each in failed]
        await self._publisher.publish(again)
        done = [each for each in made if each.error is None]
        await self._tell(page, done)
        self._count(done)

    async def _made(self, page: RoutePage, buses: Buses) -> list[_Made]:
        made = []
        for number, event in enumerate(page.events, start=1):
            made.append(self._of(event, buses))
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        return made

    def _of(self, event: ArchivedEvent, buses: Buses) -> _Made:
        made = _Made(event)
        try:
            for found in buses.route(event):
                if isinstance(found, Undecided):
                    made.undecided.append(UndecidedEvent(hubid=event.hubid, bus=found.bus, revision=found.revision))
                else:
                    self._add(made, found, buses.by_name[found.bus])
        except Exception as error:  # noqa: BLE001 - whatever is wrong, it is wrong with this event alone
            made.error = error
        return made

    def _add(self, made: _Made, routing: Routing, bus: Bus) -> None:
        now = self._clock.now()
        made.records += routing.records
        made.matches += [(routing.bus, match.rule, match.mode) for match in routing.matches]
        for copy in routing.copies:
            self._put(made, copy, bus.target(copy.target), outgoing(copy, bus.target(copy.target), now))
        for broken in routing.broken:
            copy, target = broken.copy, bus.target(broken.copy.target)
            self._put(made, copy, target, dead(copy, target, broken.reason, broken.detail, now))
            made.attempts.append(
                Attempt(
                    deliveryid=copy.deliveryid,
                    hubid=copy.hubid,
                    bus=copy.bus,
                    target=copy.target,
                    at=now,
                    ms=0,
                    attempt=0,
                    outcome="dead",
                    fault=broken.reason,
                )
            )

    def _put(self, made: _Made, copy: Copy, target: TargetTerms, message: OutboxMessage | None) -> None:
        if message is None:
            return
        made.messages.append(message)
        if target.service is None:
            made.targets.append((copy.bus, copy.target))

    async def _send(self, made: Sequence[_Made]) -> None:
        """Where no queue takes one, somebody may have deleted it: it is made again, and what still finds none is told
        apart by events. Raises NotPublished."""
        try:
            await self._publisher.publish([message for each in made for message in each.messages])
        except Unroutable:
            await self._queues.make_targets(list(dict.fromkeys(target for each in made for target in each.targets)))
            sending = (self._publisher.publish(each.messages) for each in made)
            for each, outcome in zip(made, await asyncio.gather(*sending, return_exceptions=True), strict=True):
                if isinstance(outcome, Unroutable):
                    each.error = outcome
                elif isinstance(outcome, BaseException):
                    raise outcome from None

    def _count(self, made: Sequence[_Made]) -> None:
        for matched, count in Counter(match for each in made for match in each.matches).items():
            self._meter.matched(*matched, count)
        for bus, count in Counter(one.bus for each in made for one in each.undecided).items():
            self._meter.undecided(bus, count)
        if unmatched := sum(not each.matches and not each.undecided for each in made):
            self._meter.unmatched(unmatched)

    async def _tell(self, page: RoutePage, made: Sequence[_Made]) -> None:
        if not made:
            return
        records = [record for each in made for record in each.records]
        undecided = tuple(one for each in made for one in each.undecided)
        attempts = [attempt for each in made for attempt in each.attempts]
        now = self._clock.now()
        told: list[OutboxMessage] = []
        for start in range(0, max(len(records), len(attempts), 1), MOST_RECORDS):
            first = start == 0
            routed = Routed(
                page=page.page,
                part=page.part,
                at=now,
                events=len(made) if first else 0,
                copies=tuple(records[start : start + MOST_RECORDS]),
                undecided=undecided if first else (),
            )
            kept = KeepRecords(
                batch=f"{page.page}:{page.part}:{start}",
                routed=(routed,),
                attempts=tuple(attempts[start : start + MOST_RECORDS]),
            )
            told.append(self._outbox.entry(kept))
        await self._publisher.publish(told)
