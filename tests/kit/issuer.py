"""An OpenID Connect issuer with keys made for the test, and bearer tokens of any kind from it."""

import asyncio
import json
from functools import cache
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from shared.kernel.clock import Clock
from shared.web.auth import Authenticator

ISSUER = "http://issuer.test/oauth"
INTERNAL_TOKEN = "internal-token-of-the-tests"


@cache
def key_pair(name: str) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Issuer:
    """Answers discovery and keys as an `httpx` transport; counts how often it is asked."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.kids = ["one"]
        self.silent = False
        self.asked = 0
        self.waiting = 0
        """So many requests have come to a closed door."""
        self.calls_itself = ISSUER
        self.open = asyncio.Event()
        """Answers wait for it."""
        self.open.set()

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.MockTransport(self._answer_when_open))

    def authenticator(self) -> Authenticator:
        return Authenticator(ISSUER, self.client, self.clock, INTERNAL_TOKEN)

    def token(self, member: str = "m-1", scope: str = "offers carts", kid: str = "one", **claims: Any) -> str:
        now = int(self.clock.now().timestamp())
        body = {"iss": ISSUER, "aud": "milesaga", "sub": member, "scope": scope, "iat": now, "exp": now + 3600}
        return jwt.encode({**body, **claims}, key_pair(kid), "RS256", headers={"kid": kid})

    def bearer(self, member: str = "m-1", scope: str = "offers carts") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(member, scope)}"}

    async def _answer_when_open(self, request: httpx.Request) -> httpx.Response:
        self.waiting += not self.open.is_set()
        await self.open.wait()
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if self.silent:
            raise httpx.ConnectError("nobody there")
        if request.url.path.endswith("/.well-known/openid-configuration"):
            self.asked += 1
            return httpx.Response(200, json={"issuer": self.calls_itself, "jwks_uri": f"{ISSUER}/jwks.json"})
        return httpx.Response(200, json={"keys": [_jwk(kid) for kid in self.kids]})


def _jwk(kid: str) -> dict[str, Any]:
    jwk: dict[str, Any] = json.loads(RSAAlgorithm.to_jwk(key_pair(kid).public_key()))
    return {**jwk, "kid": kid, "use": "sig", "alg": "RS256"}
