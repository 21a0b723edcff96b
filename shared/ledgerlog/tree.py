"""The Merkle tree of RFC 6962 (section 2.1) over the leaves of a log, and its proofs (RFC 9162, sections 2.1.3, 2.1.4).

Nothing here reads a log. A proof is a list of ranges of leaves; whoever has the leaves gives each range's hash.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

Range: TypeAlias = tuple[int, int]
"""Leaves from the first number to before the second."""

SIZE: Final = 32
"""Bytes of a hash."""
EMPTY: Final = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(_LEAF + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


@dataclass(frozen=True, slots=True)
class Edge:
    """All that must be kept of a tree to make it grow: the roots of its whole subtrees, the largest first.

    There is one for each bit that is set in `size`.
    """

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def grown(self, leaf: bytes) -> "Edge":
        """With one more leaf, given by its hash."""
        peaks, bits = [*self.peaks, leaf], self.size
        while bits & 1:
            right = peaks.pop()
            peaks[-1] = node_hash(peaks[-1], right)
            bits >>= 1
        return Edge(self.size + 1, tuple(peaks))

    @property
    def root(self) -> bytes:
        if not self.peaks:
            return EMPTY
        *others, found = self.peaks
        for left in reversed(others):
            found = node_hash(left, found)
        return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over hashes: of leaves, or of whole subtrees of one size that stand side by side."""
    edge = Edge()
    for each in leaves:
        edge = edge.grown(each)
    return edge.root


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose hashes prove that a leaf is in the tree, the nearest first. Raises ValueError."""
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    start, end, found = 0, size, list[Range]()
    while end - start > 1:
        middle = start + _half(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose hashes prove that the tree of `first` leaves is the beginning of that of `second`.

    None where they are one tree, or the first is empty. Raises ValueError.
    """
    if not 0 <= first <= second:
        raise ValueError(f"a tree of {first} leaves is not the beginning of one of {second}")
    if first in {0, second}:
        return []
    start, end, known, found = 0, second, True, list[Range]()
    while end != first:
        middle = start + _half(end - start)
        if first <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start, known = middle, False
    if not known:
        found.append((start, end))
    return found[::-1]


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Does the proof show that the leaf of this hash stands at `index` in the tree of this root?"""
    if not 0 <= index < size or not _hashes((root, leaf, *proof)):
        return False
    at, last, found = index, size - 1, leaf
    for each in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(each, found)
            at, last = _to_a_right_child(at, last)
        else:
            found = node_hash(found, each)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def continues(first: int, first_root: bytes, second: int, second_root: bytes, proof: Sequence[bytes]) -> bool:
    """Does the proof show that the second tree begins with all of the first? Nothing shows that of an empty one."""
    if not 0 < first <= second or not _hashes(proof):
        return False
    if first == second:
        return not proof and first_root == second_root
    path = [first_root, *proof] if first & (first - 1) == 0 else list(proof)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    older = newer = path[0]
    for each in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            older, newer = node_hash(each, older), node_hash(each, newer)
            at, last = _to_a_right_child(at, last)
        else:
            newer = node_hash(newer, each)
        at, last = at >> 1, last >> 1
    return last == 0 and older == first_root and newer == second_root


def _half(width: int) -> int:
    """The largest power of two below a width of two or more."""
    return 1 << (width - 1).bit_length() - 1


def _to_a_right_child(at: int, last: int) -> Range:
    """Up, past levels at which a node has no brother."""
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last


def _hashes(given: Sequence[bytes]) -> bool:
    return all(len(each) == SIZE for each in given)
