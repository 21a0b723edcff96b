"""Signed notes (C2SP signed-note): a text of lines, and below it who vouches for it, by Ed25519.

<text>

— <name> <base64 of four bytes of the key's id, then the signature>
"""

import binascii
import hashlib
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from shared.kernel.jsontext import is_text

ED25519: Final = b"\x01"
LONGEST: Final = 64 * 1024
MOST_SIGNATURES: Final = 100
KEY_SIZE, SIGNATURE_SIZE, ID_SIZE = 32, 64, 4
_NAME: Final = re.compile(r"[^\s+\ud800-\udfff]{1,255}")
_DASH: Final = "\u2014 "


class BadNote(ValueError):
    """No note that a known key has signed; the message says why."""


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key and the name it signs under: `name+id+key`, as it is handed to auditors."""

    name: str
    public: bytes

    @classmethod
    def read(cls, text: str) -> Self:
        """From `name+<8 hexadecimal digits>+<base64>`. Raises BadNote."""
        name, id_, encoded, *_ = (*text.strip().split("+", 2), "", "")
        material = _base64(encoded)
        if not _NAME.fullmatch(name) or material[:1] != ED25519 or len(material) != 1 + KEY_SIZE:
            raise BadNote("a verifier key is name+id+base64 of an Ed25519 key")
        found = cls(name, material[1:])
        if id_ != found.id.hex():
            raise BadNote("the key's id is not that of the key")
        return found

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).digest()[:ID_SIZE]

    def written(self) -> str:
        return f"{self.name}+{self.id.hex()}+{b64encode(ED25519 + self.public).decode()}"

    def has_signed(self, text: str, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - heavy: only who verifies pays for it
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - ditto

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


class Signer:
    """Signs notes under a name."""

    def __init__(self, name: str, seed: bytes) -> None:
        """`seed`: the private key's 32 bytes. Raises ValueError for another number of them, or a name that is none."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

        if not _NAME.fullmatch(name):
            raise ValueError("a key's name has no white space and no +")
        self.private = Ed25519PrivateKey.from_private_bytes(seed)
        self.key = VerifierKey(name, self.private.public_key().public_bytes_raw())

    def signed(self, text: str) -> str:
        """The note of a text, which ends with a line break. Raises BadNote."""
        _check_text(text)
        signature = b64encode(self.key.id + self.private.sign(text.encode())).decode()
        return f"{text}\n{_DASH}{self.key.name} {signature}\n"


def opened(note: str, keys: Iterable[VerifierKey]) -> str:
    """The text of a note that one of the keys has signed. Raises BadNote.

    Signatures of keys that are not known are passed over; a wrong one of a known key refuses the note.
    """
    if len(note.encode("utf-8", "surrogatepass")) > LONGEST:
        raise BadNote(f"a note has at most {LONGEST} bytes")
    text, gap, below = note.rpartition("\n\n")
    text += "\n"
    lines = below.split("\n")
    if not gap or lines[-1] or not lines[0] or len(lines) > MOST_SIGNATURES + 1:
        raise BadNote("there are no signatures below the text")
    _check_text(text)
    known = {(key.name, key.id): key for key in keys}
    vouched = False
    for line in lines[:-1]:
        name, id_, signature = _signature(line)
        key = known.get((name, id_))
        if key is not None and not key.has_signed(text, signature):
            raise BadNote(f"the signature of {name} is wrong")
        vouched = vouched or key is not None
    if not vouched:
        raise BadNote("none of the known keys has signed it")
    return text


def _signature(line: str) -> tuple[str, bytes, bytes]:
    name, _, encoded = line.removeprefix(_DASH).partition(" ")
    material = _base64(encoded)
    if not line.startswith(_DASH) or not _NAME.fullmatch(name) or len(material) <= ID_SIZE:
        raise BadNote("a line below the text is no signature")
    return name, material[:ID_SIZE], material[ID_SIZE:]


def _check_text(text: str) -> None:
    if not text.endswith("\n") or any(ord(each) < 0x20 and each != "\n" for each in text):  # noqa: PLR2004 - space
        raise BadNote("a note's text is lines without control characters")
    if not is_text(text):
        raise BadNote("a note's text is UTF-8")


def _base64(text: str) -> bytes:
    """Raises BadNote unless it is the one way to write what it says."""
    try:
        found = b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadNote("no base64") from error
    if b64encode(found).decode() != text:
        raise BadNote("no base64")
    return found
