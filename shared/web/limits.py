"""What a request's body may be, checked before anybody reads it: its size and its media type."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.web.media import media_type
from shared.web.problems import Problem

LARGEST_BODY = 256 * 1024
LARGER: Final[Mapping[str, int]] = {"/v1/events": 4 * 1024 * 1024, "/v1/events/check": 4 * 1024 * 1024}
"""Of batches of events."""
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
"""Of other methods nobody reads a body, and the server lets go of it."""


class BodyLimits:
    """Refuses bodies over 256 KiB (413), chunked ones too, and media types other than application/json (415).

    The media type is left alone under the path prefixes of `other_media`: providers' webhooks and the sandbox.
    """

    def __init__(
        self,
        app: ASGIApp,
        other_media: Sequence[str] = ("/sandbox/", "/v1/webhooks/", "/v1/events"),
        larger: Mapping[str, int] = LARGER,
    ) -> None:
        """`larger` are paths whose bodies may have more bytes."""
        self._app = app
        self._other_media = tuple(other_media)
        self._larger = larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in _WITH_BODY:
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        length = headers.get(b"content-length", "")
        if length in ("", "0") and b"transfer-encoding" not in headers:
            await self._app(scope, receive, send)
            return
        most = self._larger.get(scope["path"], LARGEST_BODY)
        problem = self._refusal(scope, headers, length, most)
        body = None if problem else await _read(receive, most)
        if body is None:
            problem = problem or _too_large(most)
            await problem.response(scope["path"])(scope, receive, send)
            return
        if body[-1]["type"] == "http.disconnect":
            # nobody hears this answer: it is for whoever counts answers, to whom the service failed otherwise
            problem = Problem(400, "bad_request", "The client left before the end of its body")
            await problem.response(scope["path"])(scope, receive, send)
            return
        await self._app(scope, _replaying(body, receive), send)

    def _refusal(self, scope: Scope, headers: Mapping[bytes, str], length: str, most: int) -> Problem | None:
        if length.isascii() and length.isdigit() and int(length) > most:
            return _too_large(most)
        other_media = scope["path"].startswith(self._other_media)
        if not other_media and media_type(headers.get(b"content-type", "")) != ("application/json", True):
            return Problem(415, "unsupported_media_type", "The body must be application/json in UTF-8")
        if headers.get(b"content-encoding", "identity").strip().lower() != "identity":
            detail = "The body must come as it is, without Content-Encoding"
            return Problem(415, "unsupported_content_encoding", detail, headers={"Accept-Encoding": "identity"})
        return None


def _too_large(most: int) -> Problem:
    return Problem(413, "body_too_large", f"The body may have {most} bytes")


async def _read(receive: Receive, most: int) -> list[Message] | None:
    """The whole body as it came, or None when it is too large. Ends early with a client that went away."""
    messages: list[Message] = []
    size = 0
    while True:
        message = await receive()
        messages.append(message)
        size += len(message.get("body", b""))
        if size > most:
            return None
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return messages


def _replaying(messages: list[Message], receive: Receive) -> Receive:
    waiting = iter(messages)

    async def replay() -> Message:
        for message in waiting:
            return message
        return await receive()

    return replay
