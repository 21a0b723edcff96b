"""A service's routes, each complete in itself: in a process they stand in one table with those of all others.

A router that is included in another one is kept by FastAPI as a table of its own, and asked at every request whether
the request is for it.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.dependencies.utils import request_params_to_args
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError
from starlette.datastructures import QueryParams
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.routing import Match, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.web.auth import Authenticator
from shared.web.limits import BodyLimits
from shared.web.openapi import operation_id
from shared.web.parameters import known_parameters_only
from shared.web.problems import LastResort, Problem
from shared.web.strictly import StrictRoute, value_of

Answering = Callable[[Request], Awaitable[Response]]
M = TypeVar("M", bound=BaseModel)


async def told(request: Request, contract: type[M]) -> M:
    """What another service says to an internal route. Raises 400, 422."""
    text = await request.body()
    value_of(text)
    try:
        return contract.model_validate_json(text)
    except ValidationError as error:
        raise Problem(422, "invalid_request", "The body is not as expected") from error


class Routes(APIRouter):
    """The routes of one subject. Of each, the query may have no other parameters than it names, and the body says each
    thing once."""

    def __init__(self, tag: str, prefix: str = "") -> None:
        super().__init__(
            prefix=prefix,
            tags=[tag],
            route_class=StrictRoute,
            dependencies=[Depends(known_parameters_only)],
            generate_unique_id_function=operation_id,
        )

    def join(self, *others: "Routes") -> "Routes":
        """These and the others'."""
        for other in others:
            self.routes.extend(other.routes)
        return self

    def direct(self, path: str, method: str, **told: Any) -> Callable[[Answering], Answering]:
        """A route that is asked for thousands of times a second. FastAPI tells of it as of any other, by what `told`
        says, and has no part in answering: see `Direct`."""

        def decorated(answering: Answering) -> Answering:
            self.add_api_route(path, answering, methods=[method], route_class_override=Direct, **told)
            return answering

        return decorated

    def internal(
        self, path: str, authenticator: Authenticator, *, method: str = "GET"
    ) -> Callable[[Answering], Answering]:
        """A route for the services themselves, with nothing but ids in its path: FastAPI has no part in it."""

        def decorated(answering: Answering) -> Answering:
            async def answered(request: Request) -> Response:
                await known_parameters_only(request)
                await authenticator.internal_only(request)
                return await answering(request)

            self.routes.append(_Plain(path, answered, methods=[method], include_in_schema=False))
            return answering

        return decorated


class Direct(APIRoute):
    """Answers by its function alone, which takes the request, parameters of the query and what dependencies give that
    take the request alone. What FastAPI would do beside costs more than many an answer."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **told: Any) -> None:
        """Raises TypeError where the function wants what it cannot get here."""
        super().__init__(path, endpoint, **told)
        own = self.dependant
        beyond = own.path_params or own.header_params or own.cookie_params or own.body_params
        if beyond or any(each.dependencies or each.query_params for each in own.dependencies):
            raise TypeError(f"{path} cannot be answered directly: it takes more than the request and the query")
        self._without_query = request_params_to_args(own.query_params, QueryParams())
        """The defaults, which are scalars, and what is missing."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in (self.methods or ()):
            await super().handle(scope, receive, send)
            return
        request = Request(scope, receive, send)
        own = self.dependant
        arguments: dict[str, Any] = {own.request_param_name: request} if own.request_param_name else {}
        for each in own.dependencies:
            given = await each.call(request) if each.call else None
            if each.name:
                arguments[each.name] = given
        values, errors = self._without_query
        if scope["query_string"]:
            values, errors = request_params_to_args(own.query_params, request.query_params)
        if errors:
            raise RequestValidationError(errors)
        response = await self.endpoint(**arguments, **values)
        await response(scope, receive, send)


class DirectFirst:
    """Middleware before all others: requests for direct routes go to these, by method and path, and through what every
    request needs (limits of bodies, problems as answers); all others through everything."""

    def __init__(self, app: ASGIApp, whole: FastAPI) -> None:
        """`whole` is the application, with all its routes and exception handlers."""
        self._app = app
        routes = [route for route in whole.routes if isinstance(route, Direct)]
        self._routes = {(method, route.path): route for route in routes for method in route.methods or ()}
        answering = ExceptionMiddleware(self._answer, handlers=whole.exception_handlers)
        self._direct = BodyLimits(LastResort(answering))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        route = self._routes.get((scope.get("method", ""), scope.get("path", "")))
        if route is None:
            await self._app(scope, receive, send)
            return
        scope.update(route=route, path_params={})
        await self._direct(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await scope["route"].handle(scope, receive, send)


class _Plain(Route):
    """Tells, as FastAPI's do, which route it was."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}
