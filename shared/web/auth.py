"""Who is calling: members by the issuer's bearer tokens (RFC 6750, OpenID Connect), services by the internal token."""

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
from fastapi import Request
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from shared.kernel.clock import Clock
from shared.web.problems import Problem

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "ES256")
AUDIENCE = "milesaga"
INTERNAL_HEADER = "X-Internal-Token"
LEEWAY = timedelta(seconds=30)
"""How far the issuer's clock may be from ours."""
KEYS_LIVE = timedelta(minutes=10)
"""So long keys, and tokens they verified, are believed without asking again: a withdrawn key works no longer."""
KEYS_PAUSE = timedelta(seconds=5)
"""An unknown key id asks the issuer no more often, or garbage tokens would make us flood it."""
SILENCE_PAUSE = timedelta(seconds=1)
ISSUER_SECONDS = 3.0
TOKENS_CACHED = 2048
LONGEST_TOKEN = 8192


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and what the token allows."""

    subject: str
    scopes: frozenset[str]


class Authenticator:
    """Checks bearer tokens against the keys of one issuer.

    `requires("carts")` and `internal_only` are FastAPI dependencies; `internal_headers` is what a service sends to
    another one's internal routes. A silent issuer is 503: no token is believed unseen.
    """

    def __init__(self, issuer: str, http: Callable[[], httpx.AsyncClient], clock: Clock, internal_token: str) -> None:
        """`http` gives the client for the issuer, when it is first needed."""
        self._keys = _IssuerKeys(issuer.rstrip("/"), http, clock)
        self._issuer = issuer.rstrip("/")
        self._clock = clock
        self._internal_token = internal_token.encode()
        self._verified: OrderedDict[str, tuple[float, Caller]] = OrderedDict()
        self.internal_headers = {INTERNAL_HEADER: internal_token}

    def requires(self, scope: str) -> "Bearer":
        """The dependency that gives the `Caller`. 401 without a good token, 403 `missing_scope`, 503."""
        return Bearer(self, scope)

    async def internal_only(self, request: Request) -> None:
        """Dependency of internal routes: 401 without the services' own token."""
        shown = request.headers.get(INTERNAL_HEADER, "").encode("latin-1", "replace")
        if not secrets.compare_digest(shown, self._internal_token):
            raise Problem(401, "unauthorized", "This route is for the services themselves")

    async def caller(self, token: str) -> Caller:
        """Who the token speaks for. Raises the 401 or 503 to answer."""
        now = self._clock.now().timestamp()
        known = self._verified.get(token)
        if known is not None and now < known[0]:
            self._verified.move_to_end(token)
            return known[1]
        claims = await self._claims(token)
        until = min(_expiry(claims, now), now + KEYS_LIVE.total_seconds())
        caller = _caller(claims)
        self._verified[token] = (until, caller)
        if len(self._verified) > TOKENS_CACHED:
            self._verified.popitem(last=False)
        return caller

    async def _claims(self, token: str) -> dict[str, Any]:
        import jwt  # noqa: PLC0415 - with cryptography it is heavy: only who is called pays for it

        if len(token) > LONGEST_TOKEN:
            raise invalid_token("The token is too long")
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") not in ALGORITHMS:
                raise invalid_token("The token must be signed with " + " or ".join(ALGORITHMS))
            key = await self._keys.of(header.get("kid"))
            if key is None:
                raise invalid_token("The token's key is not the issuer's")
            # Times are compared with our own clock, below.
            options: Any = {
                "require": ["exp", "iss", "aud", "sub"],
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            }
            return jwt.decode(
                token, key, ALGORITHMS, options, audience=AUDIENCE, issuer=(self._issuer, f"{self._issuer}/")
            )
        except jwt.PyJWTError as error:
            raise invalid_token("The token is malformed, or not from the issuer for this audience") from error


