"""What the process that has a target learns of its endpoint is kept, and told."""

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Final

from services.delivery.cases.known import Place
from services.delivery.cases.stance import Stance
from services.delivery.cases.verifying import Verifying
from services.delivery.domain.state import TargetState
from services.delivery.domain.target import target_id
from services.delivery.ports import Unopenable
from shared.bus.outbox import Outbox
from shared.bus.standing import BrokerAway, StandingQueues
from shared.contracts.copies import target_queue
from shared.contracts.delivery import TargetFailing, TargetRecovered
from shared.contracts.messages import Event
from shared.kernel.clock import Clock, running_seconds
from shared.kernel.pauses import growing
from shared.kernel.values import changed
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Repository

log = logging.getLogger(__name__)

ASKED_FIRST: Final = timedelta(seconds=1)
ASKED_SELDOM: Final = timedelta(minutes=5)
"""An endpoint that has not agreed is asked again after a second, 2, 4, .. 300 s."""
LEARNT: Final = ("gone_since", "rests_until", "failing_since", "fault")
"""Fields of a target's state that its process writes, each where it has changed."""
SAME: Final = timedelta(seconds=1)
"""A rest that ends so little later is the one that is noted."""


class Noting:
    """Of one process's targets."""

    def __init__(
        self,
        states: Repository[TargetState],
        verifying: Verifying,
        queues: StandingQueues,
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._states = states
        self._verifying = verifying
        self._queues = queues
        self._outbox = outbox
        self._clock = clock
        self._asked: dict[Place, tuple[str, int, float]] = {}
        """The URL, how often, and when next."""
        self._asking: dict[Place, asyncio.Task[None]] = {}

    async def note(self, place: Place, stance: Stance) -> None:
        """Save what is new of it; ask an endpoint that has not agreed. Raises Unavailable."""
        state, now = stance.state, self._clock.now()
        if state.verified != stance.terms.webhook:
            self._ask(place, stance)
        else:
            self._asked.pop(place, None)
        after = state
        if stance.gone and state.gone_since is None:
            after = changed(after, gone_since=now, fault="http_410")
            log.error("an endpoint is gone", extra={"queue": target_queue(*place)})
        rests = stance.rests_until - running_seconds()
        if rests > 0 and (state.rests_until is None or state.rests_until < now + timedelta(seconds=rests) - SAME):
            after = changed(after, rests_until=now + timedelta(seconds=rests))
        said: list[Event] = []
        is_open = stance.breaker.phase(running_seconds()) != "closed"
        if is_open and state.failing_since is None:
            fault = stance.faults[-1] if stance.faults else "unknown"
            after = changed(after, failing_since=now, fault=fault)
            said.append(await self._failing(place, now, fault))
        elif not is_open and state.failing_since is not None and stance.breaker.knows:
            after = changed(after, failing_since=None)
            said.append(TargetRecovered(bus=place[0], target=place[1], since=now))
        if after is not state and (saved := await self._save(state, after, said)) is not None:
            stance.state = saved  # what others change from now on is seen as a change of this

    async def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    async def _failing(self, place: Place, now: datetime, fault: str) -> TargetFailing:
        queue = target_queue(*place)
        try:
            depth = (await self._queues.standing([queue])).get(queue)
        except BrokerAway:
            depth = None
        waiting = depth.messages if depth is not None else 0
        return TargetFailing(bus=place[0], target=place[1], since=now, waiting=waiting, fault=fault)

    async def _save(self, seen: TargetState, after: TargetState, said: list[Event]) -> TargetState | None:
        """What is new is written into what is stored, of which others may have changed the rest since it was `seen`;
        None where somebody does so at this moment: then it is said at the next look."""
        stored = await self._states.load(after.id)
        before = stored.value if stored is not None else TargetState(id=after.id)
        fields = {name: told for name in LEARNT if (told := getattr(after, name)) != getattr(seen, name)}
        entries = [self._outbox.entry(each) for each in said]
        try:
            saved = await self._states.save(
                changed(before, **fields), version=stored.version if stored else 0, messages=entries
            )
        except Conflict:
            return None
        self._outbox.send_soon(self._states.collection, after.id, entries)
        return saved.value

    def _ask(self, place: Place, stance: Stance) -> None:
        """One question at a time, in the background: an endpoint may hang."""
        url = str(stance.terms.webhook)
        asked, often, again_at = self._asked.get(place, (url, 0, 0.0))
        if asked != url:
            often, again_at = 0, 0.0
        if place in self._asking or running_seconds() < again_at or stance.state.paused_since is not None:
            return
        pause = growing(ASKED_FIRST, 2.0, ASKED_SELDOM, often).total_seconds()
        self._asked[place] = url, often + 1, running_seconds() + pause
        self._asking[place] = task = asyncio.create_task(self._verify(place, stance))
        task.add_done_callback(lambda _: self._asking.pop(place))

    async def _verify(self, place: Place, stance: Stance) -> None:
        terms, id_ = stance.terms, target_id(*place)
        try:
            agreed = await self._verifying.verify(id_, terms)
            if agreed.agrees:
                await agree(self._states, id_, str(terms.webhook), agreed.per_minute)
            else:
                await disagree(self._states, id_, str(terms.webhook), agreed.fault)
        except (Unavailable, Conflict, Unopenable) as error:
            log.warning(
                "an endpoint was not asked", extra={"queue": target_queue(*place), "error": type(error).__name__}
            )


async def agree(states: Repository[TargetState], id_: str, url: str, per_minute: int | None) -> None:
    """The endpoint at this URL may be sent events. Raises Conflict, Unavailable."""

    def agreed(state: TargetState | None) -> TargetState:
        before = state or TargetState(id=id_)
        fault = before.fault if before.verified == url else None
        after = changed(before, verified=url, per_minute=per_minute, gone_since=None, fault=fault)
        return before if after == before else after

    await states.change(id_, agreed)


async def disagree(states: Repository[TargetState], id_: str, url: str, fault: str | None) -> None:
    """The endpoint at this URL may not be sent events yet, and this is why. Raises Conflict, Unavailable."""

    def refused(state: TargetState | None) -> TargetState:
        before = state or TargetState(id=id_)
        return before if before.verified == url or before.fault == fault else changed(before, fault=fault)

    await states.change(id_, refused)
