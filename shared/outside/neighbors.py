"""Our own services' internal routes: typed contracts, read without effect."""

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

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What an id may look like before it goes into a path."""


class Neighbor:
    """Reads from another service. Silence and nonsense are one error, the asker's own."""

    def __init__(self, client: httpx.AsyncClient, headers: Mapping[str, str], timeout: timedelta) -> None:
        """`headers` have the internal token; `timeout` bounds a question as a whole."""
        explained = frozenset({int(httpx.codes.NOT_FOUND)})
        self._line = Line(client, timeout).adapted(headers=headers, explained=explained)

    async def get(
        self, contract: type[C], path: str, document_id: str, unavailable: Callable[[str], Exception]
    ) -> C | None:
        """What stands at `path`, with the id in the place of `{id}`; None where there is no such thing.

        Raises what `unavailable` makes of the reason.
        """
        if not _ID.fullmatch(document_id):
            return None
        try:
            answer = await self._ask(path, document_id)
            if answer.status == httpx.codes.NOT_FOUND:
                return None
            return contract.model_validate(answer.body)
        except (NotSent, OutcomeUnknown, Misconfigured) as error:
            raise unavailable(f"no answer: {error}") from error
        except ValidationError as error:
            raise unavailable(f"an answer of no known shape to {path}") from error

    async def _ask(self, path: str, document_id: str) -> Response:
        """In the asker's trace: the neighbor is one of us."""
        with spans.child(f"GET {path}", Kind.CLIENT):
            here = spans.traceparent()
            headers = {"traceparent": here} if here else {}
            request = Request("GET", path.format(id=document_id), operation=path, headers=headers, repeatable=True)
            return await self._line.send(request)
