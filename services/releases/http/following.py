"""A request's changes as server-sent events. An event's id is the request's revision."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, Final

from fastapi import Response
from fastapi.responses import StreamingResponse

from services.releases.cases.releasing import Releasing
from services.releases.http.calling import RequestId, existing, whole
from services.releases.http.views import ShownRequest
from shared.kernel.streams import OpenStreams, TooManyStreams
from shared.runtime.service import Runtime
from shared.web.auth import Caller
from shared.web.docs import READING, streamed
from shared.web.problems import Problem
from shared.web.routes import Routes
from shared.web.streams import ALIVE, EventStream, LastEventId, change, position

STREAMS: Final = 500
PER_CALLER: Final = 20
LOOK_PAUSE: Final = 0.5
"""Seconds between two looks for what another process has appended."""
ALIVE_LOOKS: Final = 30
"""Looks at nothing new, after which it is shown that the line lives."""


def routes(router: Routes, releasing: Releasing, runtime: Runtime, reader: Any) -> None:
    """`GET /v1/releases/requests/{id}/events`."""
    streams = OpenStreams(STREAMS, PER_CALLER)

    @router.get(
        "/v1/releases/requests/{request_id}/events",
        summary="Follow a request (server-sent events)",
        response_class=StreamingResponse,
        responses=streamed(ShownRequest, "change", *READING, 429),
    )
    async def events(request_id: RequestId, last_event_id: LastEventId = None, caller: Caller = reader) -> Response:
        seen = position(last_event_id)
        await existing(releasing, request_id)
        try:
            streams.enter(caller.subject)
        except TooManyStreams as error:
            detail = "Too many event streams are open: end one, or try again later"
            raise Problem(429, "too_many_streams", detail, headers={"Retry-After": "5"}) from error
        return EventStream(streams, caller.subject, _events(releasing, runtime, request_id, seen))


async def _events(releasing: Releasing, runtime: Runtime, id_: str, seen: int) -> AsyncIterator[bytes]:
    """What is new, until nothing more can happen to the request, or the process drains."""
    quiet = 0
    while True:
        happened = releasing.log.changes()  # before the look, or what happens during it would be waited for
        request = await existing(releasing, id_)
        if request.revision > seen:
            seen, quiet = request.revision, 0
            yield change(seen, (await whole(releasing, request)).model_dump_json(by_alias=True))
        if request.is_over or runtime.draining.is_set():
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_PAUSE):
                await happened.wait()
        quiet += 1
        if quiet % ALIVE_LOOKS == 0:
            yield ALIVE
