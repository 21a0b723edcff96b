"""Logs for tests: leaves in a chain, and whoever signs for them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from shared.ledgerlog import tree
from shared.ledgerlog.checkpoints import Checkpoint
from shared.ledgerlog.leaves import NOTHING_BEFORE, Leaf, chain_hash
from shared.ledgerlog.notes import Signer
from shared.ledgerlog.receipts import Proved, Receipt
from shared.ledgerlog.tree import Range, leaf_hash, root_of

ORIGIN = "log.example/releases"
SIGNER = Signer(ORIGIN, b"\x07" * 32)
START = datetime(2027, 1, 20, 10, tzinfo=UTC)


def written(count: int, *, first: Sequence[bytes] = (), word: str = "asked") -> list[bytes]:
    """So many leaves; `first` is how they begin."""
    found = list(first)
    for n in range(len(found), count):
        prev = chain_hash(found[-1]) if found else NOTHING_BEFORE
        at = START + timedelta(seconds=n)
        leaf = Leaf(n, at, word, f"request-{n % 7}", "ana", "cli", {"number": n, "reason": "0" * 64}, prev)
        found.append(leaf.written())
    return found


def hash_of(leaves: Sequence[bytes], part: Range) -> bytes:
    return root_of([leaf_hash(leaf) for leaf in leaves[part[0] : part[1]]])


def inclusion(leaves: Sequence[bytes], index: int, size: int) -> list[bytes]:
    return [hash_of(leaves, each) for each in tree.inclusion_ranges(index, size)]


def consistency(leaves: Sequence[bytes], first: int, second: int) -> list[bytes]:
    return [hash_of(leaves, each) for each in tree.consistency_ranges(first, second)]


def checkpoint(leaves: Sequence[bytes], size: int | None = None, signer: Signer = SIGNER) -> str:
    """The note of the first leaves, or of all."""
    told = leaves[:size]
    return Checkpoint(ORIGIN, len(told), hash_of(told, (0, len(told)))).signed(signer)


def receipt(leaves: Sequence[bytes], request: str) -> Receipt:
    found = [(n, leaf) for n, leaf in enumerate(leaves) if Leaf.read(leaf).request == request]
    proofs = [Proved(leaf, tuple(inclusion(leaves, n, len(leaves)))) for n, leaf in found]
    return Receipt(request, checkpoint(leaves), tuple(proofs))
