"""A replay's lanes: its copies for targets that keep keys in order are numbered anew. Pure.

A replay may bring more keys than its document has room for. So a target's keys are shared out over a few lanes, a key
always to the same one, and each lane is numbered from 1. The document keeps how many copies each lane has been given,
in the write that says how far the replay is: whoever goes on from there gives the same copies the same numbers, and
leaves none out.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeAlias

from shared.contracts.copies import Copy, replay_lane

LANES: Final = 32
"""Of one target in one replay: no more of its copies can be under way at a time."""

Given: TypeAlias = Mapping[str, tuple[int, ...]]
"""How many copies each lane has been given, by target and the revision since which it keeps order."""


def lane_of(key: str) -> int:
    """Where the copies of a key go."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % LANES


class Numbering:
    """Goes on from what has been given, which stays as it was."""

    def __init__(self, replay: str, given: Given) -> None:
        self._replay = replay
        self.given = given

    def numbered(self, copy: Copy, key: str, since: int) -> Copy:
        """The copy with the next number of its lane. `since`: the revision since which its target keeps order; one that
        had none meanwhile begins anew."""
        place, lane = f"{copy.bus}/{copy.target}@{since}", lane_of(key)
        counts = self.given.get(place, (0,) * LANES)
        number = counts[lane] + 1
        self.given = {**self.given, place: (*counts[:lane], number, *counts[lane + 1 :])}
        return replace(copy, lane=replay_lane(self._replay, since, lane), laneseq=number)
