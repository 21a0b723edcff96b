"""How Slack refuses: HTTP 200 with `ok: false`, but for too many requests."""

from typing import Any

from fastapi import Response

from services.sandbox.problems import as_json

RETRY_AFTER = 1  # second


class SlackError(Exception):
    """`code` as in Slack's pages on each method; `messages` say where a block is wrong."""

    def __init__(self, code: str, *messages: str) -> None:
        super().__init__(code)
        self.code, self.messages = code, messages

    def response(self) -> Response:
        body: dict[str, Any] = {"ok": False, "error": self.code}
        if self.messages:
            body["response_metadata"] = {"messages": list(self.messages)}
        if self.code == "ratelimited":
            return as_json(body, 429, {"Retry-After": str(RETRY_AFTER)})
        return as_json(body)
