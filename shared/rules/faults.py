"""What is wrong with a rule or an event, and where."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

JsonPath = tuple[str | int, ...]
"""The names and places that lead from a document's top to a node."""

_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a string",
    bool: "true or false",
    int: "a number",
    float: "a number",
    Decimal: "a number",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: at `pointer` (RFC 6901, into what was read) `expected` should stand, and `found` does."""

    pointer: str
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the whole'}: expected {self.expected}, found {self.found}"


class Unheld(Fault):
    """JSON can say it, and no value of ours can hold it: a number beyond 64 bit, half a surrogate pair."""


class Invalid(ValueError):
    """What was read is no rule, or no event; `faults` says all that is known, in the order of the text."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, self.faults)))


def pointer_to(path: Iterable[str | int]) -> str:
    """As RFC 6901 writes it; the empty one is the whole document."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def kind_of(value: Any) -> str:
    """What a value is, in words: never the value itself."""
    return _KINDS.get(type(value), f"a {type(value).__name__}")
