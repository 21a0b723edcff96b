"""The tree is RFC 6962's: by what others publish of it, and by what a slow reading of the definition gives."""

import hashlib
import json
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared.ledgerlog import tree
from shared.ledgerlog.tree import (
    EMPTY,
    Edge,
    consistency_ranges,
    continues,
    includes,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    root_of,
)

VECTORS: dict[str, list[list[Any]]] = json.loads((Path(__file__).parent / "vectors.json").read_text())
"""Those of github.com/transparency-dev/merkle (Apache-2.0), folder testdata at 417fb0c3: name, two numbers, two hashes,
the proof, whether it holds."""
LEAVES = tuple(
    map(
        bytes.fromhex,
        (
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ),
    )
)
"""The leaves of Certificate Transparency's own test trees, and below the roots of the first ones of them."""
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
MOST = 40


def defined(leaves: list[bytes]) -> bytes:
    """RFC 6962 section 2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return node_hash(defined(leaves[:half]), defined(leaves[half:]))


def hashes(count: int) -> list[bytes]:
    return [leaf_hash(str(n).encode()) for n in range(count)]


def test_hashes_are_the_published_ones() -> None:
    assert EMPTY.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert leaf_hash(b"").hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert leaf_hash(b"L123456").hex() == "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
    assert node_hash(b"N123", b"N456").hex() == "aa217fe888e47007fa15edab33c2b492a722cb106c64667fc2b044444de66bbb"


def test_roots_are_the_published_ones() -> None:
    edge = Edge()
    assert edge.root == EMPTY
    for size, (leaf, root) in enumerate(zip(LEAVES, ROOTS, strict=True), start=1):
        edge = edge.grown(leaf_hash(leaf))
        assert (edge.size, edge.root.hex()) == (size, root)


@pytest.mark.parametrize("vector", VECTORS["inclusion"], ids=lambda vector: vector[0])
def test_published_proofs_of_inclusion(vector: list[Any]) -> None:
    _, index, size, leaf, root, proof, holds = vector
    assert includes(_bytes(root), size, index, _bytes(leaf), list(map(_bytes, proof))) is holds


@pytest.mark.parametrize("vector", VECTORS["consistency"], ids=lambda vector: vector[0])
def test_published_proofs_of_consistency(vector: list[Any]) -> None:
    _, first, second, first_root, second_root, proof, holds = vector
    assert continues(first, _bytes(first_root), second, _bytes(second_root), list(map(_bytes, proof))) is holds


def test_every_leaf_of_every_small_tree_is_proved_and_no_other() -> None:
    for size in range(1, MOST):
        leaves = hashes(size)
        root = defined(leaves)
        assert root_of(leaves) == root
        for index in range(size):
            proof = [defined(leaves[start:end]) for start, end in inclusion_ranges(index, size)]
            assert includes(root, size, index, leaves[index], proof)
            assert not includes(root, size, index, leaf_hash(b"another"), proof)
            assert not any(includes(root, size, other, leaves[index], proof) for other in range(size) if other != index)


def test_every_small_tree_is_proved_to_continue_every_smaller_one() -> None:
    for second in range(1, MOST):
        leaves = hashes(second)
        for first in range(1, second + 1):
            proof = [defined(leaves[start:end]) for start, end in consistency_ranges(first, second)]
            before, after = defined(leaves[:first]), defined(leaves)
            assert continues(first, before, second, after, proof)
            assert not continues(first, leaf_hash(b"another"), second, after, proof)
            assert not continues(first, before, second, leaf_hash(b"another"), proof)


def test_a_wrong_question_is_refused() -> None:
    for wrong in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ValueError, match="has none at"):
            inclusion_ranges(*wrong)
    with pytest.raises(ValueError, match="not the beginning"):
        consistency_ranges(4, 3)
    assert consistency_ranges(0, 3) == []


def right_then_left(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + right + left).digest()


def without_prefix(leaf: bytes) -> bytes:
    return hashlib.sha256(leaf).digest()


def as_a_leaf(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + left + right).digest()


def staying(at: int, last: int) -> tuple[int, int]:
    return at, last


def any_size(_: Any) -> bool:
    return True


def rounded_up(width: int) -> int:
    return max(1, 1 << (width // 2).bit_length() - 1) if width > 2 else 1


MUTANTS: dict[str, tuple[str, Any]] = {
    "nodes know left from right": ("node_hash", right_then_left),
    "a leaf is told from a node": ("leaf_hash", without_prefix),
    "a node is told from a leaf": ("node_hash", as_a_leaf),
    "a node without a brother is passed over": ("_to_a_right_child", staying),
    "hashes have their size": ("_hashes", any_size),
    "a tree is divided at a power of two": ("_half", rounded_up),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_each_rule_is_missed_when_it_is_taken_out(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree, *MUTANTS[name])
    monkeypatch.setitem(globals(), MUTANTS[name][0], MUTANTS[name][1])
    checks: tuple[Callable[[], None], ...] = (
        test_hashes_are_the_published_ones,
        test_roots_are_the_published_ones,
        test_every_leaf_of_every_small_tree_is_proved_and_no_other,
        test_every_small_tree_is_proved_to_continue_every_smaller_one,
        *(lambda vector=vector: test_published_proofs_of_inclusion(vector) for vector in VECTORS["inclusion"]),
        *(lambda vector=vector: test_published_proofs_of_consistency(vector) for vector in VECTORS["consistency"]),
    )
    assert any(_fails(check) for check in checks)


def _fails(check: Callable[[], None]) -> bool:
    try:
        check()
    except (AssertionError, ValueError):
        return True
    return False


def _bytes(text: str | None) -> bytes:
    return b64decode(text or "")
