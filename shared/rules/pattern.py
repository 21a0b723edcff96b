"""What a rule asks of an event: a pattern, parsed."""

from collections.abc import Iterator
from dataclasses import dataclass

from shared.rules.operators.test import Test
from shared.rules.scalars import Json

AND, OR, NOT = "$and", "$or", "$not"


@dataclass(frozen=True, slots=True)
class Field:
    """One name of an object: tests, of which one must hold, or a pattern for what stands there."""

    name: str
    wanted: "tuple[Test, ...] | Pattern"

    @property
    def data(self) -> dict[str, Json]:
        """As it is written."""
        return {
            self.name: self.wanted.data if isinstance(self.wanted, Pattern) else [test.data for test in self.wanted]
        }


@dataclass(frozen=True, slots=True)
class Pattern:
    """All of it must hold of one object: each field, each pattern of `$and`, one of `$or`, and that of `$not` must not.

    Where no object stands (nothing at all, null, a scalar, a list without objects) all fields are missing.
    """

    fields: tuple[Field, ...] = ()
    every: "tuple[Pattern, ...]" = ()
    some: "tuple[Pattern, ...]" = ()
    never: "Pattern | None" = None

    @property
    def data(self) -> Json:
        """As it is written: parsed once more, it is the same pattern."""
        written: dict[str, Json] = {}
        for field in self.fields:
            written |= field.data
        if self.every:
            written[AND] = [pattern.data for pattern in self.every]
        if self.some:
            written[OR] = [pattern.data for pattern in self.some]
        if self.never is not None:
            written[NOT] = self.never.data
        return written

    @property
    def cost(self) -> int:
        """What looking at one event can take: nodes, lengths of lists and pointers, and eight for each wildcard,
        network and moment."""
        fields = sum(1 + _cost(field.wanted) for field in self.fields)
        return fields + sum(1 + inner.cost for inner in self.inner())

    def inner(self) -> "Iterator[Pattern]":
        """The patterns that look at the same object."""
        yield from self.every
        yield from self.some
        if self.never is not None:
            yield self.never


def _cost(wanted: tuple[Test, ...] | Pattern) -> int:
    return wanted.cost if isinstance(wanted, Pattern) else sum(test.cost for test in wanted)
