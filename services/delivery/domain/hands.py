"""What processes have in hand of targets, and tell each other. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

WORD: Final = "hands"
"""What a process says of it, beside what else it says."""
MOST: Final = 500
"""Targets of one process's word; those whose copies have waited longest come first."""


@dataclass(frozen=True, slots=True)
class InHand:
    """Of one target: requests under way, and when the time of the oldest copy began that its endpoint has not taken;
    None where none is known of."""

    under_way: int = 0
    waits_since: datetime | None = None

    def __add__(self, other: "InHand") -> "InHand":
        moments = [each for each in (self.waits_since, other.waits_since) if each is not None]
        return InHand(self.under_way + other.under_way, min(moments, default=None))


NOTHING: Final = InHand()
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


def word(hands: Mapping[str, InHand]) -> Mapping[str, Any]:
    """By targets' ids; what is left out has nothing in hand."""
    told = [(id_, hand) for id_, hand in hands.items() if hand != NOTHING]
    told.sort(key=lambda each: each[1].waits_since or _NEVER)
    return {WORD: [[id_, hand.under_way, _written(hand.waits_since)] for id_, hand in told[:MOST]]}


def heard(words: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, InHand]]:
    """What each of several processes has in hand. One of a release before says nothing of it."""
    for each in words:
        yield {id_: _read(rest) for id_, *rest in each.get(WORD, ())}


def together(hands: Iterable[Mapping[str, InHand]]) -> Mapping[str, InHand]:
    """Over processes: a target that has moved is in two hands, until what was begun has ended."""
    found: dict[str, InHand] = {}
    for each in hands:
        for target, hand in each.items():
            found[target] = found.get(target, NOTHING) + hand
    return found


def _read(rest: Sequence[Any]) -> InHand:
    under_way, since = rest
    return InHand(under_way, datetime.fromisoformat(since) if since is not None else None)


def _written(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment is not None else None
