"""Slack's callbacks. Sources: "Verifying requests from Slack", "Handling user interaction".

A callback is believed by its signature over the raw bytes, within five minutes of its time, once, and only from our app
in our workspace. The decision falls within the request; what is to be said besides is said afterwards.
"""

import asyncio
import json
from functools import cached_property
from typing import Any, Final, Literal, Protocol
from urllib.parse import parse_qs

from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.releases.cases.pressing import Press, Pressing
from services.releases.domain.subjects import Forged
from services.releases.ports import Place
from shared.kernel.clock import Clock
from shared.web.docs import Responses, problems
from shared.web.problems import Problem
from shared.web.routes import Routes

PATH: Final = "/v1/webhooks/chat/slack/interactions"
SHORTEST_REASON: Final = 3
VERBS: Final[dict[str, Literal["approve", "deny"]]] = {"approve": "approve", "deny": "deny"}
HEARD: Final[Responses] = {200: {"description": "Heard"}}
SIGNATURE: Final = "X-Slack-Signature"


class Lenient(BaseModel):
    """What a callback holds and we need. Whatever Slack adds is none of our business."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Named(Lenient):
    id: str = Field(max_length=100)


class Action(Lenient):
    action_id: str
    value: str = Field(default="", max_length=2000)


class Container(Lenient):
    message_ts: str = ""
    channel_id: str = ""


class View(Lenient):
    callback_id: str = ""
    private_metadata: str = Field(default="", max_length=3000)
    state: dict[str, Any] = Field(default_factory=dict)


class Callback(Lenient):
    """`block_actions` or `view_submission`."""

    type: str
    user: Named
    team: Named
    api_app_id: str
    trigger_id: str = ""
    container: Container = Container()
    actions: list[Action] = Field(default_factory=list, max_length=100)
    view: View = View()


class Verifier(Protocol):
    """slack-sdk's own."""

    def is_valid_request(self, body: bytes, headers: dict[str, str]) -> bool: ...


class Doorkeeper:
    """Whether a callback is Slack's, and for us."""

    def __init__(self, secret: str, app: str, team: str, clock: Clock) -> None:
        self._secret, self._app, self._team, self._clock = secret, app, team, clock

    @cached_property
    def verifier(self) -> Verifier:
        """A third of a second to import: whoever is never called has no need of it."""
        from slack_sdk.signature import Clock as SignatureClock  # noqa: PLC0415 - as above
        from slack_sdk.signature import SignatureVerifier  # noqa: PLC0415

        clock = self._clock

        class Ours(SignatureClock):
            def now(self) -> float:
                return clock.now().timestamp()

        return SignatureVerifier(self._secret, Ours())

    def read(self, body: bytes, headers: dict[str, str]) -> Callback:
        """Raises the problem to be answered."""
        if not self._is_signed(body, headers):
            raise Problem(401, "bad_signature", "The callback is not signed, or not now, or not by Slack")
        try:
            callback = Callback.model_validate_json(parse_qs(body.decode(), strict_parsing=True)["payload"][0])
        except (ValueError, KeyError, ValidationError) as error:
            raise Problem(422, "invalid_request", "The callback is none that is known here") from error
        if (callback.api_app_id, callback.team.id) != (self._app, self._team):
            raise Problem(401, "bad_signature", "The callback is another app's, or of another workspace")
        return callback

    def _is_signed(self, body: bytes, headers: dict[str, str]) -> bool:
        """A time that is none or larger than any, a body that is no text, a signature that is not ASCII raise in the
        verifier."""
        try:
            return self.verifier.is_valid_request(body, headers)
        except (ValueError, TypeError, OverflowError):
            return False


def routes(pressing: Pressing, doorkeeper: Doorkeeper) -> Routes:
    router = Routes("releases")

    @router.post(PATH, response_model=None, responses=HEARD | problems(401, 413, 422, 503))
    async def interact(request: Request) -> Response:
        """Slack tells that somebody pressed a button, or filled in a modal: a form, signed by `X-Slack-Signature` and
        `X-Slack-Request-Timestamp`. A replay has no effect, and is answered as if it had."""
        body = await request.body()
        callback = doorkeeper.read(body, dict(request.headers))
        if not await pressing.is_new(request.headers[SIGNATURE]):
            return Response()
        if callback.type == "view_submission":
            return await _submitted(pressing, callback)
        await asyncio.gather(*(_pressed(pressing, callback, action) for action in callback.actions))
        return Response()

    return router


async def _pressed(pressing: Pressing, callback: Callback, action: Action) -> None:
    """A button that we did not make has no effect."""
    verb = VERBS.get(action.action_id)
    if verb is None:
        return
    try:
        subject = pressing.subjects.read(action.value)
    except Forged:
        return
    place = Place(callback.container.channel_id, callback.container.message_ts)
    await pressing.press(Press(callback.user.id, verb, subject, place, callback.trigger_id))


async def _submitted(pressing: Pressing, callback: Callback) -> Response:
    """Why not. What is refused is told at the field."""
    if callback.view.callback_id != "deny":
        return Response()
    try:
        subject = pressing.subjects.read(callback.view.private_metadata)
    except Forged:
        return Response()
    reason = _reason(callback.view.state)
    if len(reason) < SHORTEST_REASON:
        return _wrong("Say why, so that whoever asked knows.")
    refusal = await pressing.deny(callback.user.id, subject, reason)
    return _wrong(refusal) if refusal else Response()


def _reason(state: dict[str, Any]) -> str:
    try:
        said = state["values"]["why"]["reason"]["value"]
    except (KeyError, TypeError):
        return ""
    return said.strip()[:2000] if isinstance(said, str) else ""


def _wrong(text: str) -> Response:
    told = {"response_action": "errors", "errors": {"why": text}}
    return Response(json.dumps(told), media_type="application/json")
