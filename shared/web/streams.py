"""Server-sent events (WHATWG HTML §9.2): how one is written, and where a stream goes on."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import Header
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from shared.kernel.streams import OpenStreams
from shared.web.problems import Fault, Problem

HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LONGEST_POSITION: Final = 9
"""Digits; nothing changes oftener."""
ALIVE: Final = b": waiting\n\n"
"""Shows that the line lives."""
LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        description="The id of the last event you saw: the stream goes on after it; left out, it begins anew.",
        examples=["7"],
        json_schema_extra={"pattern": f"^[0-9]{{0,{LONGEST_POSITION}}}$"},
    ),
]


class EventStream(StreamingResponse):
    """Counted among the caller's streams until it has been sent, or could not be."""

    def __init__(self, streams: OpenStreams, caller: str, events: AsyncIterator[bytes]) -> None:
        """Enter the caller before."""
        super().__init__(events, media_type="text/event-stream", headers=HEADERS)
        self._streams = streams
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.leave(self._caller)


def change(position: int, data: str) -> bytes:
    """One event; `data` is a line of JSON."""
    return f"event: change\nid: {position}\ndata: {data}\n\n".encode()


def position(last_event_id: str | None) -> int:
    """Where the stream goes on. Raises 422."""
    if not last_event_id:
        return 0
    if not (last_event_id.isascii() and last_event_id.isdigit()) or len(last_event_id) > LONGEST_POSITION:
        fault = Fault("must be the id of an event of this stream", header="Last-Event-ID")
        raise Problem(422, "invalid_request", "Last-Event-ID " + fault.detail, errors=[fault])
    return int(last_event_id)
