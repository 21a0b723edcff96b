"""Bloom filters of ids and keys, of a block and of a whole segment: what they do not know is not there."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from rbloom import Bloom

SIZE: Final = 16
"""Bytes of a hash."""
WRONG_ONE_IN: Final = 200
"""Blocks that are read for nothing: about so many to one."""
WRONG_SEGMENT_ONE_IN: Final = 1_000
"""The same of segments, whose index takes longer to read than a block."""


def hashes(texts: Iterable[str]) -> list[int]:
    """Of each text once: what sieves are made of."""
    return [_hash(text) for text in dict.fromkeys(texts)]


def packed(hashed: Iterable[int]) -> bytes:
    """To be kept until a segment is closed, which may have a million of them."""
    return b"".join(each.to_bytes(SIZE, "little", signed=True) for each in hashed)


def unpacked(kept: Iterable[bytes]) -> list[int]:
    return [
        int.from_bytes(each[at : at + SIZE], "little", signed=True) for each in kept for at in range(0, len(each), SIZE)
    ]


def sieve(hashed: Sequence[int], wrong_one_in: int = WRONG_ONE_IN) -> bytes:
    made = Bloom(max(1, len(hashed)), 1 / wrong_one_in, _itself)
    made.update(hashed)
    return made.save_bytes()


def may_know(made: bytes, text: str) -> bool:
    return text in Bloom.load_bytes(made, _hash)


def _hash(text: object) -> int:
    """The same in every process and release, as Python's own is not."""
    return int.from_bytes(hashlib.blake2b(str(text).encode(), digest_size=SIZE).digest(), "little", signed=True)


def _itself(hashed: object) -> int:
    assert isinstance(hashed, int)  # noqa: S101 - it is called for what `hashes` made
    return hashed
