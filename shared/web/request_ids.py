"""`X-Request-Id`: whose a request is, for the caller, for the log and for the OpenAPI document."""

import os
import re
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.types import Scope

HEADER: Final = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")

GIVEN_BACK: Final[dict[str, Any]] = {
    "description": "Of this request, in our log too: name it when you ask us about an answer.",
    "required": True,
    "schema": {"type": "string", "examples": ["checkout-4711"]},
}
TAKEN: Final[dict[str, Any]] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "The caller's own id of the request: 1 to 64 letters, digits, dots, underscores and hyphens. "
    "Any other text is not refused, and has a new id in its place.",
    "schema": {"type": "string", "examples": ["checkout-4711"]},
}


def request_id(scope: Scope) -> str:
    """The caller's own, where it can be written anywhere, else a new one."""
    given = Headers(scope=scope).get(HEADER, "")
    return given if _GIVEN.fullmatch(given) else os.urandom(8).hex()
