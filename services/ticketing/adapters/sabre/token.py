"""Sabre's sessionless tokens.

Source: developer.sabre.com, "Authentication", `POST /v2/auth/token`: Basic authentication with client id and secret
base64-encoded one by one, joined by a colon and encoded once more.
"""

import asyncio
import base64
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from pydantic import SecretStr

from shared.kernel.clock import Clock
from shared.kernel.errors import NotSent

MARGIN = timedelta(seconds=30)
"""A token is renewed this long before it ends, so that it does not end on its way."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """`client_id` is `V1:user:group:domain`."""

    client_id: str
    client_secret: SecretStr

    def basic(self) -> str:
        joined = f"{_encoded(self.client_id)}:{_encoded(self.client_secret.get_secret_value())}"
        return f"Basic {_encoded(joined)}"


class Tokens:
    """Keeps one token and renews it; however many want it, one of them asks."""

    def __init__(self, client: httpx.AsyncClient, credentials: Credentials, clock: Clock) -> None:
        self._client = client
        self._credentials = credentials
        self._clock = clock
        self._lock = asyncio.Lock()
        self._token = ""
        self._good_until: datetime | None = None

    async def current(self) -> str:
        """Raises NotSent, whatever went wrong: without a token nothing has been asked of the airline."""
        async with self._lock:
            if self._good_until is None or self._clock.now() >= self._good_until:
                await self._renew()
            return self._token

    def drop(self, token: str) -> None:
        """The token was not accepted. Another one, got meanwhile, stays."""
        if token == self._token:
            self._good_until = None

    async def _renew(self) -> None:
        asked = self._clock.now()
        try:
            response = await self._client.post(
                "/v2/auth/token",
                data={"grant_type": "client_credentials"},
                headers={"Authorization": self._credentials.basic()},
            )
            response.raise_for_status()
            body = response.json()
            self._token = str(body["access_token"])
            self._good_until = asked + timedelta(seconds=int(body["expires_in"])) - MARGIN
        except httpx.HTTPStatusError as error:
            raise NotSent(f"sabre token: HTTP {error.response.status_code}") from None
        except (httpx.TransportError, ValueError, KeyError, TypeError) as error:
            raise NotSent(f"sabre token: {type(error).__name__}") from error


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
