"""A service's routes, each complete in itself: in a process they stand in one table with those of all others.

A router that is included in another one is kept by FastAPI as a table of its own, and asked at every request whether
the request is for it.
"""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, Depends, Request, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from shared.web.auth import Authenticator
from shared.web.openapi import operation_id
from shared.web.parameters import known_parameters_only

Answering = Callable[[Request], Awaitable[Response]]


class Routes(APIRouter):
    """The routes of one subject. Of each, the query may have no other parameters than it names."""

    def __init__(self, tag: str, prefix: str = "") -> None:
        super().__init__(
            prefix=prefix,
            tags=[tag],
            dependencies=[Depends(known_parameters_only)],
            generate_unique_id_function=operation_id,
        )

    def join(self, *others: "Routes") -> "Routes":
        """These and the others'."""
        for other in others:
            self.routes.extend(other.routes)
        return self

    def internal(self, path: str, authenticator: Authenticator) -> Callable[[Answering], Answering]:
        """A route that the services themselves read, with nothing but ids in its path: FastAPI has no part in it."""

        def decorated(answering: Answering) -> Answering:
            async def answered(request: Request) -> Response:
                await known_parameters_only(request)
                await authenticator.internal_only(request)
                return await answering(request)

            self.routes.append(_Plain(path, answered, methods=["GET"], include_in_schema=False))
            return answering

        return decorated


class _Plain(Route):
    """Tells, as FastAPI's do, which route it was."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self}
