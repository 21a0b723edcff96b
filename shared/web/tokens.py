"""Signed tokens of an OpenID Connect issuer: its keys by discovery, and what its tokens say."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx

from shared.kernel.clock import Stopwatch
from shared.web.problems import Problem

log = logging.getLogger(__name__)

ALGORITHMS = ("RS256", "ES256")
LEEWAY = timedelta(seconds=30)
"""How far the issuer's clock may be from ours."""
KEYS_LIVE = timedelta(minutes=10)
"""So long keys, and tokens they verified, are believed without asking again: a withdrawn key works no longer."""
KEYS_FRESH = timedelta(minutes=5)
"""Older keys are renewed behind the calls that use them, long before anybody would have to wait."""
KEYS_PAUSE = timedelta(seconds=5)
"""An unknown key id asks the issuer no more often, or garbage tokens would make us flood it."""
SILENCE_PAUSE = timedelta(seconds=1)
ISSUER_SECONDS = 3.0
"""The longest that one asking lasts, and so the longest that a call with an unknown key waits."""
RENEWAL_SECONDS = 0.05
"""Keys past their life wait this long for a renewal, counted from its beginning: an issuer that answers is heard
before a withdrawn key is believed, one that hangs holds nobody up."""
LONGEST_TOKEN = 8192


class IssuedTokens:
    """Those of one issuer for one audience. A silent issuer is 503: no token is believed unseen."""

    def __init__(self, issuer: str, audience: str, http: Callable[[], httpx.AsyncClient], watch: Stopwatch) -> None:
        """`http` gives the client for the issuer, when it is first needed."""
        self._issuer = issuer.rstrip("/")
        self._audience = audience
        self._keys = IssuerKeys(self._issuer, http, watch)

    async def claims(self, token: str) -> dict[str, Any]:
        """What a token of theirs says, whatever time it is. Raises the 401 or 503 to answer."""
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
                token, key, ALGORITHMS, options, audience=self._audience, issuer=(self._issuer, f"{self._issuer}/")
            )
        except jwt.PyJWTError as error:
            raise invalid_token("The token is malformed, or not from the issuer for this audience") from error


class IssuerKeys:
    """The issuer's public keys by id, found by OpenID Connect discovery.

    There is one asking at a time, and it belongs to nobody: a caller that goes away takes no other's answer along.
    """

    def __init__(self, issuer: str, http: Callable[[], httpx.AsyncClient], watch: Stopwatch) -> None:
        self._issuer = issuer
        self._http = http
        self._client: httpx.AsyncClient | None = None
        self._watch = watch
        self._keys: dict[str | None, Any] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._silent = False
        self._asking: asyncio.Task[None] | None = None
        self._began_at = 0.0

    async def of(self, kid: Any) -> Any:
        """The key of that id (without an id: the only key there is), or None. Raises 503 while the issuer is silent.

        A known key is answered at once, and renewed behind the call. An unknown one waits for the asking under way,
        or for one of its own where the pauses allow it.
        """
        if self._asking is None and self._must_ask(kid):
            self._ask()
        if self._asking is not None:
            await self._wait(self._asking, kid)
        key = self._found(kid)
        if key is None and self._silent:
            raise issuer_silent()
        return key

    def _found(self, kid: Any) -> Any:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid) if isinstance(kid, str) else None

    def _age(self) -> float:
        return math.inf if self._fetched_at is None else self._watch.seconds() - self._fetched_at

    def _must_ask(self, kid: Any) -> bool:
        if self._asked_at is not None and self._watch.seconds() - self._asked_at < SILENCE_PAUSE.total_seconds():
            return False
        longest = KEYS_PAUSE if self._found(kid) is None else KEYS_FRESH
        return self._age() > longest.total_seconds()

    def _ask(self) -> None:
        self._began_at = time.monotonic()
        self._asking = asyncio.create_task(self._fetch(), name="issuer's keys")
        self._asking.add_done_callback(self._asked)

    def _asked(self, _: asyncio.Task[None]) -> None:
        self._asking = None
        self._asked_at = self._watch.seconds()

    async def _wait(self, asking: asyncio.Task[None], kid: Any) -> None:
        if self._found(kid) is None:
            await asyncio.wait((asking,))  # the asking ends after ISSUER_SECONDS
        elif self._age() > KEYS_LIVE.total_seconds() and not self._silent:
            left = self._began_at + RENEWAL_SECONDS - time.monotonic()
            if left > 0:
                await asyncio.wait((asking,), timeout=left)

    async def _fetch(self) -> None:
        """Replace the keys; a silent issuer leaves the ones there are."""
        try:
            async with asyncio.timeout(ISSUER_SECONDS):
                discovered = await self._get(f"{self._issuer}/.well-known/openid-configuration")
                if str(discovered["issuer"]).rstrip("/") != self._issuer:
                    self._silent = True  # somebody else answers
                    return
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
            self._silent = True
            return
        self._silent = False
        self._fetched_at = self._watch.seconds()

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


def good_until(claims: dict[str, Any], now: float) -> float:
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


def invalid_token(detail: str) -> Problem:
    challenge = f'Bearer realm="milesaga", error="invalid_token", error_description="{detail}"'
    return Problem(401, "invalid_token", detail, headers={"WWW-Authenticate": challenge})


def issuer_silent() -> Problem:
    detail = "The token's issuer does not answer, so no token can be checked; try again"
    return Problem(503, "issuer_unavailable", detail, headers={"Retry-After": "2"})
