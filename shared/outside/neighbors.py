"""Our own services' internal routes: typed contracts."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown
from shared.outside.line import Line, Request, Response
from shared.telemetry import spans
from shared.telemetry.spans import Kind

C = TypeVar("C", bound=BaseModel)

_ID = re.compile(r"[A-Za-z0-9_-]+")
"""What an id may look like before it goes into a path."""
LONGEST_ID = 64


class Neighbor:
    """Reads from another service. Silence and nonsense are one error, the asker's own."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str], timeout: timedelta) -> None:
        """`headers` have the internal token; `timeout` bounds a question as a whole."""
        explained = frozenset({int(httpx.codes.NOT_FOUND)})
        self._line = Line(client, timeout).adapted(headers=headers, explained=explained)

    async def get(
        self,
        contract: type[C],
        path: str,
        document_id: str,
        unavailable: Callable[[str], Exception],
        *,
        longest: int = LONGEST_ID,
    ) -> C | None:
        """What stands at `path`, with the id in the place of `{id}`; None where there is no such thing, and for what is
        no id of at most `longest` characters.

        Raises what `unavailable` makes of the reason.
        """
        if len(document_id) > longest or not _ID.fullmatch(document_id):
            return None
        return await self._found(contract, path, path.format(id=document_id), unavailable)

    async def _found(
        self, contract: type[C], operation: str, path: str, unavailable: Callable[[str], Exception]
    ) -> C | None:
        try:
            answer = await self._ask(operation, path)
            if answer.status == httpx.codes.NOT_FOUND:
                return None
            return contract.model_validate(answer.body)
        except (NotSent, OutcomeUnknown, Misconfigured) as error:
            raise unavailable(f"no answer: {error}") from error
        except ValidationError as error:
            raise unavailable(f"an answer of no known shape to {operation}") from error

    async def tell(self, contract: type[C], path: str, told: BaseModel, unavailable: Callable[[str], Exception]) -> C:
        """The answer to what is told, which may have an effect: it is sent once. Raises as `get` does."""
        request = Request("POST", path, operation=path, json=told.model_dump(mode="json"), headers=_trace())
        try:
            with spans.child(f"POST {path}", Kind.CLIENT):
                answer = await self._line.send(request)
            return contract.model_validate(answer.body)
        except (NotSent, OutcomeUnknown, Misconfigured) as error:
            raise unavailable(f"no answer: {error}") from error
        except ValidationError as error:
            raise unavailable(f"an answer of no known shape to {path}") from error

    async def _ask(self, operation: str, path: str) -> Response:
        """In the asker's trace: the neighbor is one of us."""
        with spans.child(f"GET {operation}", Kind.CLIENT):
            request = Request("GET", path, operation=operation, headers=_trace(), repeatable=True)
            return await self._line.send(request)


def _trace() -> dict[str, str]:
    here = spans.traceparent()
    return {"traceparent": here} if here else {}
