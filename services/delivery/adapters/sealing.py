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
    """The `Sealing` port."""

    def __init__(self, master_key: str) -> None:
        self._cipher = AESGCM(_derived(master_key, _SEALS, 32))
        self.key = _derived(master_key, _NAMES, 8).hex()

    def seal(self, secret: bytes, place: str) -> str:
        nonce = os.urandom(NONCE)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret, place.encode())).decode()

    def opened(self, text: str, place: str) -> bytes:
        raw = base64.b64decode(text)
        try:
            return self._cipher.decrypt(raw[:NONCE], raw[NONCE:], place.encode())
        except InvalidTag:
            raise Unopenable(f"the secret of {place} was sealed by another DELIVERY_MASTER_KEY") from None


def _derived(master_key: str, purpose: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose).derive(master_key.encode())
