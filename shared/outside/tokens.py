"""Tokens for client credentials (RFC 6749, 4.4)."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_plus

from pydantic import BaseModel, Field, ValidationError

from shared.kernel.clock import Clock, Stopwatch
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown
from shared.outside.line import Line, Request

MARGIN = 30.0
"""Seconds. A token is used no longer than until so long before its end, so that it does not end on its way."""
RENEWED_AHEAD = 2
"""It is renewed behind everybody's back so many margins before its end."""


def in_base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@dataclass(frozen=True, slots=True)
class TokenIssuer:
    """Where a provider gives out tokens, and how its clients show there who they are."""

    path: str
    encoded: Callable[[str], str] = quote_plus
    """What id and secret go through, each by itself, before Basic authentication joins them (RFC 6749, 2.3.1)."""

    def authorization(self, client_id: str, client_secret: str) -> str:
        """The header's value."""
        return f"Basic {in_base64(f'{self.encoded(client_id)}:{self.encoded(client_secret)}')}"


class Granted(BaseModel):
    """What the issuer answers."""

    access_token: str = Field(pattern=r"^[\x21-\x7e]+$", repr=False)
    expires_in: float = Field(gt=0, le=10**9, allow_inf_nan=False)


class ClientCredentials:
    """Keeps one token and renews it; however many want it, one request is under way, and all share what it brings."""

    def __init__(self, line: Line, issuer: TokenIssuer, client_id: str, client_secret: str, clock: Clock) -> None:
        self._line = line
        self._request = Request(
            "POST",
            issuer.path,
            operation="token",
            form={"grant_type": "client_credentials"},
            headers={"Authorization": issuer.authorization(client_id, client_secret)},
        )
        self._watch = Stopwatch(clock)
        self._token = ""
        self._good_until: float | None = None
        self._renewed_from: float | None = None
        self._renewing: asyncio.Task[None] | None = None

    async def current(self) -> str:
        """`Bearer ...`. Raises NotSent, whatever went wrong: without a token nothing has been asked."""
        now = self._watch.seconds()
        if self._good_until is None or now >= self._good_until:
            await asyncio.shield(self._one_renewal())
        elif self._renewed_from is not None and now >= self._renewed_from:
            self._one_renewal()
        return self._token

    def drop(self, value: str) -> None:
        """The token was not accepted. Another one, got meanwhile, stays."""
        if value == self._token:
            self._good_until = None

    def _one_renewal(self) -> asyncio.Task[None]:
        if self._renewing is None or self._renewing.done():
            self._renewing = asyncio.create_task(self._renew())
            self._renewing.add_done_callback(_heard)
        return self._renewing

    async def _renew(self) -> None:
        asked = self._watch.seconds()
        try:
            granted = Granted.model_validate((await self._line.send(self._request)).body)
        except NotSent as error:
            raise NotSent(f"no token: {error}", again_in=error.again_in) from error
        except (OutcomeUnknown, Misconfigured) as error:
            raise NotSent(f"no token: {error}") from error
        except ValidationError as error:
            raise NotSent("no token: an answer of no known shape") from error
        life = granted.expires_in
        margin = min(MARGIN, life / 4)
        self._token = f"Bearer {granted.access_token}"
        self._good_until = asked + life - margin
        self._renewed_from = asked + life - RENEWED_AHEAD * margin


def _heard(renewal: asyncio.Task[None]) -> None:
    """A failed renewal that nobody waits for is nobody's news: the next one is tried by whoever comes."""
    if not renewal.cancelled():
        renewal.exception()
