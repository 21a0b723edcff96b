"""Bloom filters of a block's ids and keys: what they do not know is not there."""

import hashlib
from collections.abc import Iterable
from typing import Final

from rbloom import Bloom

WRONG_ONE_IN: Final = 200
"""Blocks that are read for nothing: about so many to one."""


def sieve(texts: Iterable[str]) -> bytes:
    known = set(texts)
    made = Bloom(max(1, len(known)), 1 / WRONG_ONE_IN, _hash)
    made.update(known)
    return made.save_bytes()


def may_know(made: bytes, text: str) -> bool:
    return text in Bloom.load_bytes(made, _hash)


def _hash(text: object) -> int:
    """The same in every process and release, as Python's own is not."""
    return int.from_bytes(hashlib.blake2b(str(text).encode(), digest_size=16).digest(), "little", signed=True)
