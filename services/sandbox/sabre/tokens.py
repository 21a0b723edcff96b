"""Sessionless tokens: short-lived, and signed instead of stored, so that a restart does not end them."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import datetime

from services.sandbox.memory import Memory, fact, remember

LIFETIME_SECONDS = 600
PREFIX = "T1RLAQ"  # how Sabre's tokens begin
FACT = "sabre_token_secret"
SIGNATURE_BYTES = 16


class Tokens:
    def __init__(self, memory: Memory, now: Callable[[], datetime]) -> None:
        self._memory, self._now = memory, now
        self._secret = b""

    async def load(self) -> None:
        """Take the remembered secret, or make the first one."""
        kept = await self._memory.run(lambda connection: fact(connection, FACT))
        if kept is None:
            made = secrets.token_hex(32)
            await self._memory.run(lambda connection: remember(connection, FACT, made))
            kept = made
        self._secret = bytes.fromhex(kept)

    def issue(self) -> str:
        expires = int(self._now().timestamp()) + LIFETIME_SECONDS
        said = expires.to_bytes(8, "big") + secrets.token_bytes(8)
        return PREFIX + base64.urlsafe_b64encode(said + self._signature(said)).decode()

    def accepts(self, authorization: str | None) -> bool:
        """Whether an `Authorization` header carries a token of ours that has not expired."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.startswith(PREFIX):
            return False
        try:
            content = base64.urlsafe_b64decode(token.removeprefix(PREFIX))
        except ValueError:
            return False
        said, signature = content[:-SIGNATURE_BYTES], content[-SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, self._signature(said)):
            return False
        return int.from_bytes(said[:8], "big") > self._now().timestamp()

    def _signature(self, said: bytes) -> bytes:
        return hmac.digest(self._secret, said, hashlib.sha256)[:SIGNATURE_BYTES]
