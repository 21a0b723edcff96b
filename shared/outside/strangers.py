"""Requests to addresses that others have named: only where they may go, over connections that are kept, and once.

A `Line` knows whom it speaks to. Here anybody may have named the host, so that what its name stands for is judged
before a connection is made, and the connection goes exactly there.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import httpx
from aiohappyeyeballs import AddrInfoType

from shared.kernel.locks import KeyedPlaces
from shared.outside.transport import WHOSE, KeptConnections

AT_ONCE: Final = 4_096
"""Requests of one process."""
PART: Final = AT_ONCE // 8
"""Of them at most for one party: as many as a bus has under way whose targets are all there may be, each as it is by
default. What hangs of it leaves others theirs."""
LONGEST_TURN: Final = 60.0
"""Seconds for which a request waits for its party's others: what it is about must not be held for as long as they like.
"""
ENOUGH: Final = 16 * 1024
"""Bytes of an answer's body; nobody reads them."""
MOST_URLS: Final = 2_000
"""That are remembered as they were read."""
NOT_ALLOWED: Final = "not_allowed"
"""The word for a host that may not be reached."""
CROWDED: Final = "crowded"
"""The word for a request whose party has too many others under way."""
_WORDS: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (httpx.ConnectTimeout, "connect_timeout"),
    (TimeoutError, "timeout"),
    (httpx.TimeoutException, "timeout"),
    (httpx.ConnectError, "connect"),
    (httpx.LocalProtocolError, "malformed_request"),
    (ValueError, "malformed_request"),
    (httpx.InvalidURL, "malformed_request"),
)
_CAUSES: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLError, "tls"),
    (socket.gaierror, "dns"),
)


class NoAnswer(Exception):
    """Nobody answered, or nothing that could be read. `word` says why, the same for the same fault."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


class AddressNotAllowed(OSError):
    """A host's name stands for no address that may be reached."""


@dataclass(frozen=True, slots=True)
class Answered:
    """Header names are in small letters."""

    status: int
    headers: Mapping[str, str]


class Strangers:
    """Whoever may be reached. No redirect is followed, no cookie kept, no variable of the environment looked at."""

    def __init__(self, trusted: ssl.SSLContext, allows: Callable[[str], bool]) -> None:
        """`allows` judges an address, as text, that a host's name stands for."""
        self._transport = _CheckedConnections(trusted, allows)
        self._parts = KeyedPlaces(PART)

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, *, seconds: float, whose: str
    ) -> Answered:
        """The answer, of whatever status, within so many seconds as a whole. `whose` is the party that named the URL:
        where its part of all requests is under way, this one waits for one of them first. Raises NoAnswer."""
        async with AsyncExitStack() as turn:
            try:
                async with asyncio.timeout(LONGEST_TURN):
                    await turn.enter_async_context(self._parts.of(whose))
            except TimeoutError as error:
                raise NoAnswer(CROWDED) from error
            return await self._sent(method, url, headers, body, seconds, whose)

    async def _sent(  # noqa: PLR0917 - `send` alone calls it
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, seconds: float, whose: str
    ) -> Answered:
        try:
            timeout = dict.fromkeys(("connect", "read", "write", "pool"), seconds)
            extensions = {"timeout": timeout, WHOSE: whose}
            request = httpx.Request(method, _read(url), headers=dict(headers), content=body, extensions=extensions)
            async with asyncio.timeout(seconds):
                response = await self._transport.handle_async_request(request)
        except (TimeoutError, ValueError, httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswer(_word(error)) from error
        return Answered(response.status_code, {name.lower(): value for name, value in response.headers.items()})

    async def close(self) -> None:
        await self._transport.aclose()


class _CheckedConnections(KeptConnections):
    """Connects to what a name stood for when it was looked at, and to those of its addresses alone that are allowed:
    nobody looks the name up again in between."""

    def __init__(self, trusted: ssl.SSLContext, allows: Callable[[str], bool]) -> None:
        super().__init__(trusted, at_once=AT_ONCE, enough=ENOUGH)
        self._allows = allows

    async def addresses(self, host: str, port: int, whose: str | None) -> Sequence[AddrInfoType]:
        found = await super().addresses(host, port, whose)
        allowed = [each for each in found if self._allows(str(each[4][0]))]
        if not allowed:
            raise AddressNotAllowed("the name stands for no address that may be reached")
        return allowed


@lru_cache(maxsize=MOST_URLS)
def _read(url: str) -> httpx.URL:
    """Reading one takes a tenth of a request's time, and the same ones are asked again and again. Raises InvalidURL."""
    return httpx.URL(url)


def _word(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(cause, AddressNotAllowed):
        return NOT_ALLOWED
    told = [word for kind, word in _CAUSES if isinstance(cause, kind)]
    told += [word for kind, word in _WORDS if isinstance(error, kind)]
    return told[0] if told else "broken_line"
