"""Reading over HTTP (RFC 9110): HEAD wherever there is GET, and 304 for what the client has already."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.preconditions import any_matches, malformed_tags

READS = frozenset({"GET", "HEAD"})
CONTENT = ("content-length", "content-type", "content-encoding")
"""Headers of a body: a 304 has none."""
ROUTED = ("route", "path_params")
"""What a router notes in the scope, for whoever counts requests by route."""
BEFORE_SENDING_TELLS = "2.3"
"""ASGI version in which a stream listens for the client's leaving, by which it is ended."""


class Reading:
    """Answers HEAD by GET without the body, and GET with 304 where `If-None-Match` names the answer's `ETag`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in READS:
            await self._app(scope, receive, send)
            return
        tags = Headers(scope=scope).get("if-none-match")
        if tags is not None and (problem := malformed_tags("If-None-Match", tags)):
            await problem.response(scope["path"])(scope, receive, send)
            return
        answer = _Answer(send, tags, head=scope["method"] == "HEAD")
        reading = _as_get(scope)
        try:
            await self._app(reading, answer.receive_from(receive), answer.send)
        finally:
            scope.update({name: reading[name] for name in ROUTED if name in reading})


class _Answer:
    """One answer on its way to the client, whose body may be left out."""

    def __init__(self, send: Send, tags: str | None, *, head: bool) -> None:
        self._send = send
        self._tags = tags
        self._bare = head
        self._over = False

    def receive_from(self, receive: Receive) -> Receive:
        async def received() -> Message:
            return {"type": "http.disconnect"} if self._over else await receive()

        return received

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start" and self._is_known(message):
            self._bare = True
            message = {**message, "status": 304, "headers": list(message["headers"])}
            headers = MutableHeaders(scope=message)
            for name in CONTENT:
                del headers[name]
        if not self._bare:
            await self._send(message)
        elif message["type"] == "http.response.start":
            await self._send(message)
            await self._send({"type": "http.response.body", "body": b""})
            self._over = True

    def _is_known(self, start: Message) -> bool:
        tag = Headers(raw=start["headers"]).get("etag")
        return self._tags is not None and start["status"] == 200 and tag is not None and any_matches(self._tags, tag)  # noqa: PLR2004 - OK


def _as_get(scope: Scope) -> Scope:
    if scope["method"] == "GET":
        return scope
    return {**scope, "method": "GET", "asgi": {**scope["asgi"], "spec_version": BEFORE_SENDING_TELLS}}
