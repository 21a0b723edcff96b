"""`Idempotency-Key`: the client's name for one request, however often it has to be sent."""

import re
from typing import Annotated

from fastapi import Header

from shared.web.docs import REQUIRED
from shared.web.problems import Fault, Problem

PATTERN = r"[\x21-\x7e]{1,255}"
_VISIBLE_ASCII = re.compile(PATTERN)
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        description="Your name for this purchase, the same however often it has to be sent; new for each purchase.",
        examples=["5f0c1d3a-8b1e-4c55-9d0a-2f0f5e1c7b11"],
        json_schema_extra={"pattern": f"^{PATTERN}$", **REQUIRED},
    ),
]


async def idempotency_key(key: _Key = None) -> str:
    """Dependency: the request's key. 400 where it is missing, or not 1 to 255 visible ASCII characters."""
    if key is None:
        detail = "Idempotency-Key is required: 1 to 255 visible ASCII characters of your choice, new for each purchase"
        fault = Fault("is required", header="Idempotency-Key")
        raise Problem(400, "idempotency_key_missing", detail, errors=[fault])
    if not _VISIBLE_ASCII.fullmatch(key):
        fault = Fault("must be 1 to 255 visible ASCII characters", header="Idempotency-Key")
        raise Problem(400, "idempotency_key_malformed", f"Idempotency-Key {fault.detail}", errors=[fault])
    return key
