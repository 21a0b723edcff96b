"""One way to speak to the outside: a request goes out, and its outcome is an answer or one of three exceptions."""

import asyncio
import json
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol, Self

import httpx

from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown
from shared.outside.connection import MOST_BYTES
from shared.outside.gate import Gate, Turn
from shared.outside.verdicts import Verdict, is_failure, of_error, of_status

log = logging.getLogger(__name__)

Json = dict[str, Any]

CONNECTING = 3
"""One part in so many of a request's time is for connecting, another for the handshake: when all of it is over, the
request was under way."""
BROKEN_LINE = (httpx.NetworkError, httpx.RemoteProtocolError)
"""Most often an idle connection that the other side closed just now."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. `repeatable`: it has no effect, so that a line that broke is tried once more.

    `operation` is what it is counted under: a fixed name in the provider's terms, without ids.
    """

    method: str
    path: str
    operation: str = field(kw_only=True)
    json: Json | None = field(default=None, repr=False)
    form: Mapping[str, str] | None = field(default=None, repr=False)
    query: Mapping[str, str] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    repeatable: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Response:
    """What was answered: a JSON object, its decimals exact; empty where an error status explains nothing."""

    status: int
    body: Json = field(repr=False)


class Credentials(Protocol):
    """What proves who we are, where that changes."""

    async def current(self) -> str:
        """The value of `Authorization`. Raises NotSent."""
        ...

    def drop(self, value: str) -> None:
        """It was not accepted."""
        ...


class Line:
    """Requests to one place, over a client that has its base URL."""

    def __init__(self, client: httpx.AsyncClient, timeout: timedelta, *, gate: Gate | None = None) -> None:
        """`timeout` bounds one request as a whole, to the last byte of its answer."""
        self._client = client
        self._seconds = timeout.total_seconds()
        connecting = self._seconds / CONNECTING
        self._timeout = httpx.Timeout(self._seconds, connect=connecting, pool=connecting)
        self._gate = gate
        self._headers: Mapping[str, str] = {}
        self._credentials: Credentials | None = None
        self._explained: frozenset[int] = frozenset()

    def adapted(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        credentials: Credentials | None = None,
        explained: frozenset[int] = frozenset(),
    ) -> Self:
        """The same line with what a provider wants; `explained` are the error statuses whose bodies say more."""
        line = type(self)(self._client, timedelta(seconds=self._seconds), gate=self._gate)
        line._headers = headers or {}  # noqa: SLF001 - of its own kind
        line._credentials = credentials  # noqa: SLF001 - as above
        line._explained = explained  # noqa: SLF001 - as above
        return line

    async def send(self, request: Request) -> Response:
        """The answer to a request, a success or an explained error.

        Raises NotSent, Misconfigured (both: certainly without effect) and OutcomeUnknown.
        """
        if self._credentials is None:
            return await self._pass(request, self._headers)
        proof = await self._credentials.current()
        try:
            return await self._pass(request, {**self._headers, "Authorization": proof})
        except _Unauthorized:
            self._credentials.drop(proof)
        proof = await self._credentials.current()
        return await self._pass(request, {**self._headers, "Authorization": proof})

    async def _pass(self, request: Request, headers: Mapping[str, str]) -> Response:
        """Send it in its turn. What the turn learns is told before the verdict is."""
        turn: Turn
        async with self._turn(request.operation) as turn:
            try:
                answer = await self._exchange(request, headers, turn)
            except Misconfigured:
                turn.outcome = "misconfigured"
                raise
            except NotSent as error:
                turn.outcome = "not_sent"
                if error.again_in is not None and self._gate is not None:
                    self._gate.leave_alone(error.again_in)
                raise
            turn.outcome = "answered"
            return answer

    def _turn(self, operation: str) -> AbstractAsyncContextManager[Turn]:
        return nullcontext(Turn()) if self._gate is None else self._gate.turn(operation)

    async def _exchange(self, request: Request, headers: Mapping[str, str], turn: Turn) -> Response:
        response = await self._response(request, headers, turn)
        status = response.status_code
        verdict = of_status(request.name, status, response.headers)
        turn.failed = is_failure(verdict, status)
        if verdict is not None and status not in self._explained:
            raise _Unauthorized(str(verdict)) if status == httpx.codes.UNAUTHORIZED else verdict
        body = _object(response.content)
        if body is None and verdict is None:
            raise OutcomeUnknown(f"{request.name}: HTTP {status} without a JSON object")
        return Response(status, body or {})

    async def _response(self, request: Request, headers: Mapping[str, str], turn: Turn) -> httpx.Response:
        """A whole answer of any status."""
        try:
            async with asyncio.timeout(self._seconds):
                try:
                    return await self._attempt(request, headers)
                except BROKEN_LINE as error:
                    if not request.repeatable or isinstance(error, httpx.ConnectError):
                        raise
                return await self._attempt(request, headers)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, TimeoutError) as error:
            verdict: Verdict = of_error(request.name, error)
            turn.failed = is_failure(verdict, None)
            raise verdict from error

    async def _attempt(self, request: Request, headers: Mapping[str, str]) -> httpx.Response:
        built = self._client.build_request(
            request.method,
            request.path,
            json=request.json,
            data=request.form,
            params=request.query,
            headers={**request.headers, **headers},
            timeout=self._timeout,
        )
        response = await self._client.send(built, stream=True, follow_redirects=False)
        try:
            return httpx.Response(response.status_code, headers=_kept(response), content=await _content(response))
        finally:
            await response.aclose()


class _Unauthorized(NotSent):
    """Not let in: with another proof it may be tried again."""


async def _content(response: httpx.Response) -> bytes:
    found = bytearray()
    async for chunk in response.aiter_bytes():
        found += chunk
        if len(found) > MOST_BYTES:
            raise httpx.RemoteProtocolError("a very large answer")
    return bytes(found)


def _kept(response: httpx.Response) -> dict[str, str]:
    """What is read of an answer's headers; the encoding is undone already."""
    value = response.headers.get("Retry-After")
    return {} if value is None else {"Retry-After": value}


def _object(content: bytes) -> Json | None:
    """The content as a JSON object; None where it is none."""
    try:
        found = json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
