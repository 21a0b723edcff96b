"""What Slack sends an app when somebody presses: signed, once or oftener, at once or late, or never.

Source: Slack's "Verifying requests from Slack" (signature `v0`) and "Handling user interaction" (payloads, 3 seconds).
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from services.sandbox.memory import Memory
from services.sandbox.slack import workspace
from services.sandbox.slack.api import APP, TEAM

if TYPE_CHECKING:
    import httpx

SIGNING_SECRET = "sandbox-signing-secret"
PATIENCE = 3.0  # seconds; what answers later has failed, and the person who pressed sees a warning
PATH = "/v1/webhooks/chat/slack/interactions"
FORM = "application/x-www-form-urlencoded"
Json = dict[str, Any]


@dataclass(frozen=True)
class Course:
    """How a callback fares on its way."""

    times: int = 1
    """So often at once."""
    seconds: float = 0.0
    """So long after it was signed."""
    lost: bool = False
    """Signed, and on no way at all: kept, to be sent later."""
    aged: int = 0
    """Seconds that its signature is old when it is made."""
    altered: bool = False
    """One bit of the body is another than the one that was signed."""
    forged: bool = False
    """Signed by somebody who does not know the secret."""


class Interactions:
    """The line from Slack to the app."""

    def __init__(self, memory: Memory, url: str, now: Callable[[], datetime]) -> None:
        """`now` is the clock of those who check signatures."""
        self._memory, self._url, self._now = memory, url.rstrip("/") + PATH, now
        self._client: httpx.AsyncClient | None = None

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def tell(self, user: str, payload: Json, course: Course) -> Json:
        """Sign and send it as `course` says: the callback's id, and what came back of each sending."""
        body = urlencode({"payload": json.dumps(payload, ensure_ascii=False)}).encode()
        secret = "another" if course.forged else SIGNING_SECRET
        headers = signed(body, int(self._now().timestamp()) - course.aged, secret)
        if course.altered:
            body = body[:-1] + bytes([body[-1] ^ 1])
        id_ = await self._memory.run(lambda connection: workspace.keep_callback(connection, user, headers, body))
        if course.lost:
            return {"id": id_, "answers": []}
        await asyncio.sleep(course.seconds)
        return {"id": id_, "answers": await self._sent(headers, body, course.times)}

    async def again(self, id_: str, times: int) -> Json:
        """The same bytes under the same signature. Raises SlackError when there was no such callback."""
        headers, body = await self._memory.run(lambda connection: workspace.callback(connection, id_))
        return {"id": id_, "answers": await self._sent(headers, body, times)}

    async def _sent(self, headers: dict[str, str], body: bytes, times: int) -> list[Json]:
        return list(await asyncio.gather(*(self._post(headers, body) for _ in range(times))))

    async def _post(self, headers: dict[str, str], body: bytes) -> Json:
        """Status (null when none came within three seconds), seconds, and the answer's text."""
        import httpx  # noqa: PLC0415 - only a stack whose buttons are pressed needs it

        if self._client is None:
            limits = httpx.Limits(max_connections=100)
            self._client = httpx.AsyncClient(timeout=PATIENCE, trust_env=False, limits=limits)
        begun = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                response = await self._client.post(self._url, content=body, headers=headers)
            status, text = response.status_code, response.text
        except (httpx.HTTPError, TimeoutError) as error:
            status, text = None, type(error).__name__
        return {"status": status, "seconds": round(time.monotonic() - begun, 4), "body": text}


def signed(body: bytes, at: int, secret: str = SIGNING_SECRET) -> dict[str, str]:
    """The headers of a callback with this raw body."""
    mac = hmac.new(secret.encode(), b"v0:%d:%s" % (at, body), hashlib.sha256).hexdigest()
    return {
        "Content-Type": FORM,
        "X-Slack-Request-Timestamp": str(at),
        "X-Slack-Signature": f"v0={mac}",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
    }


@dataclass(frozen=True)
class Button:
    """Where somebody presses."""

    channel: str
    message: Json
    block_id: str
    element: Json


def press(user: str, button: Button, trigger: str, at: datetime, **as_other: str) -> Json:
    """`block_actions`: a button of a message."""
    element = button.element
    told = {name: element[name] for name in ("action_id", "type", "text", "value", "style") if name in element}
    place = {"type": "message", "message_ts": button.message["ts"], "channel_id": button.channel, "is_ephemeral": False}
    return _common("block_actions", user, trigger, **as_other) | {
        "container": place,
        "channel": {"id": button.channel, "name": "releases"},
        "message": button.message,
        "state": {"values": {}},
        "actions": [told | {"block_id": button.block_id, "action_ts": f"{at.timestamp():.6f}"}],
    }


def submission(user: str, view: Json, values: Json, trigger: str, **as_other: str) -> Json:
    """`view_submission`: a modal that was filled in."""
    filled = view | {"state": {"values": values}, "app_id": as_other.get("app_id", APP)}
    return _common("view_submission", user, trigger, **as_other) | {"view": filled, "response_urls": []}


def _common(kind: str, user: str, trigger: str, app_id: str = APP, team_id: str = TEAM) -> Json:
    return {
        "type": kind,
        "user": {"id": user, "username": user.lower(), "name": user.lower(), "team_id": team_id},
        "api_app_id": app_id,
        "team": {"id": team_id, "domain": "sandbox"},
        "token": "sandbox-verification",
        "trigger_id": trigger,
        "is_enterprise_install": False,
        "enterprise": None,
    }
