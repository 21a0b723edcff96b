"""Pauses that grow from try to try, up to a longest one."""

from datetime import timedelta
from math import log


def growing(first: timedelta, growth: float, longest: timedelta, repeats: int) -> timedelta:
    """The pause after so many repetitions: `first`, then `growth` times as long each time, `longest` at most.

    However often something is repeated: what is beyond the longest is not computed at all.
    """
    if repeats <= 0 or first >= longest or first <= timedelta(0):
        return min(first, longest)
    if growth <= 1:
        return first
    if repeats * log(growth) >= log(longest / first):
        return longest
    return min(first * growth**repeats, longest)
