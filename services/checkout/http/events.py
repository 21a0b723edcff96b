"""A purchase's changes as server-sent events (WHATWG HTML §9.2). An event's id is the change's position."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated

from fastapi import Header
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from services.checkout.cases.following import Change, Followers
from services.checkout.domain.checkout import Checkout
from services.checkout.http.views import view
from shared.web.problems import Fault, Problem

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LONGEST_POSITION = 9
"""Digits; no timeline is longer."""
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

    def __init__(self, followers: Followers, caller: str, events: AsyncIterator[bytes]) -> None:
        super().__init__(events, media_type="text/event-stream", headers=HEADERS)
        self._followers = followers
        self._caller = caller

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._followers.leave(self._caller)


def stream(followers: Followers, caller: str, checkout: Checkout, last_event_id: str | None) -> EventStream:
    """The changes after the one the client saw last. Raises TooManyStreams."""
    position = _position(last_event_id)
    followers.enter(caller)
    return EventStream(followers, caller, _events(followers, checkout, position))


async def _events(followers: Followers, checkout: Checkout, position: int) -> AsyncIterator[bytes]:
    async with aclosing(followers.changes(checkout, position)) as changes:
        async for change in changes:
            yield _event(change) if change else b": waiting\n\n"


def _event(change: Change) -> bytes:
    data = view(change.checkout, change.position).model_dump_json()
    return f"event: change\nid: {change.position}\ndata: {data}\n\n".encode()


def _position(last_event_id: str | None) -> int:
    if not last_event_id:
        return 0
    if not (last_event_id.isascii() and last_event_id.isdigit()) or len(last_event_id) > LONGEST_POSITION:
        fault = Fault("must be the id of an event of this stream", header="Last-Event-ID")
        raise Problem(422, "invalid_request", "Last-Event-ID " + fault.detail, errors=[fault])
    return int(last_event_id)
