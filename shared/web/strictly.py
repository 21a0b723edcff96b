"""JSON bodies that nobody can read otherwise: no name twice, no NaN, no half of a surrogate pair, no nesting without
end, in UTF-8."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute

from shared.rules.faults import Invalid, Unheld
from shared.rules.reading import message_from_json
from shared.rules.undoubted import undoubted
from shared.web.limits import LARGEST_BODY
from shared.web.problems import Fault, Problem, invalid_fields


def value_of(text: bytes) -> Any:
    """What a body says. Raises the 400 to answer; or a 422, where it can be read, and a field of it cannot be held."""
    if (written := undoubted(text)) is not None:
        return written.value
    try:
        return message_from_json(text, LARGEST_BODY)
    except Invalid as invalid:
        if all(isinstance(each, Unheld) for each in invalid.faults):
            faults = [Fault(f"must be {each.expected}", pointer=each.pointer) for each in invalid.faults]
            raise invalid_fields(faults) from invalid
        raise not_taken(invalid) from invalid


def not_taken(invalid: Invalid) -> Problem:
    """Why a body was not read, and where."""
    faults = [Fault(f"expected {fault.expected}, found {fault.found}", fault.pointer) for fault in invalid.faults]
    return Problem(400, "malformed_json", "The body is no JSON that is taken", errors=faults)


class StrictRoute(APIRoute):
    """A route whose body is read strictly, before anything else is asked of the request."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handled = super().get_route_handler()
        if self.body_field is None:
            return handled

        async def strictly(request: Request) -> Response:
            read = _Read(request.scope, request.receive)
            await read.json()  # here, since FastAPI would make a malformed body without places of what it raises
            return await handled(read)

        return strictly


class _Read(Request):
    """A request as FastAPI reads it: by Starlette's own reader the last of two names would win."""

    _value: Any

    async def json(self) -> Any:
        """The body's value; of none, nothing: FastAPI says that it is missing."""
        if not hasattr(self, "_value"):
            text = await self.body()
            self._value = value_of(text) if text else None
        return self._value
