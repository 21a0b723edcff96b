"""The public HTTP API as the command line uses it: paged lists, server-sent events, and one sentence per error."""

import json
import math
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
import typer

from services.cli import printing
from services.cli.absence import NO_STACK, nothing_at
from services.cli.access import AccessSettings
from shared.runtime.settings import S, TrustSettings, WrongSettings, read
from shared.runtime.trust import https_context

Json = dict[str, Any]

DEFAULT_URL: Final = "http://127.0.0.1:8000"
OPERATOR_SCOPE: Final = "ops:read ops:write"
MEMBER_SCOPE: Final = "offers carts checkouts miles"
FINAL: Final = frozenset({"completed", "refused", "cancelled"})
AT_REST: Final = FINAL | {"needs_attention"}
"""Statuses after which a purchase's event stream ends."""

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
STREAM_SILENCE: Final = 60.0
"""Seconds without a byte after which a stream is taken for dead and opened anew."""
RECONNECT_PAUSE: Final = 0.25
AWAY: Final = frozenset({0, 502, 503, 504})
"""Statuses of an API that is not there at the moment; 0 when there was no answer."""
TOO_LATE: Final = -1
"""Status of our own impatience."""


class ApiError(Exception):
    """The API did not do what was asked; the message is one sentence for the user."""

    def __init__(
        self, sentence: str, *, status: int = 0, code: str = "", problem: Json | None = None, retry_after: int = 0
    ) -> None:
        super().__init__(sentence)
        self.status = status
        """HTTP status; 0 when there was no answer."""
        self.code = code
        """The problem's stable code, where it has one."""
        self.problem = problem or {}
        self.retry_after = retry_after
        """Seconds for which the API asked to be left alone; 0 where it did not."""


class NoStack(ApiError):
    """Nobody is there."""

    def __init__(self, place: str) -> None:
        super().__init__(nothing_at(place))


@dataclass(frozen=True)
class Change:
    """One server-sent event: its id (the position in the timeline) and the purchase as it was then."""

    id: str
    checkout: Json


