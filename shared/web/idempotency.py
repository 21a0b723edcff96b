"""`Idempotency-Key`: the client's name for one request, however often it has to be sent."""

import re
from typing import Annotated

from fastapi import Header

from shared.web.problems import Fault, Problem

_VISIBLE_ASCII = re.compile(r"[\x21-\x7e]{1,255}")


async def idempotency_key(key: Annotated[str | None, Header(alias="Idempotency-Key")] = None) -> str:
    """Dependency: the request's key. 400 where it is missing, or not 1 to 255 visible ASCII characters."""
    if key is None:
        detail = "Idempotency-Key is required: 1 to 255 visible ASCII characters of your choice, new for each purchase"
        fault = Fault("is required", header="Idempotency-Key")
        raise Problem(400, "idempotency_key_missing", detail, errors=[fault])
    if not _VISIBLE_ASCII.fullmatch(key):
        fault = Fault("must be 1 to 255 visible ASCII characters", header="Idempotency-Key")
        raise Problem(400, "idempotency_key_malformed", f"Idempotency-Key {fault.detail}", errors=[fault])
    return key
