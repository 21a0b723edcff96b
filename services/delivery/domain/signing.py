"""Signatures by Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec).

What is signed is `id.timestamp.body`: by HMAC-SHA256 (`v1`) with a secret that the receiver has too, or by Ed25519
(`v1a`, RFC 8032) with a key of which the receiver has the public half. Keys are shown as a prefix and base64.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.contracts.buses import Signature

SECRET, PRIVATE, PUBLIC = "whsec_", "whsk_", "whpk_"
BYTES: Final = 32
"""Of a new secret, and of a private key, whose public half is derived from it."""
BOTH_HALVES: Final = 64
"""Bytes of a private key as some libraries keep it: the public half behind the private one."""


class Key(Protocol):
    """One that signs."""

    @property
    def shown(self) -> str:
        """What its receiver needs to verify."""
        ...

    def signature(self, signed: bytes) -> str:
        """With the scheme's name before it."""
        ...


@dataclass(frozen=True, slots=True)
class Secret:
    """A key of HMAC-SHA256: who verifies by it could sign by it."""

    secret: bytes = field(repr=False)

    @property
    def shown(self) -> str:
        return SECRET + base64.b64encode(self.secret).decode()

    def signature(self, signed: bytes) -> str:
        return f"v1,{base64.b64encode(hmac.digest(self.secret, signed, hashlib.sha256)).decode()}"


class KeyPair:
    """A key of Ed25519. Its private half is made into a key once, which takes as long as a signature."""

    def __init__(self, private: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(private)
        self.public = self._private.public_key().public_bytes_raw()

    @property
    def shown(self) -> str:
        return PUBLIC + base64.b64encode(self.public).decode()

    def signature(self, signed: bytes) -> str:
        return f"v1a,{base64.b64encode(self._private.sign(signed)).decode()}"


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to sign. `key` makes a key of its bytes; `public`: what is shown of a key is for everybody. `suffix` keeps
    the sealed keys of a target apart: one scheme's cannot be opened as another's."""

    name: Signature
    key: Callable[[bytes], Key]
    public: bool
    suffix: str = ""

    def place(self, target: str) -> str:
        """For which a target's keys are sealed."""
        return target + self.suffix


SCHEMES: Final[Mapping[Signature, Scheme]] = {
    "hmac": Scheme("hmac", Secret, public=False),
    "ed25519": Scheme("ed25519", KeyPair, public=True, suffix="#ed25519"),
}


def new_key() -> bytes:
    """Of either scheme: both want random bytes."""
    return secrets.token_bytes(BYTES)


def read(text: str) -> Key:
    """A key to sign by, as a developer has it: `whsec_...` or `whsk_...`. Raises ValueError."""
    if not text.startswith(PRIVATE):
        if not (secret := base64.b64decode(text.removeprefix(SECRET), validate=True)):
            raise ValueError("a secret has bytes")
        return Secret(secret)
    raw = base64.b64decode(text.removeprefix(PRIVATE), validate=True)
    pair = KeyPair(raw[:BYTES])
    if len(raw) != BYTES and raw != raw[:BYTES] + pair.public:
        raise ValueError(f"a private key has {BYTES} bytes, or {BOTH_HALVES} with its public half behind it")
    return pair


def signature(webhook_id: str, timestamp: int, body: bytes, live: Iterable[Key]) -> str:
    """The header's value: one signature by each key that is live, separated by spaces."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return " ".join(key.signature(signed) for key in live)
