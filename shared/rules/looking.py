"""One event while rules are tried on it."""

from collections.abc import Iterator
from typing import Any, Final

from shared.rules.limits import STEPS


class _Missing:
    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = _Missing()
"""What stands at a field that an object has not. Not null, which is there."""


class TooMuchWork(Exception):
    """The event's lists are too long for the rules that look through them; no verdict was reached."""


class Look:
    """The event's document, and how much work its lists and long texts may still cause."""

    __slots__ = ("document", "left")

    def __init__(self, document: dict[str, Any], steps: int = STEPS) -> None:
        self.document = document
        self.left = steps

    def spend(self, steps: int) -> None:
        """Raises TooMuchWork where less is left."""
        self.left -= steps
        if self.left < 0:
            raise TooMuchWork("the event's lists are too long for its rules")


def elements(values: list[Any], look: Look, cost: int = 1) -> Iterator[Any]:
    """What lies in a list, lists inside it opened up, in its order; `cost` is that of what is done with each. Raises
    TooMuchWork."""
    look.spend(len(values) * cost)
    return _opened(values, look, cost) if list in map(type, values) else iter(values)


def _opened(values: list[Any], look: Look, cost: int) -> Iterator[Any]:
    """Not recursive: lists may be nested more deeply than Python calls."""
    waiting = [iter(values)]
    while waiting:
        for value in waiting[-1]:
            if type(value) is list:
                look.spend(len(value) * cost)
                waiting.append(iter(value))
                break
            yield value
        else:
            waiting.pop()
