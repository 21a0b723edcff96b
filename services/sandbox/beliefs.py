"""What the outside world believes of purchases: every provider's rows on one page."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from services.sandbox.memory import Memory, empty
from services.sandbox.problems import ProblemError, as_json
from services.sandbox.provider import Provider, StandIn


def router(memory: Memory, providers: Sequence[Provider], stand_ins: Sequence[StandIn]) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/books", tags=["tests"])

    def believed(connection: sqlite3.Connection) -> dict[str, Any]:
        return {name: rows for each in stand_ins for name, rows in each.believes(connection).items()}

    @routes.get("")
    async def read_books(request: Request) -> Response:
        try:
            told = [await each.inquire() for each in stand_ins]
        except ProblemError as error:
            return error.response(request.url.path)
        own = await memory.run(believed)
        return as_json(own | {name: rows for beliefs in told for name, rows in beliefs.items()})

    @routes.delete("")
    async def clear_books() -> Response:
        tables = [table for provider in providers for table in provider.emptied]
        await memory.run(lambda connection: empty(connection, tables))
        for each in stand_ins:
            await each.forget()
        return Response(status_code=204)

    return routes
