"""Who is calling: members by the issuer's bearer tokens (RFC 6750, OpenID Connect), services by the internal token."""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from shared.kernel.clock import Clock, Stopwatch
from shared.kernel.members import may_be_member
from shared.web.problems import Problem
from shared.web.tokens import KEYS_LIVE, IssuedTokens, good_until, invalid_token

AUDIENCE = "milesaga"
INTERNAL_HEADER = "X-Internal-Token"
TOKENS_CACHED = 2048


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, and what the token allows."""

    subject: str
    scopes: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Verified:
    """A token that was checked: it expires by the issuer's clock, and is looked at again by how long we kept it."""

    expires: float
    believed_until: float
    caller: Caller


class Authenticator:
    """Checks bearer tokens against the keys of one issuer.

    `allowed("carts")` and `internal_only` are FastAPI dependencies; `internal_headers` is what a service sends to
    another one's internal routes. A silent issuer is 503: no token is believed unseen.
    """

    def __init__(self, issuer: str, http: Callable[[], httpx.AsyncClient], clock: Clock, internal_token: str) -> None:
        """`http` gives the client for the issuer, when it is first needed."""
        self.issuer = issuer.rstrip("/")
        self._clock = clock
        self._watch = Stopwatch(clock)
        self._tokens = IssuedTokens(self.issuer, AUDIENCE, http, self._watch)
        self._internal_token = internal_token.encode()
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        self.internal_headers = {INTERNAL_HEADER: internal_token}

    def requires(self, scope: str) -> "Bearer":
        """The dependency that gives the `Caller`. 401 without a good token, 403 `missing_scope`, 503."""
        return Bearer(self, scope)

    def requires_one(self, scopes: Sequence[str]) -> Any:
        """As a route takes it: a `Caller` whose token has one of the scopes, or one that narrows the first by a colon
        and what it is narrowed to, such as `events:publish:retail.*`."""
        return Security(Bearer(self, *scopes), scopes=list(scopes[:1]))

    def allowed(self, scope: str) -> Any:
        """`requires(scope)` as a route takes it, and as the OpenAPI document shows it: with its scope."""
        return Security(self.requires(scope), scopes=[scope])

    async def internal_only(self, request: Request) -> None:
        """Dependency of internal routes: 401 without the services' own token."""
        shown = request.headers.get(INTERNAL_HEADER, "").encode("latin-1", "replace")
        if not secrets.compare_digest(shown, self._internal_token):
            raise Problem(401, "unauthorized", "This route is for the services themselves")

    async def caller(self, token: str) -> Caller:
        """Who the token speaks for. Raises the 401 or 503 to answer."""
        now = self._clock.now().timestamp()
        known = self._verified.get(token)
        if known is not None and now < known.expires and self._watch.seconds() < known.believed_until:
            self._verified.move_to_end(token)
            return known.caller
        claims = await self._tokens.claims(token)
        expires, caller = good_until(claims, now), _caller(claims)
        self._verified[token] = _Verified(expires, self._watch.seconds() + KEYS_LIVE.total_seconds(), caller)
        if len(self._verified) > TOKENS_CACHED:
            self._verified.popitem(last=False)
        return caller


class Bearer(SecurityBase):
    """FastAPI dependency, shown in the OpenAPI document: a caller whose token has a scope."""

    def __init__(self, authenticator: Authenticator, scope: str, *others: str) -> None:
        """`others` do as well, and so do scopes that narrow the first one, where there are others."""
        self.model = HTTPBearer(bearerFormat="JWT", description="A token of the configured OpenID Connect issuer")
        self.scheme_name = "bearer"
        self._authenticator = authenticator
        self._scope = scope
        self._others = frozenset(others)

    async def __call__(self, request: Request) -> Caller:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise unauthorized("A bearer token is required", 'Bearer realm="milesaga"')
        caller = await self._authenticator.caller(token.strip())
        if self._scope not in caller.scopes and not self._does(caller.scopes):
            challenge = f'Bearer realm="milesaga", error="insufficient_scope", scope="{self._scope}"'
            detail = f"The token lacks the scope {self._scope}"
            raise Problem(403, "missing_scope", detail, headers={"WWW-Authenticate": challenge})
        return caller

    def _does(self, scopes: frozenset[str]) -> bool:
        narrowed = f"{self._scope}:"
        return bool(self._others & scopes) or (
            bool(self._others) and any(scope.startswith(narrowed) for scope in scopes)
        )


def _caller(claims: dict[str, Any]) -> Caller:
    subject, scope = claims["sub"], claims.get("scope", "")
    if not isinstance(subject, str) or not may_be_member(subject):
        raise invalid_token("The token's subject must be 1 to 255 printable ASCII characters")
    return Caller(subject, frozenset(scope.split() if isinstance(scope, str) else ()))


def unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(401, "unauthorized", detail, headers={"WWW-Authenticate": challenge})
