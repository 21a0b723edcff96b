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
    """The event's way to one target, by the record of one routing."""

    bus: str
    revision: int
    rules: tuple[str, ...]
    target: str
    state: State
    attempts: tuple[Attempt, ...]


def legs(routed: Sequence[RoutedCopy], attempts: Iterable[Attempt], buses: dict[str, BusTerms]) -> list[Leg]:
    """`buses` are those in force: what kind of target it is, they know; of one that is gone nobody does."""
    tried: dict[tuple[str, str], list[Attempt]] = {}
    for attempt in sorted(attempts, key=lambda each: each.at):
        tried.setdefault((attempt.bus, attempt.target), []).append(attempt)
    return [
        Leg(
            each.bus,
            each.revision,
            each.rules,
            each.target,
            "counted" if each.shadow else _state(each, tried.get((each.bus, each.target), []), buses),
            () if each.shadow else tuple(tried.get((each.bus, each.target), [])),
        )
        for each in dict.fromkeys(routed)
    ]


def _state(copy: RoutedCopy, tried: Sequence[Attempt], buses: dict[str, BusTerms]) -> State:
    if tried:
        return ENDS.get(tried[-1].outcome, "tried")
    terms = buses.get(copy.bus)
    target = terms.targets.get(copy.target) if terms else None
    return AT_REST.get(target.kind, "waiting") if target else "waiting"
