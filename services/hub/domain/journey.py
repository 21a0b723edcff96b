"""What became of an event at one target."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from shared.contracts.archive import Attempt, RoutedCopy
from shared.contracts.buses import BusTerms

State = Literal[
    "counted",
    "waiting",
    "tried",
    "delivered",
    "dead",
    "skipped",
    "discarded",
    "in_queue",
    "handed_over",
    "in_feed",
]
ENDS: Final[dict[str, State]] = {
    "delivered": "delivered",
    "dead": "dead",
    "skipped": "skipped",
    "discarded": "discarded",
}
AT_REST: Final[dict[str, State]] = {"queue": "in_queue", "service": "handed_over", "feed": "in_feed"}
"""Where what follows is the receiver's business, who tells nobody."""


@dataclass(frozen=True, slots=True)
class Leg:
    """The event's way to one target, by the record of one routing, or by what was tried of one replay's copy: of that
    no routing is on record."""

    bus: str
    revision: int | None
    rules: tuple[str, ...]
    target: str
    state: State
    attempts: tuple[Attempt, ...]
    replay: str | None = None


def legs(routed: Sequence[RoutedCopy], attempts: Iterable[Attempt], buses: dict[str, BusTerms]) -> list[Leg]:
    """`buses` are those in force: what kind of target it is, they know; of one that is gone nobody does."""
    tried: dict[tuple[str, str, str | None], list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda each: each.at):
        tried.setdefault((attempt.bus, attempt.target, attempt.replay), []).append(attempt)
    found: list[Leg] = []
    sent = {(each.bus, each.target, None) for each in routed if not each.shadow}
    for each in dict.fromkeys(routed):
        own = () if each.shadow else tuple(tried.get((each.bus, each.target, None), ()))
        state = "counted" if each.shadow else _state(own) if own else _untried(each, buses)
        found.append(Leg(each.bus, each.revision, each.rules, each.target, state, own))
    return found + [
        Leg(bus, None, (), target, _state(own), tuple(own), replay)
        for (bus, target, replay), own in tried.items()
        if (bus, target, replay) not in sent
    ]


def _state(tried: Sequence[Attempt]) -> State:
    return ENDS.get(tried[-1].outcome, "tried")


def _untried(copy: RoutedCopy, buses: dict[str, BusTerms]) -> State:
    terms = buses.get(copy.bus)
    target = terms.targets.get(copy.target) if terms else None
    return AT_REST.get(target.kind, "waiting") if target else "waiting"
