"""Slack's web API: bearer token, JSON or form in, `ok` out."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter, Request, Response

from services.sandbox.faults import Faults, Rule, answer
from services.sandbox.memory import Memory
from services.sandbox.plain import PlainRoute
from services.sandbox.problems import as_json
from services.sandbox.slack import blocks, workspace
from services.sandbox.slack.errors import SlackError

METHODS = frozenset(
    {"auth.test", "chat.postMessage", "chat.update", "chat.postEphemeral", "conversations.history", "users.info"}
    | {"views.open"}
)
APP, TEAM, BOT = "A0SANDBOX", "T0SANDBOX", "U0BOT"
TOKEN = "xoxb-"
LONGEST_MESSAGE = 40_000
MOST_IN_PAGE, USUAL_PAGE = 999, 100
CHANNEL, PERSON = re.compile(r"C[A-Z0-9]{2,20}"), re.compile(r"U[A-Z0-9]{2,20}")
Json = dict[str, Any]


class Slack:
    """One workspace with one app in it. Any person `U...` is a member, any channel `C...` has the app in it."""

    def __init__(self, memory: Memory, faults: Faults, now: Callable[[], datetime]) -> None:
        self._memory, self._faults, self._now = memory, faults, now
        self._methods: dict[str, Callable[[Json], Awaitable[Json]]] = {
            "auth.test": self._greet,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._whisper,
            "conversations.history": self._history,
            "users.info": self._person,
            "views.open": self._open,
        }

    async def called(self, request: Request, method: str) -> Response:
        if method not in METHODS:
            return SlackError("unknown_method").response()
        rule = await self._faults.fire("slack", method)

        async def act() -> Response:
            try:
                return as_json({"ok": True} | await self._methods[method](await _arguments(request)))
            except SlackError as error:
                return error.response()

        async def refuse() -> Response:
            return _refusal(rule)

        return await answer(request, rule, act, refuse=refuse, broken=lambda: Response(status_code=500))

    async def _greet(self, _: Json) -> Json:
        return {"team_id": TEAM, "user_id": BOT, "bot_id": "B0SANDBOX", "app_id": APP}

    async def _person(self, said: Json) -> Json:
        person = _matching(said.get("user"), PERSON, "user_not_found")
        return {"user": {"id": person, "team_id": TEAM, "name": person.lower(), "deleted": False}}

    async def _post(self, said: Json) -> Json:
        channel = _matching(said.get("channel"), CHANNEL, "channel_not_found")
        body = _content(said) | {"user": BOT, "app_id": APP, "team": TEAM}
        message = await self._memory.run(lambda connection: workspace.post(connection, channel, body, self._now()))
        return {"channel": channel, "ts": message["ts"], "message": message}

    async def _update(self, said: Json) -> Json:
        channel, ts = _matching(said.get("channel"), CHANNEL, "channel_not_found"), str(said.get("ts", ""))
        body = _content(said)
        await self._memory.run(lambda connection: workspace.update(connection, channel, ts, body))
        return {"channel": channel, "ts": ts, "text": body["text"]}

    async def _whisper(self, said: Json) -> Json:
        channel = _matching(said.get("channel"), CHANNEL, "channel_not_found")
        person = _matching(said.get("user"), PERSON, "user_not_in_channel")
        body = _content(said) | {"user": BOT}
        message = await self._memory.run(
            lambda connection: workspace.post(connection, channel, body, self._now(), person)
        )
        return {"message_ts": message["ts"]}

    async def _history(self, said: Json) -> Json:
        """Newest first. As at Slack, metadata is shown to those alone who ask for it."""
        channel = _matching(said.get("channel"), CHANNEL, "channel_not_found")
        limit = min(int(said.get("limit") or USUAL_PAGE), MOST_IN_PAGE)
        oldest, latest = str(said.get("oldest") or ""), str(said.get("cursor") or said.get("latest") or "")
        found, more = await self._memory.run(
            lambda connection: workspace.history(connection, channel, oldest, latest, limit)
        )
        if str(said.get("include_all_metadata", "")).lower() not in {"true", "1"}:
            found = [{name: value for name, value in each.items() if name != "metadata"} for each in found]
        return {"messages": found, "has_more": more, "response_metadata": {"next_cursor": _before(found, more=more)}}

    async def _open(self, said: Json) -> Json:
        view = said.get("view")
        if not isinstance(view, dict) or view.get("type") != "modal":
            raise SlackError("invalid_arguments")
        blocks.checked(view.get("blocks"), blocks.MOST_IN_MODAL)
        trigger = str(said.get("trigger_id", ""))
        shown = await self._memory.run(lambda connection: workspace.open_view(connection, trigger, view, self._now()))
        return {"view": shown}


def router(slack: Slack) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/slack/api", tags=["slack"], route_class=PlainRoute)
    routes.post("/{method}")(slack.called)
    return routes


async def _arguments(request: Request) -> Json:
    """What was said, as JSON or as a form. Raises SlackError without a bot's token."""
    authorization = request.headers.get("authorization", "")
    if not authorization:
        raise SlackError("not_authed")
    if not authorization.startswith(f"Bearer {TOKEN}"):
        raise SlackError("invalid_auth")
    body = await request.body()
    if not request.headers.get("content-type", "").startswith("application/json"):
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    try:
        said = json.loads(body)
    except ValueError:
        raise SlackError("invalid_json") from None
    if not isinstance(said, dict):
        raise SlackError("json_not_object")
    return said


def _content(said: Json) -> Json:
    """Text, blocks and metadata of a message."""
    text, shown = str(said.get("text") or ""), said.get("blocks")
    if not text and not shown:
        raise SlackError("no_text")
    if len(text) > LONGEST_MESSAGE:
        raise SlackError("msg_too_long")
    content: Json = {"text": text, "blocks": blocks.checked(shown or [])}
    if (metadata := said.get("metadata")) is not None:
        kind = metadata.get("event_type") if isinstance(metadata, dict) else None
        if not isinstance(kind, str) or not isinstance(metadata.get("event_payload"), dict):
            raise SlackError("invalid_metadata_format")
        content["metadata"] = metadata
    return content


def _matching(said: Any, pattern: re.Pattern[str], otherwise: str) -> str:
    if not isinstance(said, str) or not pattern.fullmatch(said):
        raise SlackError(otherwise)
    return said


def _before(found: list[Json], *, more: bool) -> str:
    """The cursor of the next page: just before the oldest message of this one. A `ts` has six decimals."""
    if not more:
        return ""
    seconds, _, serial = str(found[-1]["ts"]).partition(".")
    return f"{seconds}.{int(serial) - 1:06d}" if int(serial) else f"{int(seconds) - 1}.999999"


def _refusal(rule: Rule | None) -> Response:
    code = (rule.code if rule else None) or "internal_error"
    if rule is not None and rule.http_status is not None:
        return SlackError("ratelimited").response() if code == "429" else Response(status_code=rule.http_status)
    return SlackError(code).response()