class Bearer(SecurityBase):
    """FastAPI dependency, shown in the OpenAPI document: a caller whose token has a scope."""

    def __init__(self, authenticator: Authenticator, scope: str) -> None:
        self.model = HTTPBearer(bearerFormat="JWT", description="A token of the configured OpenID Connect issuer")
        self.scheme_name = "bearer"
        self._authenticator = authenticator
        self._scope = scope

    async def __call__(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("A bearer token is required", 'Bearer realm="milesaga"')
        caller = await self._authenticator.caller(token.strip())
        if self._scope not in caller.scopes:
            challenge = f'Bearer realm="milesaga", error="insufficient_scope", scope="{self._scope}"'
            detail = f"The token lacks the scope {self._scope}"
            raise Problem(403, "missing_scope", detail, headers={"WWW-Authenticate": challenge})
        return caller


class _IssuerKeys:
    """The issuer's public keys by id, found by OpenID Connect discovery."""

    def __init__(self, issuer: str, http: Callable[[], httpx.AsyncClient], clock: Clock) -> None:
        self._issuer = issuer
        self._http = http
        self._client: httpx.AsyncClient | None = None
        self._clock = clock
        self._keys: dict[str | None, Any] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._silent = False
        self._one_at_a_time = asyncio.Lock()

    async def of(self, kid: Any) -> Any:
        """The key of that id (without an id: the only key there is), or None. Raises 503 while the issuer is silent."""
        being_asked = self._one_at_a_time.locked() and self._found(kid) is None
        if being_asked or self._must_ask(kid):
            async with self._one_at_a_time:
                if self._must_ask(kid):
                    await self._fetch()
        key = self._found(kid)
        if key is None and self._silent:
            raise issuer_silent()
        return key

    def _found(self, kid: Any) -> Any:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None

    def _must_ask(self, kid: Any) -> bool:
        now = self._clock.now().timestamp()
        if self._asked_at is not None and 0 <= now - self._asked_at < SILENCE_PAUSE.total_seconds():
            return False
        if self._fetched_at is None or now - self._fetched_at > KEYS_LIVE.total_seconds():
            return True
        return self._found(kid) is None and now - self._fetched_at > KEYS_PAUSE.total_seconds()

    async def _fetch(self) -> None:
        """Replace the keys; a silent issuer leaves the ones there are."""
        self._silent = True
        self._asked_at = self._clock.now().timestamp()
        try:
            async with asyncio.timeout(ISSUER_SECONDS):
                discovered = await self._get(f"{self._issuer}/.well-known/openid-configuration")
                if str(discovered["issuer"]).rstrip("/") != self._issuer:
                    return  # somebody else answers
                self._keys = _public_keys(await self._get(discovered["jwks_uri"]))
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            TimeoutError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
        ) as error:
            log.warning("issuer silent", extra={"error": type(error).__name__})
            return
        self._silent = False
        self._fetched_at = self._clock.now().timestamp()

    async def _get(self, url: str) -> Any:
        self._client = self._client or self._http()
        response = await self._client.get(url, timeout=ISSUER_SECONDS)
        return response.raise_for_status().json()


def _public_keys(jwks: Any) -> dict[str | None, Any]:
    from jwt import PyJWK, PyJWTError  # noqa: PLC0415 - as above

    keys: dict[str | None, Any] = {}
    for jwk in jwks["keys"]:
        if jwk.get("kty") not in ("RSA", "EC") or jwk.get("use", "sig") != "sig":
            continue
        try:
            keys[jwk.get("kid")] = PyJWK(jwk)
        except PyJWTError:
            continue  # of a kind unknown to us: its tokens are refused
    return keys


def _expiry(claims: dict[str, Any], now: float) -> float:
    """Until when the token is good. Raises 401 when it is not now."""
    expiry, begin = claims["exp"], claims.get("nbf", 0)
    if not isinstance(expiry, int | float) or not isinstance(begin, int | float):
        raise invalid_token("The token's times are malformed")
    until = float(expiry) + LEEWAY.total_seconds()
    if now >= until:
        raise invalid_token("The token has expired")
    if now < begin - LEEWAY.total_seconds():
        raise invalid_token("The token is not good yet")
    return until


def _caller(claims: dict[str, Any]) -> Caller:
    subject, scope = claims["sub"], claims.get("scope", "")
    if not isinstance(subject, str) or not 0 < len(subject) <= 255:  # noqa: PLR2004 - OpenID Connect Core §2
        raise invalid_token("The token's subject is malformed")
    return Caller(subject, frozenset(scope.split() if isinstance(scope, str) else ()))


def unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": challenge})


def invalid_token(detail: str) -> Problem:
    challenge = f'Bearer realm="milesaga", error="invalid_token", error_description="{detail}"'
    return Problem(401, "invalid_token", detail, headers={"WWW-Authenticate": challenge})


def issuer_silent() -> Problem:
    detail = "The token's issuer does not answer, so no token can be checked; try again"
    return Problem(503, "issuer_unavailable", detail, headers={"Retry-After": "2"})
