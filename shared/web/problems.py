"""Errors on HTTP: `application/problem+json` (RFC 9457), with a stable code and the place of every wrong field.

What the client sent is never echoed: it may be personal.
"""

import logging
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.kernel.errors import Later
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import NewerSchema
from shared.web.validation import faults_of, is_unparsable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
RETRY_AFTER = {"Retry-After": "1"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with a request: a place in the body (JSON pointer), a query parameter, or a header."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None

    def body(self) -> dict[str, str]:
        places = {"pointer": self.pointer, "parameter": self.parameter, "header": self.header}
        return {**{name: place for name, place in places.items() if place is not None}, "detail": self.detail}


class Problem(Exception):
    """A refusal with its HTTP status. `code` is stable and meant for programs, `detail` for people."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        *,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """`more` are extension members, which the OpenAPI document names (RFC 9457, §3.2)."""
        super().__init__(f"{status} {code}")
        self.more = dict(more or {})
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self, path: str) -> Response:
        body: dict[str, Any] = {
            "type": f"urn:milesaga:problem:{self.code}",
            "title": self.code.replace("_", " ").capitalize(),
            "status": self.status,
            "detail": self.detail,
            "instance": path,
            "code": self.code,
            **self.more,
        }
        if self.errors:
            body["errors"] = [fault.body() for fault in self.errors]
        return JSONResponse(body, self.status, headers=self.headers, media_type=MEDIA_TYPE)


def invalid_field(pointer: str, detail: str, code: str = "invalid_request") -> Problem:
    """422 for one field of the body, such as `/items/0/offer_id`."""
    return Problem(422, code, detail, errors=[Fault(detail, pointer=pointer)])


def invalid_fields(faults: Sequence[Fault]) -> Problem:
    """422 for several, or for parameters and headers."""
    places = ", ".join(fault.pointer or fault.parameter or fault.header or "the body" for fault in faults)
    return Problem(422, "invalid_request", f"Not as expected: {places}.", errors=faults)


def invalid_parameter(name: str, detail: str, code: str = "invalid_request") -> Problem:
    """422 for one query parameter."""
    return Problem(422, code, detail, errors=[Fault(detail, parameter=name)])


def not_found(what: str) -> Problem:
    """404 for what is not there, or is somebody else's: nobody is told which."""
    return Problem(404, "not_found", f"There is no such {what}")


def try_again(code: str, detail: str, *, seconds: int = 1) -> Problem:
    """503: what is needed for the answer is out of reach for the moment."""
    return Problem(503, code, detail, headers={"Retry-After": str(seconds)})


def install(app: FastAPI) -> None:
    """Answer every error of the application as a problem."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Unavailable, _unavailable)
    app.add_exception_handler(NewerSchema, _newer)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(Later, _later)
    app.add_middleware(LastResort)


class LastResort:
    """Answers an unexpected exception with 500 and logs where it came from, without its message or values."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            frames = traceback.extract_tb(error.__traceback__)
            trace = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-12:]]
            log.error("request failed", extra={"error": type(error).__name__, "trace": trace})  # noqa: TRY400 - ditto
            if started:
                raise
            problem = Problem(
                500, "internal", "Something went wrong here. Nothing is known to be wrong with the request."
            )
            await problem.response(scope["path"])(scope, receive, watched)


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return error.response(request.url.path)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    if is_unparsable(error):
        problem = Problem(400, "malformed_json", "The body is no JSON text in UTF-8.")
    else:
        problem = invalid_fields([Fault(**fault) for fault in faults_of(error)])
    return problem.response(request.url.path)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    known = {
        400: ("malformed_json", "The body is no JSON text in UTF-8."),
        404: ("not_found", "There is nothing here."),
        405: ("method_not_allowed", "This method is not for this resource."),
    }
    phrase = HTTPStatus(error.status_code).phrase
    code, detail = known.get(error.status_code, (phrase.lower().replace(" ", "_").replace("-", "_"), f"{phrase}."))
    headers = {"Allow": _allowed(request)} if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED else error.headers
    return Problem(error.status_code, code, detail, headers=headers).response(request.url.path)


def _allowed(request: Request) -> str:
    """Every method of the resource: each of its routes knows only its own. HEAD goes wherever GET does."""
    routes = request.app.router.routes
    scopes = {method: {**request.scope, "method": method} for method in METHODS}
    allowed = {name for name, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)}
    return ", ".join(sorted(allowed | ({"HEAD"} if "GET" in allowed else set())))


async def _unavailable(request: Request, _: Exception) -> Response:
    detail = "The data is out of reach for the moment; try again."
    return Problem(503, "unavailable", detail, headers=RETRY_AFTER).response(request.url.path)


async def _newer(request: Request, _: Exception) -> Response:
    detail = "A newer release of this service has this in hand; try again"
    return Problem(503, "unavailable", detail, headers=RETRY_AFTER).response(request.url.path)


async def _conflict(request: Request, _: Exception) -> Response:
    detail = "Others are changing this at the same time; try again."
    return Problem(409, "busy", detail, headers=RETRY_AFTER).response(request.url.path)


async def _later(request: Request, _: Exception) -> Response:
    return try_again("busy", "Others are changing this at the same time; try again.").response(request.url.path)
