"""Randomness comes from outside, so that a simulation can repeat a failure by its seed."""

from collections.abc import Sequence
from random import Random as SystemRandom
from typing import Protocol, TypeVar

T = TypeVar("T")

__all__ = ["Random", "SystemRandom"]


class Random(Protocol):
    """What this house asks of chance."""

    def choice(self, seq: Sequence[T], /) -> T: ...
