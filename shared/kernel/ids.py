"""Identifiers: time-ordered ones from a source, derived ones from what they stand for."""

import os
import uuid
from typing import Protocol

from shared.kernel.clock import Clock

RANDOM_BYTES = 10
AT_ONCE = 64
"""Ids for which randomness is fetched in one call to the kernel."""
STEP = 2**48 - 1
"""Between two ids of one millisecond, at most: nobody guesses the next, and there is room for thousands."""

_NAMESPACE = uuid.UUID("7d3f1c52-5a0e-4c6f-9a55-2f6f3f1f7a01")


class Ids(Protocol):
    """Makes identifiers that nobody has used before."""

    def new(self) -> str:
        """A UUID as text."""
        ...


class Uuid7Ids:
    """UUIDv7 (RFC 9562): 48 bits of milliseconds, then randomness; sorts by the time of its making, and those that one
    source makes within a millisecond by their order (§6.2, method 2): a replay goes by the ids of what was accepted
    together."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0
        self._random: list[bytes] = []

    def new(self) -> str:
        if not self._random:
            many = os.urandom(RANDOM_BYTES * AT_ONCE)
            self._random = [many[at : at + RANDOM_BYTES] for at in range(0, len(many), RANDOM_BYTES)]
        milliseconds = int(self._clock.now().timestamp() * 1000)
        chance = int.from_bytes(self._random.pop(), "big")
        if milliseconds == self._last >> 80:
            value = self._last + 1 + (chance & STEP)
        else:
            value = milliseconds << 80 | chance
            value = value & ~(0xF << 76) | 0x7 << 76  # version
            value = value & ~(0x7 << 61) | 0x4 << 61  # variant, and room for the steps of a millisecond
        self._last = value
        text = f"{value:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def derived(*parts: str) -> str:
    """The same id for the same parts, for ever (UUIDv5).

    Each part is preceded by its length, so that ("a", "bc") and ("ab", "c") differ.
    """
    return str(uuid.uuid5(_NAMESPACE, "".join(f"{len(part)}:{part}" for part in parts)))
