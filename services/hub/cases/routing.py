"""Accepted events are routed: a page's copies go out together, then it is on record which rules asked for them."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Final

from services.hub.cases.in_force import InForce
from services.hub.cases.made import Made
from services.hub.cases.ordering import NotYet, Ordering
from services.hub.domain.lane import place
from shared.bus.copies import dead, outgoing
from shared.bus.outbox import Outbox, Publisher, Unroutable
from shared.bus.standing import StandingQueues
from shared.contracts.archive import (
    ArchivedEvent,
    Attempt,
    KeepRecords,
    Routed,
    UndecidedEvent,
)
from shared.contracts.buses import TargetTerms
from shared.contracts.copies import Copy
from shared.contracts.hub import RoutePage
from shared.contracts.messages import OutboxMessage
from shared.kernel.clock import Clock
from shared.kernel.meter import HubMeter
from shared.kernel.turns import Turns
from shared.routing.bus import Bus, Routing
from shared.routing.buses import Buses, Undecided

MOST_RECORDS: Final = 1_000
"""In one message: what is said of a page whose events are wanted everywhere must still be read."""


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
        ordering: Ordering,
        meter: HubMeter,
    ) -> None:
        self._meter = meter
        self._ordering = ordering
        self._in_force = in_force
        self._publisher = publisher
        self._queues = queues
        self._outbox = outbox
        self._clock = clock

    async def route(self, page: RoutePage) -> None:
        """Return when every copy is in its queue, and the record of them on its way.

        An event that cannot be routed comes again as a page of its own: none of the others waits for it, but those of
        its key that come after it. Raises Later, NotPublished, Conflict, Unavailable, and whatever is wrong with a page
        of one event.
        """
        async with self._in_force.using() as buses:
            made = await self._made(page, buses)
            fine = [each for each in made if each.error is None]
            await self._send([each for each in fine if not each.lane])
            await self._ordering.route(page.page, [each for each in fine if each.lane], self._send)
        apart = _apart([each for each in made if each.error is not None])
        if len(apart) == 1 and len(apart[0]) == len(made) and (error := apart[0][0].error) is not None:
            raise error
        again = [page.model_copy(update={"events": tuple(each.event for each in some)}) for some in apart]
        await self._publisher.publish([self._outbox.entry(each) for each in again])
        done = [each for each in made if each.error is None]
        await self._tell(page, done)
        self._count(done)

    async def _made(self, page: RoutePage, buses: Buses) -> list[Made]:
        turns = Turns()
        return [await self._of(event, buses, turns) for event in page.events]

    async def _of(self, event: ArchivedEvent, buses: Buses, turns: Turns) -> Made:
        made = Made(event)
        try:
            for found in buses.each(event):
                await turns.give()
                if isinstance(found, Undecided):
                    made.undecided.append(UndecidedEvent(hubid=event.hubid, bus=found.bus, revision=found.revision))
                else:
                    self._add(made, found, buses.by_name[found.bus])
        except Exception as error:  # noqa: BLE001 - whatever is wrong, it is wrong with this event alone
            made.error = error
        await turns.give()
        return made

    def _add(self, made: Made, routing: Routing, bus: Bus) -> None:
        now = self._clock.now()
        made.records += routing.records
        made.matches += [(routing.bus, match.rule, match.mode) for match in routing.matches]
        for copy in routing.copies:
            since = bus.ordered.get(copy.target) if made.lane else None
            if since is not None:
                made.in_order.append((copy, place(copy.bus, copy.target, since)))
                made.targets.append((copy.bus, copy.target))
                continue
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

    def _put(self, made: Made, copy: Copy, target: TargetTerms, message: OutboxMessage | None) -> None:
        if message is None:
            return
        made.messages.append(message)
        if target.service is None:
            made.targets.append((copy.bus, copy.target))

    async def _send(self, made: Sequence[Made]) -> None:
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

    def _count(self, made: Sequence[Made]) -> None:
        for matched, count in Counter(match for each in made for match in each.matches).items():
            self._meter.matched(*matched, count)
        for bus, count in Counter(one.bus for each in made for one in each.undecided).items():
            self._meter.undecided(bus, count)
        if unmatched := sum(not each.matches and not each.undecided for each in made):
            self._meter.unmatched(unmatched)

    async def _tell(self, page: RoutePage, made: Sequence[Made]) -> None:
        if not made:
            return
        records = [record for each in made for record in each.records]
        undecided = tuple(one for each in made for one in each.undecided)
        unwanted = tuple(each.event.hubid for each in made if not each.records and not each.undecided)
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
                unwanted=unwanted if first else (),
            )
            kept = KeepRecords(
                batch=f"{page.page}:{page.part}:{start}",
                routed=(routed,),
                attempts=tuple(attempts[start : start + MOST_RECORDS]),
            )
            told.append(self._outbox.entry(kept))
        await self._publisher.publish(told)


def _apart(failed: Sequence[Made]) -> list[list[Made]]:
    """What comes again, page by page: each by itself, but together what waits for the same event."""
    pages: dict[str, list[Made]] = {}
    for made in failed:
        waits = isinstance(made.error, NotYet)
        pages.setdefault(f"waits {made.lane}" if waits else made.event.hubid, []).append(made)
    return list(pages.values())
