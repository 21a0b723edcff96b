"""Secrets sealed by a master key: AES-256-GCM (NIST SP 800-38D), the key derived by HKDF (RFC 5869)."""

import base64
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.delivery.ports import Unopenable

NONCE: Final = 12
"""Bytes."""
_SEALS, _NAMES = b"milesaga/delivery/secrets/1", b"milesaga/delivery/key-name/1"


class MasterKeySealing:
    """The `Sealing` port. Where a former key is given it seals by that one until it is told to turn, as other processes
    may not know the newest yet."""

    def __init__(self, master_key: str, former: str = "") -> None:
        self.newest = name_of(master_key)
        self.former = name_of(former) if former else None
        self.key = self.former or self.newest
        given = (master_key, former) if former else (master_key,)
        self._ciphers = {name_of(each): AESGCM(_derived(each, _SEALS, 32)) for each in given}

    def turn(self) -> None:
        self.key = self.newest

    def seal(self, secret: bytes, place: str) -> str:
        nonce = os.urandom(NONCE)
        return base64.b64encode(nonce + self._ciphers[self.key].encrypt(nonce, secret, place.encode())).decode()

    def opened(self, key: str, text: str, place: str) -> bytes:
        if key not in self._ciphers:
            raise Unopenable(
                f"the secret of {place} was sealed by the master key {key}: give it as DELIVERY_FORMER_MASTER_KEY"
            )
        raw = base64.b64decode(text)
        try:
            return self._ciphers[key].decrypt(raw[:NONCE], raw[NONCE:], place.encode())
        except InvalidTag:
            raise Unopenable(f"the secret of {place} was changed, or sealed for another place") from None


def name_of(master_key: str) -> str:
    """By which it is known without being told."""
    return _derived(master_key, _NAMES, 8).hex()


def _derived(master_key: str, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(master_key.encode())
