"""What the targets of this process have in hand, and those of all processes that live."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.delivery.cases.stance import Stance
from services.delivery.domain.hands import InHand, heard, together, word


class Hands:
    """Of one process. The others' are as they said last, with the word that they live."""

    def __init__(self) -> None:
        self._own: dict[str, Stance] = {}
        self._left: list[tuple[str, Stance]] = []
        """Targets that others have by now, while requests that were begun here are under way."""

    def took(self, target: str, stance: Stance) -> None:
        """The target is this process's."""
        self._own[target] = stance

    def left(self, target: str) -> None:
        """It is no more. What its copies have waited is told by whoever has it now."""
        self._left.append((target, self._own.pop(target)))

    def now(self) -> Mapping[str, InHand]:
        """By targets' ids."""
        self._left = [(target, stance) for target, stance in self._left if stance.under_way]
        own = {target: InHand(each.under_way, each.ages.since) for target, each in self._own.items()}
        return together([own, *({target: InHand(each.under_way)} for target, each in self._left)])

    def word(self) -> Mapping[str, Any]:
        """For the other processes."""
        return word(self.now())

    def of_all(self, others: Iterable[Mapping[str, Any]]) -> Mapping[str, InHand]:
        """Of all processes that live, by targets' ids; the others' by their words."""
        return together([self.now(), *heard(others)])
