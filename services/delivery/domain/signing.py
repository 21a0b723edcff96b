"""Signatures by Standard Webhooks 1.0.0 (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec).

What is signed is `id.timestamp.body`; a secret is shown as `whsec_` and base64.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from typing import Final

PREFIX: Final = "whsec_"
BYTES: Final = 32


def new_secret() -> bytes:
    return secrets.token_bytes(BYTES)


def shown(secret: bytes) -> str:
    """As a partner is given it."""
    return PREFIX + base64.b64encode(secret).decode()


def read(text: str) -> bytes:
    """A secret from what a partner was given. Raises ValueError."""
    return base64.b64decode(text.removeprefix(PREFIX), validate=True)


def signature(webhook_id: str, timestamp: int, body: bytes, live: Iterable[bytes]) -> str:
    """The header's value: one signature for each secret that is live, separated by spaces."""
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    made = (hmac.digest(secret, signed, hashlib.sha256) for secret in live)
    return " ".join(f"v1,{base64.b64encode(each).decode()}" for each in made)
