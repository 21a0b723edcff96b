"""Fingers for tests and demonstrations: whoever presses is in the request."""

import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from services.sandbox.memory import Memory
from services.sandbox.problems import ProblemError, as_json, body_of
from services.sandbox.slack import blocks, interactions, workspace
from services.sandbox.slack.api import APP, TEAM
from services.sandbox.slack.errors import SlackError
from services.sandbox.slack.interactions import Button, Course, Interactions

MOST_AT_ONCE = 100
PERSON = r"^U[A-Z0-9]{2,20}$"


class Sending(BaseModel):
    """How the callback fares; see `Course`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: str = Field(pattern=PERSON)
    times: int = Field(default=1, ge=1, le=MOST_AT_ONCE)
    seconds: float = Field(default=0.0, ge=0, le=600)
    lost: bool = False
    aged: int = Field(default=0, ge=-86_400, le=86_400)
    altered: bool = False
    forged: bool = False
    app_id: str = APP
    team_id: str = TEAM

    @property
    def course(self) -> Course:
        return Course(self.times, self.seconds, self.lost, self.aged, self.altered, self.forged)


class Click(Sending):
    """A button of a message that stands in the channel."""

    ts: str
    action_id: str
    channel: str | None = None
    """Any, where not given: a `ts` is unique here."""
    message: dict[str, Any] | None = None
    """What the callback says that the message was: another one than stands there, for a forger."""
    value: str | None = None
    """The same for the button's value."""


class Submit(Sending):
    """A modal that is open before `user`; `values` as `{block_id: {action_id: text}}`."""

    view_id: str
    values: dict[str, dict[str, str]]


class Replay(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    times: int = Field(default=1, ge=1, le=MOST_AT_ONCE)


class Fingers:
    """Presses buttons and fills in modals."""

    def __init__(self, memory: Memory, line: Interactions, now: Callable[[], datetime]) -> None:
        self._memory, self._line, self._now = memory, line, now

    async def click(self, said: Click) -> dict[str, Any]:
        """Raises SlackError when there is no such message or button."""
        channel, message = await self._memory.run(lambda connection: _message(connection, said))
        found = blocks.buttons(message["blocks"]).get(said.action_id)
        if found is None:
            raise SlackError("no_such_button")
        block_id, element = found
        if said.value is not None:
            element = element | {"value": said.value}
        trigger = await self._memory.run(lambda connection: workspace.new_trigger(connection, said.user, self._now()))
        button = Button(channel, said.message or message, block_id, element)
        as_other = {"app_id": said.app_id, "team_id": said.team_id}
        payload = interactions.press(said.user, button, trigger, self._now(), **as_other)
        return await self._line.tell(said.user, payload, said.course)

    async def submit(self, said: Submit) -> dict[str, Any]:
        """An answer of 200 without errors closes the modal. Raises SlackError when none is open before that person."""
        view = await self._memory.run(lambda connection: workspace.view_of(connection, said.view_id, said.user))
        values = {
            block: {action: {"type": "plain_text_input", "value": text} for action, text in inputs.items()}
            for block, inputs in said.values.items()
        }
        trigger = await self._memory.run(lambda connection: workspace.new_trigger(connection, said.user, self._now()))
        payload = interactions.submission(said.user, view, values, trigger, app_id=said.app_id, team_id=said.team_id)
        told = await self._line.tell(said.user, payload, said.course)
        if any(each["status"] == 200 and '"errors"' not in each["body"] for each in told["answers"]):  # noqa: PLR2004
            await self._memory.run(lambda connection: workspace.close_view(connection, said.view_id))
        return told


def router(memory: Memory, fingers: Fingers, line: Interactions) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/slack", tags=["tests"])

    @routes.get("/messages")
    async def list_messages() -> Response:
        return as_json({"messages": await memory.run(workspace.everything)})

    @routes.get("/views")
    async def list_views() -> Response:
        return as_json({"views": await memory.run(workspace.views)})

    @routes.get("/callbacks")
    async def list_callbacks() -> Response:
        return as_json({"callbacks": await memory.run(workspace.callbacks)})

    @routes.post("/click")
    async def click(request: Request) -> Response:
        return await _answered(request, Click, fingers.click)

    @routes.post("/submit")
    async def submit(request: Request) -> Response:
        return await _answered(request, Submit, fingers.submit)

    @routes.post("/callbacks/{id_}/replay")
    async def replay(request: Request, id_: str) -> Response:
        return await _answered(request, Replay, lambda said: line.again(id_, said.times))

    return routes


async def _answered(request: Request, model: type[BaseModel], act: Callable[[Any], Any]) -> Response:
    try:
        return as_json(await act(await body_of(request, model)))
    except SlackError as error:
        return ProblemError(404, error.code, "There is no such message, button, modal or callback.").response(
            request.url.path
        )
    except ProblemError as error:
        return error.response(request.url.path)


def _message(connection: sqlite3.Connection, said: Click) -> tuple[str, dict[str, Any]]:
    channel = said.channel or workspace.channel_of(connection, said.ts)
    return channel, workspace.message_at(connection, channel, said.ts)
