"""A connection's transport, whatever loop it belongs to."""

import asyncio
from typing import cast


def transport(thing: object) -> asyncio.Transport | None:
    """The same, where it is one; told by what it can, because uvloop's are no subclass of asyncio's."""
    is_one = all(hasattr(thing, name) for name in ("get_extra_info", "is_closing", "abort"))
    return cast("asyncio.Transport", thing) if is_one else None
