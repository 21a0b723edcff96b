"""A receipt: the leaves of one request, the proof that each is in the log, and the signed checkpoint that says so.

It is JSON, and needs neither the log nor its other leaves:

    {"request", "checkpoint": "<a signed note>", "entries": [{"leaf": "<its text>", "proof": ["<base64>", ...]}]}
"""

import binascii
import json
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from shared.kernel.jsontext import each_once
from shared.ledgerlog.checkpoints import Checkpoint
from shared.ledgerlog.leaves import BadLeaf, Leaf
from shared.ledgerlog.notes import BadNote, VerifierKey
from shared.ledgerlog.tree import includes, leaf_hash


class BadReceipt(ValueError):
    """The receipt proves nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Proved:
    """A leaf and the hashes that lead from it to the checkpoint's root, the nearest first."""

    leaf: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """Of one request."""

    request: str
    note: str
    entries: tuple[Proved, ...]

    def body(self) -> dict[str, Any]:
        """As JSON."""
        entries = [
            {"leaf": each.leaf.decode(), "proof": [b64encode(part).decode() for part in each.proof]}
            for each in self.entries
        ]
        return {"request": self.request, "checkpoint": self.note, "entries": entries}

    @classmethod
    def read(cls, text: bytes) -> Self:
        """Raises BadReceipt, also for what says more than it proves, or one thing twice: others could read the rest."""
        try:
            told = json.loads(text.decode(), object_pairs_hook=each_once)
            entries = [
                Proved(each["leaf"].encode(), tuple(b64decode(part, validate=True) for part in each["proof"]))
                for each in told["entries"]
            ]
            found = cls(str(told["request"]), str(told["checkpoint"]), tuple(entries))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error) as error:
            raise BadReceipt("it is no receipt") from error
        if found.body() != told:
            raise BadReceipt("it is not in the form of a receipt")
        return found

    def verified(self, keys: Sequence[VerifierKey]) -> tuple[Checkpoint, list[Leaf]]:
        """What is proved: the checkpoint, and the leaves in their order. Raises BadReceipt."""
        try:
            checkpoint = Checkpoint.opened(self.note, keys)
            leaves = [Leaf.read(each.leaf) for each in self.entries]
        except (BadNote, BadLeaf) as error:
            raise BadReceipt(str(error)) from error
        if not leaves or [leaf.n for leaf in leaves] != sorted({leaf.n for leaf in leaves}):
            raise BadReceipt("its leaves are not in their order")
        for leaf, each in zip(leaves, self.entries, strict=True):
            if leaf.request != self.request:
                raise BadReceipt(f"leaf {leaf.n} is of another request")
            if not includes(checkpoint.root, checkpoint.size, leaf.n, leaf_hash(each.leaf), each.proof):
                raise BadReceipt(f"leaf {leaf.n} is not in the log of the checkpoint")
        return checkpoint, leaves
