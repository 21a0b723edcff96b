"""Targets as they are shown: what is known of each, and what the broker says of its queues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.delivery.cases.looking import Looking
from services.delivery.cases.skipping import Skipping
from services.delivery.domain.hands import NOTHING, InHand
from services.delivery.domain.order import Progress
from services.delivery.domain.state import TargetState
from services.delivery.domain.target import KnownBus, target_id
from services.delivery.http.views import ShownLane, ShownTarget
from shared.bus.measuring import Depth
from shared.bus.standing import BrokerAway, StandingQueues
from shared.contracts.buses import BY_KEY, WITH_QUEUES
from shared.contracts.copies import dead_target_queue, target_queue
from shared.kernel.values import changed


@dataclass(frozen=True)
class Shower:
    """Where the broker is away, what waits cannot be seen."""

    looking: Looking
    skipping: Skipping
    queues: StandingQueues

    async def one(self, known: KnownBus, target: str) -> ShownTarget:
        alone = changed(known, targets={target: known.targets[target]})
        return (await self.all_of([alone]))[0]

    async def all_of(self, buses: Sequence[KnownBus]) -> list[ShownTarget]:
        places = [(bus.id, name) for bus in buses for name, each in bus.targets.items() if each.kind in WITH_QUEUES]
        wanted = [queue for place in places for queue in (target_queue(*place), dead_target_queue(*place))]
        try:
            depths = await self.queues.standing(wanted) if wanted else {}
        except BrokerAway:
            depths = {}
        states, hands = await self.looking.standing(buses), self.looking.in_hand()
        now = self.looking.clock.now()
        return [
            _target(
                bus,
                name,
                states[target_id(bus.id, name)],
                await self._blocked(bus, name),
                depths,
                hands.get(target_id(bus.id, name), NOTHING),
                now,
            )
            for bus in buses
            for name in bus.targets
        ]

    async def _blocked(self, bus: KnownBus, name: str) -> Sequence[Progress]:
        return await self.skipping.blocked(bus.id, name) if bus.targets[name].order == BY_KEY else ()


def _target(  # noqa: PLR0917 - all that is known of one
    bus: KnownBus,
    name: str,
    state: TargetState,
    blocked: Sequence[Progress],
    depths: Mapping[str, Depth],
    hand: InHand,
    now: datetime,
) -> ShownTarget:
    terms = bus.targets[name]
    is_webhook = terms.webhook is not None

    def messages(queue: str) -> int | None:
        return depth.messages if (depth := depths.get(queue)) is not None else None

    waiting = messages(target_queue(bus.id, name))
    shown = state.shown(terms, now, blocked=bool(blocked))
    since = {"paused": state.paused_since, "gone": state.gone_since, "failing": state.failing_since}
    return ShownTarget(
        bus=bus.id,
        name=name,
        partner=bus.partner,
        revision=bus.revision,
        kind=terms.kind,
        state=shown,
        since=min((each.at for each in blocked), default=None) if shown == "blocked" else since.get(shown),
        fault=state.fault,
        rate=state.allowed(terms),
        waiting=waiting,
        in_flight=hand.under_way if is_webhook else None,
        oldest_seconds=_oldest(hand, waiting, now) if is_webhook else None,
        dead=messages(dead_target_queue(bus.id, name)),
        blocked=[
            ShownLane(lane=each.lane, laneseq=each.done + 1, delivery_id=each.blocked, since=each.at)
            for each in blocked
        ],
    )


def _oldest(hand: InHand, waiting: int | None, now: datetime) -> float | None:
    """What waits in a queue that nobody has looked at yet is as old as it may be."""
    if hand.waits_since is None:
        return 0.0 if waiting == 0 else None
    return max((now - hand.waits_since).total_seconds(), 0.0)
