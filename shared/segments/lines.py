"""What a segment is made of, and what is known of it without reading it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

GONE: Final = "it is gone"
"""What is wrong with a segment whose file is not there."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is kept: `text` is a JSON object without a line break.

    `id` orders all there is by time, `key` is what its sender calls it, `owner` and `kind` are counted.
    """

    id: str
    key: str
    owner: str
    kind: str
    text: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """One frame of a segment: where it lies, what is in it. `sieve` knows most of what is not."""

    offset: int
    length: int
    count: int
    first: str
    last: str
    owners: Mapping[str, int]
    kinds: Mapping[str, int]
    sieve: bytes


@dataclass(frozen=True, slots=True)
class Summary:
    """A closed segment. `previous` is the sha256 of the one that the same writer closed before: who takes one away, or
    changes it, breaks the chain."""

    name: str
    count: int
    first: str
    last: str
    owners: Mapping[str, int]
    kinds: Mapping[str, int]
    size: int
    sha256: str
    previous: str

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        return cls(**{name: stored[name] for name in cls.__slots__})


class Damaged(Exception):
    """A segment is not as it was written; the message says where."""


class DamagedSegment(Damaged):
    """The same, of a segment that is named."""

    def __init__(self, segment: str, wrong: str) -> None:
        super().__init__(f"the segment {segment}: {wrong}")
        self.segment = segment
        self.wrong = wrong