class Api:
    """A client of the public API with one bearer token. Every method but `ask` raises `ApiError` and nothing else."""

    def __init__(
        self,
        base_url: str,
        token: str = "",
        *,
        headers: Mapping[str, str] | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """`headers` go with every request."""
        self.base_url = base_url.rstrip("/")
        headers = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        trusted = https_context(given(TrustSettings).https_ca_file) if self.base_url.startswith("https:") else False
        self._http = httpx.Client(
            base_url=self.base_url,
            headers=headers,
            timeout=TIMEOUT,
            trust_env=False,
            transport=transport,
            verify=trusted,
        )

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request and its answer, whatever that says. Raises `httpx.HTTPError` and not `ApiError`: for who tells a
        silence from a refusal by himself."""
        return self._http.request(method, path, **options)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request; anything but a 2xx raises."""
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise _no_answer(self.base_url, error) from error
        if not response.is_success:
            raise _refused(response)
        return response

    def get(self, path: str, **params: str | int | None) -> Json:
        present = {name: value for name, value in params.items() if value is not None}
        return _object(self.request("GET", path, params=present))

    def send(self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Json:
        """A request with a JSON body; an empty answer is `{}`."""
        response = self.request(method, path, json=body, headers=dict(headers or {}))
        return _object(response) if response.content else {}

    def pages(self, path: str, key: str, **params: str | int | None) -> Iterator[Json]:
        """Every element of a paged list, page after page."""
        for page in self.whole_pages(path, **params):
            yield from page[key]

    def whole_pages(self, path: str, **params: str | int | None) -> Iterator[Json]:
        """Page after page, each with all that it says."""
        cursor: str | None = None
        while True:
            page = self.get(path, cursor=cursor, **params)
            yield page
            cursor = page.get("next_cursor")
            if not cursor:
                return

    def changes(self, path: str, *, within: float = math.inf, absent: float = 60.0) -> Iterator[Change]:
        """Follow a purchase until it rests, opening the stream again where it broke off.

        Raises when it does not rest within so many seconds, or when the API was absent for so long.
        """
        last_id: str | None = None
        begun = heard = time.monotonic()
        while True:
            try:
                for change in self._stream(path, last_id):
                    heard = time.monotonic()
                    if change is not None:
                        last_id = change.id
                        yield change
                        if change.checkout.get("status") in AT_REST:
                            return
                    _still_in_time(path, heard - begun, within)
            except ApiError as error:
                if error.status not in AWAY or time.monotonic() - heard > absent:
                    raise
            time.sleep(RECONNECT_PAUSE)

    def _stream(self, path: str, last_id: str | None) -> Iterator[Change | None]:
        """The changes; None for a sign of life."""
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = httpx.Timeout(STREAM_SILENCE, connect=5.0)
        try:
            with self._http.stream("GET", path, headers=headers, timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    raise _refused(response)
                yield None
                yield from parse_events(response.iter_lines())
        except httpx.HTTPError as error:
            raise _no_answer(self.base_url, error) from error


def parse_events(lines: Iterator[str]) -> Iterator[Change | None]:
    """The `change` events of an event stream (HTML Living Standard, 9.2); None for what only shows that it lives."""
    fields: dict[str, list[str]] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields.setdefault(name, []).append(value.removeprefix(" "))
            continue
        if fields.get("event") == ["change"] and "data" in fields:
            yield Change(id=fields.get("id", [""])[-1], checkout=json.loads("\n".join(fields["data"])))
        else:
            yield None
        fields = {}


def base_url() -> str:
    """Where the API is: `MILESAGA_URL`, else where the stack of `MILESAGA_HOME` says it listens, else port 8000.

    Raises `ApiError` for a `MILESAGA_URL` that is no HTTP address, and for a `MILESAGA_HOME` whose stack is not up:
    another one, on port 8000, is not meant.
    """
    if url := given(AccessSettings).url:
        return url
    home = os.environ.get("MILESAGA_HOME")
    note = Path(home or ".milesaga") / "http.url"
    if note.exists():
        return note.read_text().strip()
    if home:
        raise NoStack(home)
    return DEFAULT_URL


def sandbox_token(base_url: str, scope: str, member: str | None = None) -> str:
    """A token from the sandbox's identity provider: an operator's, or a member's."""
    form = {"grant_type": "client_credentials", "client_id": "portal", "client_secret": "sandbox", "scope": scope}
    if member is not None:
        form["member"] = member
    with Api(base_url) as api:
        try:
            answer = _object(api.request("POST", "/sandbox/oauth/token", data=form))
        except ApiError as error:
            if error.status != httpx.codes.NOT_FOUND:
                raise
            raise ApiError("This stack has no sandbox: put an operator's token into MILESAGA_TOKEN.") from error
    return str(answer["access_token"])


def operator() -> Api:
    """The API as an operator: with `MILESAGA_TOKEN`, or a token from the sandbox."""
    url = base_url()
    return Api(url, given(AccessSettings).token or sandbox_token(url, OPERATOR_SCOPE))


def given(settings: type[S]) -> S:
    """Settings from the environment. Raises `ApiError` that names what is wrong."""
    try:
        return read(settings)
    except WrongSettings as error:
        raise ApiError(f"milesaga: {error}") from error


@contextmanager
def reported(exit_code: int = 1) -> Iterator[None]:
    """Turn an error of the API into its sentence on standard error and a non-zero exit: NO_STACK where none runs."""
    try:
        yield
    except ApiError as error:
        printing.complain(str(error))
        raise typer.Exit(NO_STACK if isinstance(error, NoStack) else exit_code) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


@contextmanager
def named(thing: str) -> Iterator[None]:
    """Say of what is not there what it is called: `purchase 0198...`."""
    try:
        yield
    except ApiError as error:
        if error.status != httpx.codes.NOT_FOUND or not error.code:
            raise
        sentence = f"There is no {thing}."
        raise ApiError(sentence, status=error.status, code=error.code, problem=error.problem) from error


def segment(text: str) -> str:
    """Any text as one segment of a path. One of dots alone would lead elsewhere, were they not encoded as well."""
    return quote(text, safe="") if text.strip(".") else "%2E" * len(text)


@contextmanager
def writing(file: Path) -> Iterator[None]:
    """Raises ApiError where it cannot be written: a folder that is not there, a disk that is full."""
    try:
        yield
    except OSError as error:
        raise ApiError(f"{file}: {error.strerror}") from error


def _object(response: httpx.Response) -> Json:
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ApiError(
            f"{response.request.url} answered something that is no JSON object.", status=response.status_code
        )
    return body


def _still_in_time(path: str, spent: float, within: float) -> None:
    if spent > within:
        raise ApiError(f"{path} had not come to its end after {within:.0f} s.", status=TOO_LATE)


def _no_answer(base_url: str, error: httpx.HTTPError) -> ApiError:
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
        return NoStack(base_url)
    return ApiError(f"{base_url} did not finish its answer ({type(error).__name__}).")


def _refused(response: httpx.Response) -> ApiError:
    """The problem's detail, with the fields it names (RFC 9457)."""
    try:
        body = response.json()
    except ValueError:
        body = {}
    problem = body if isinstance(body, dict) else {}
    text = problem.get("detail") or problem.get("title") or problem.get("error") or response.reason_phrase
    asked = f"{response.request.method} {response.request.url.path} was answered {response.status_code}: "
    return ApiError(
        _with_faults(str(text) if problem.get("code") else f"{asked}{text}", problem.get("errors") or []),
        status=response.status_code,
        code=str(problem.get("code", "")),
        problem=problem,
        retry_after=_pause(response.headers.get("retry-after", "")),
    )


def _with_faults(sentence: str, errors: Sequence[Json]) -> str:
    """One sentence, and each field behind it with what was expected there: nothing of it twice, though a detail names
    the fields for whoever reads nothing else."""
    faults = [(_place(fault), str(fault.get("detail", ""))) for fault in errors]
    told = sentence.removesuffix(".").removesuffix(f": {', '.join(place for place, _ in faults)}")
    fields = [f"{place}: {detail}" for place, detail in faults if not detail or detail not in told]
    return "; ".join([told, *fields]) if fields else sentence


def _pause(retry_after: str) -> int:
    return int(retry_after) if re.fullmatch(r"[0-9]{1,6}", retry_after) else 0


def _place(fault: Json) -> str:
    """Where a field is wrong: in the body, the query or the headers."""
    return str(fault.get("pointer") or fault.get("parameter") or fault.get("header") or "")
