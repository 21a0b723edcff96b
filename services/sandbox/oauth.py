"""The OIDC issuer: client credentials in, signed access tokens out. Its key is remembered."""

import asyncio
import base64
import json
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi import APIRouter, Request, Response

from services.sandbox.memory import Memory, fact, remember
from services.sandbox.problems import as_json

ALGORITHM = "RS256"
AUDIENCE = "milesaga"
LIFETIME = timedelta(hours=12)  # longer than any stack under test stands
KEY_BITS = 2048
CLIENTS = {"portal": "sandbox"}
SCOPES = (
    *(
        "offers",
        "carts",
        "checkouts",
        "miles",
        "events:publish",
        "hub:read",
        "hub:write",
        "archive:read",
        "archive:replay",
    ),
    *("ops:read", "ops:write"),
    *("releases:read", "releases:request", "releases:approve", "releases:break_glass", "releases:admin"),
)
NARROWED = "events:publish:"
"""Begins scopes that allow some types of events only."""
DEFAULT_SCOPE = "offers carts checkouts miles"
FACT = "oauth_signing_key"


class OAuthError(Exception):
    """RFC 6749 §5.2."""

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(description)
        self.status, self.error, self.description = status, error, description

    def response(self) -> Response:
        body = {"error": self.error, "error_description": self.description}
        headers = {"Cache-Control": "no-store"}
        if self.status == 401:  # noqa: PLR2004
            headers["WWW-Authenticate"] = 'Basic realm="sandbox"'
        return as_json(body, self.status, headers)


class Issuer:
    """Signs access tokens; `issuer` is what relying services compare `iss` with."""

    def __init__(self, memory: Memory, issuer: str, now: Callable[[], datetime]) -> None:
        self._memory, self.issuer, self._now = memory, issuer, now
        self._key: rsa.RSAPrivateKey | None = None
        self.jwks: dict[str, Any] = {"keys": []}

    async def load(self) -> None:
        """Take the remembered key, or make the first one."""
        pem = await self._memory.run(lambda connection: fact(connection, FACT))
        if pem is None:
            made = await asyncio.to_thread(_new_key)
            await self._memory.run(lambda connection: remember(connection, FACT, made))
            pem = made
        key = serialization.load_pem_private_key(pem.encode(), password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise TypeError("the sandbox's signing key is no RSA key")
        self._key = key
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        self._kid = public["n"][:16]
        self.jwks = {
            "keys": [
                {"kty": "RSA", "use": "sig", "alg": ALGORITHM, "kid": self._kid}
                | {name: public[name] for name in ("n", "e")}
            ]
        }

    def token(self, subject: str, scope: str, client_id: str = "sandbox") -> str:
        if self._key is None:
            raise RuntimeError("the issuer has no key before the sandbox is started")
        issued = self._now()
        claims = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "client_id": client_id,
            "scope": scope,
            "iat": int(issued.timestamp()),
            "exp": int((issued + LIFETIME).timestamp()),
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": self._kid})

    def ops_headers(self) -> dict[str, str]:
        """What lets the sandbox itself ask the miles service."""
        return {"Authorization": f"Bearer {self.token('sandbox', 'ops:read ops:write')}"}


def router(issuer: Issuer) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/oauth", tags=["identity"])

    @routes.post("/token")
    async def token(request: Request) -> Response:
        try:
            form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
            client_id = _authenticated(request, form)
            scope = _scope(form)
        except OAuthError as error:
            return error.response()
        answer = {
            "access_token": issuer.token(form.get("member") or client_id, scope, client_id),
            "token_type": "Bearer",
            "expires_in": int(LIFETIME.total_seconds()),
            "scope": scope,
        }
        return as_json(answer, headers={"Cache-Control": "no-store"})

    @routes.get("/jwks.json")
    async def jwks() -> Response:
        return as_json(issuer.jwks)

    @routes.get("/.well-known/openid-configuration")
    async def discovery() -> Response:
        return as_json(
            {
                "issuer": issuer.issuer,
                "token_endpoint": f"{issuer.issuer}/token",
                "jwks_uri": f"{issuer.issuer}/jwks.json",
                "scopes_supported": list(SCOPES),
                "response_types_supported": ["token"],
                "grant_types_supported": ["client_credentials"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
            }
        )

    return routes


def basic_credentials(authorization: str | None) -> tuple[str, str] | None:
    """User and password of an HTTP Basic header; None when it is none."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, password) if colon else None


def _authenticated(request: Request, form: dict[str, str]) -> str:
    given = basic_credentials(request.headers.get("authorization")) or (
        form.get("client_id", ""),
        form.get("client_secret", ""),
    )
    if CLIENTS.get(given[0]) != given[1]:
        raise OAuthError(401, "invalid_client", "unknown client_id or wrong client_secret")
    return given[0]


def _scope(form: dict[str, str]) -> str:
    if "grant_type" not in form:
        raise OAuthError(400, "invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise OAuthError(400, "unsupported_grant_type", "grant_type must be client_credentials")
    wanted = (form.get("scope") or DEFAULT_SCOPE).split()
    if unknown := sorted(one for one in set(wanted) - set(SCOPES) if not one.startswith(NARROWED)):
        raise OAuthError(400, "invalid_scope", f"unknown scope: {' '.join(unknown)}")
    return " ".join(wanted)


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
