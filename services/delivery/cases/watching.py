"""Which targets this process works for: their queues are consumed, while their endpoints may be sent anything."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from services.delivery.cases.in_hand import Hands
from services.delivery.cases.known import Known, Place
from services.delivery.cases.living import Living
from services.delivery.cases.noting import Noting
from services.delivery.cases.sending import Means, Sending
from services.delivery.cases.stance import Stance
from services.delivery.cases.turns import MOST_WAITING
from services.delivery.domain.target import target_id
from shared.bus.standing import BrokerAway, Reader, Reading, StandingQueues
from shared.contracts.buses import BY_KEY, TargetTerms
from shared.contracts.copies import target_queue
from shared.kernel.clock import running_seconds
from shared.store.documents import Unavailable

log = logging.getLogger(__name__)

PAUSE: Final = 0.5
"""Seconds between two looks."""
LEAVES: Final = 35.0
"""Seconds for what is in hand of a target that is left: longer than a request may take."""
AHEAD: Final = 2
"""Copies in hand for each request that may be under way: the next one is here when one ends."""

Mode = Literal["off", "on", "probe"]


@dataclass
class _Work:
    sending: Sending
    reader: Reader


class Watching:
    """The targets of one process."""

    def __init__(
        self,
        known: Known,
        living: Living,
        noting: Noting,
        *,
        queues: StandingQueues,
        means: Means,
        service: str,
        hands: Hands,
    ) -> None:
        self._known = known
        self._living = living
        self._noting = noting
        self._hands = hands
        self._queues = queues
        self._means = means
        self._service = service
        self._stances: dict[Place, Stance] = {}
        self._at_work: dict[Place, _Work] = {}
        self._leaving: dict[Place, asyncio.Task[None]] = {}

    async def look(self) -> None:
        """Take up what has changed. Raises Unavailable: who cannot say that it lives works for nobody after a while."""
        try:
            await self._living.look()
            await self._known.look()
        except Unavailable:
            if not self._living.counts:
                self._leave_all()
            raise
        wanted = self._wanted()
        self._take_stances(wanted)
        for place, work in list(self._at_work.items()):
            if work.reader.ended or place not in wanted or self._is_other(place, work):
                self._leave(place)
        for place in wanted:
            if place not in self._at_work and place not in self._leaving:
                await self._begin(place)
        for place, stance in self._stances.items():
            await self._noting.note(place, stance)

    async def close(self) -> None:
        self._leave_all()
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)
        await self._noting.close()
        await self._living.leave()

    def stance(self, place: Place) -> Stance | None:
        """How this process stands to a webhook that it works for."""
        return self._stances.get(place)

    def _wanted(self) -> Mapping[Place, TargetTerms]:
        return {place: terms for place, terms in self._known.webhooks.items() if self._living.has(target_id(*place))}

    def _take_stances(self, wanted: Mapping[Place, TargetTerms]) -> None:
        for place, terms in wanted.items():
            state = self._known.state(place)
            stance = self._stances.get(place)
            if stance is None:
                stance = self._stances[place] = Stance(terms, state, lambda place=place: self._stop(place))  # type: ignore[misc]
                if state.rests_until is not None:
                    stance.rests(state.rests_until, self._means.clock.now())
                self._hands.took(target_id(*place), stance)
            stance.told(terms, state)
            stance.outages = self._living.gaps
        for place in self._stances.keys() - wanted.keys():
            del self._stances[place]
            self._hands.left(target_id(*place))
            self._means.meter.left(*place)

    def _mode(self, place: Place) -> Mode:
        stance = self._stances[place]
        phase = stance.breaker.phase(running_seconds())
        if phase == "open" or not stance.may_send():
            return "off"
        return "on" if phase == "closed" else "probe"

    def _is_other(self, place: Place, work: _Work) -> bool:
        mode = "probe" if work.sending.probe else "on"
        return self._mode(place) != mode or work.sending.terms != self._stances[place].terms

    async def _begin(self, place: Place) -> None:
        """What cannot be consumed now is tried at the next look."""
        mode, stance = self._mode(place), self._stances[place]
        if mode == "off":
            return
        probe = mode == "probe"
        sending = Sending(*place, stance, self._means, probe=probe)
        reading = Reading(
            queue=target_queue(*place),
            service=self._service,
            takes=sending,
            passes_on=sending,
            prefetch=1 if probe else _ahead(stance.terms),
            passed_on=sending.passed_on,
        )
        try:
            self._at_work[place] = _Work(sending, await self._queues.read_queue(reading))
        except BrokerAway as error:
            log.info("a target waits for the broker", extra={"queue": reading.queue, "reason": str(error)[:100]})

    def _stop(self, place: Place) -> None:
        if place in self._at_work:
            self._leave(place)

    def _leave_all(self) -> None:
        for place in list(self._at_work):
            self._leave(place)

    def _leave(self, place: Place) -> None:
        """What waits goes back, what is under way is finished beside the work of others; until then nothing new is
        begun there. The consumer is cancelled before anything goes back, or it would be given the same again."""
        work = self._at_work.pop(place)
        self._leaving[place] = task = asyncio.create_task(work.reader.leave(LEAVES))
        task.add_done_callback(lambda _: self._leaving.pop(place))
        asyncio.get_running_loop().call_soon(work.sending.stop)


def _ahead(terms: TargetTerms) -> int:
    """Copies in hand; those that wait for their turn come on top of those that may go."""
    return AHEAD * terms.concurrency + (MOST_WAITING if terms.order == BY_KEY else 0)
