"""Checkpoints (C2SP tlog-checkpoint): how far a log has come, and the root of its tree then, as a signed note."""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from shared.ledgerlog.notes import BadNote, Signer, VerifierKey, opened
from shared.ledgerlog.tree import SIZE

_TEXT: Final = re.compile(r"([^\n]+)\n(0|[1-9][0-9]{0,18})\n([A-Za-z0-9+/]{43}=)\n(?:[^\n]+\n)*")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log of this origin had `size` leaves, and its tree this root."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{b64encode(self.root).decode()}\n"

    def signed(self, signer: Signer) -> str:
        """As a note. The signer's name is the origin."""
        return signer.signed(self.text())

    @classmethod
    def read(cls, text: str) -> Self:
        """From a note's text; further lines are somebody's extensions. Raises BadNote."""
        found = _TEXT.fullmatch(text)
        if found is None:
            raise BadNote("a checkpoint is an origin, a size and a root, a line each")
        root = b64decode(found[3])
        if len(root) != SIZE or b64encode(root).decode() != found[3]:
            raise BadNote("a checkpoint's root is 32 bytes in base64")
        return cls(found[1], int(found[2]), root)

    @classmethod
    def opened(cls, note: str, keys: Iterable[VerifierKey]) -> Self:
        """From a note that the origin's key has signed. Raises BadNote."""
        known = list(keys)
        found = cls.read(opened(note, known))
        opened(note, [key for key in known if key.name == found.origin])
        return found
