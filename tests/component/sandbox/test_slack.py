"""The chat's stand-in, and Slack's own verifier over what it signs."""

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from fastapi import Response
from slack_sdk.signature import Clock, SignatureVerifier

from services.sandbox.slack.interactions import SIGNING_SECRET
from tests.kit.world import Json, World

TOKEN = {"Authorization": "Bearer xoxb-sandbox"}
CHANNEL = "C0RELEASES"
BLOCKS: list[Json] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*deploy* to production"}},
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {"type": "button", "action_id": verb, "value": f"r1:{verb}", "text": {"type": "plain_text", "text": verb}}
            for verb in ("approve", "deny")
        ],
    },
]
MODAL = {
    "type": "modal",
    "callback_id": "deny",
    "private_metadata": "r1",
    "title": {"type": "plain_text", "text": "Deny"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {"type": "plain_text_input", "action_id": "reason"},
        }
    ],
}


class At(Clock):
    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> float:
        return self._world.now().timestamp()


async def call(world: World, method: str, **said: Any) -> Json:
    response = await world.http.post(f"/sandbox/slack/api/{method}", json=said, headers=TOKEN)
    assert response.status_code == 200, response.text
    told: Json = response.json()
    return told


async def ask(world: World, **said: Any) -> str:
    """A message with two buttons; its `ts`."""
    told = await call(world, "chat.postMessage", channel=CHANNEL, text="deploy", blocks=BLOCKS, **said)
    assert told["ok"], told
    return str(told["ts"])


async def click(world: World, ts: str, user: str = "U0BIA", **said: Any) -> Json:
    body = {"user": user, "ts": ts, "action_id": "approve"} | said
    response = await world.http.post("/sandbox/slack/click", json=body)
    assert response.status_code == 200, response.text
    told: Json = response.json()
    return told


def payload(body: bytes) -> Json:
    told: Json = json.loads(parse_qs(body.decode())["payload"][0])
    return told


def is_genuine(world: World, headers: dict[str, str], body: bytes) -> bool:
    return bool(SignatureVerifier(SIGNING_SECRET, At(world)).is_valid_request(body, headers))


async def test_a_message_stands_in_the_books_and_its_metadata_in_the_history_of_who_asks_for_it(world: World) -> None:
    about = {"event_type": "release_request", "event_payload": {"request_id": "r1"}}
    ts = await ask(world, metadata=about)
    [row] = (await world.books())["chat"]
    assert row == {"channel": CHANNEL, "ts": ts, "revision": 1, "text": "deploy", "about": {"request_id": "r1"}}
    [plain] = (await call(world, "conversations.history", channel=CHANNEL))["messages"]
    [whole] = (await call(world, "conversations.history", channel=CHANNEL, include_all_metadata=True))["messages"]
    assert "metadata" not in plain
    assert (whole["metadata"], whole["ts"], whole["app_id"]) == (about, ts, "A0SANDBOX")


async def test_a_history_is_read_page_by_page_newest_first(world: World) -> None:
    written = [await ask(world) for _ in range(5)]
    read: list[str] = []
    cursor = ""
    while True:
        page = await call(world, "conversations.history", channel=CHANNEL, limit=2, cursor=cursor)
        read += [each["ts"] for each in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
        assert page["has_more"] == bool(cursor)
        if not cursor:
            break
    assert read == written[::-1]


async def test_a_message_is_redrawn_in_its_place(world: World) -> None:
    ts = await ask(world)
    assert (await call(world, "chat.update", channel=CHANNEL, ts=ts, text="approved", blocks=[]))["ok"]
    [row] = (await world.books())["chat"]
    assert (row["text"], row["revision"]) == ("approved", 2)
    unknown = await call(world, "chat.update", channel=CHANNEL, ts="1.000000", text="x")
    assert unknown == {"ok": False, "error": "message_not_found"}


async def test_a_whisper_is_in_nobody_elses_history(world: World) -> None:
    assert (await call(world, "chat.postEphemeral", channel=CHANNEL, user="U0ANA", text="not yours"))["ok"]
    assert (await call(world, "conversations.history", channel=CHANNEL))["messages"] == []
    [shown] = (await world.get("/sandbox/slack/messages"))["messages"]
    assert (shown["seen_by"], shown["message"]["text"]) == ("U0ANA", "not yours")


@pytest.mark.parametrize(
    ("headers", "error"), [({}, "not_authed"), ({"Authorization": "Bearer other"}, "invalid_auth")]
)
async def test_who_has_no_bots_token_is_refused(world: World, headers: dict[str, str], error: str) -> None:
    response = await world.http.post("/sandbox/slack/api/auth.test", json={}, headers=headers)
    assert response.json() == {"ok": False, "error": error}


@pytest.mark.parametrize(
    ("block", "reason"),
    [
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}, "1 to 3000 characters"),
        ({"type": "section", "text": {"type": "mrkdwn", "text": ""}}, "1 to 3000 characters"),
        ({"type": "header", "text": {"type": "mrkdwn", "text": "x"}}, "plain_text"),
        ({"type": "actions", "elements": []}, "1 to 25"),
        ({"type": "blink"}, "unsupported type"),
    ],
)
async def test_blocks_that_slack_would_not_take_are_refused(world: World, block: Json, reason: str) -> None:
    told = await call(world, "chat.postMessage", channel=CHANNEL, text="t", blocks=[block])
    assert told["error"] == "invalid_blocks"
    assert reason in told["response_metadata"]["messages"][0]


async def test_a_press_is_signed_as_slack_signs(world: World) -> None:
    ts = await ask(world)
    told = await click(world, ts)
    assert [each["status"] for each in told["answers"]] == [200]
    [(headers, body)] = world.chatting.heard
    assert is_genuine(world, headers, body)
    assert not is_genuine(world, headers, body + b" ")
    said = payload(body)
    assert (said["type"], said["user"]["id"], said["api_app_id"]) == ("block_actions", "U0BIA", "A0SANDBOX")
    assert said["container"]["message_ts"] == said["message"]["ts"] == ts
    [action] = said["actions"]
    assert (action["action_id"], action["value"], action["block_id"]) == ("approve", "r1:approve", "decide")


@pytest.mark.parametrize("how", [{"aged": 360}, {"aged": -360}, {"altered": True}, {"forged": True}])
async def test_a_press_that_is_old_altered_or_forged_is_told_by_slacks_verifier(world: World, how: Json) -> None:
    await click(world, await ask(world), **how)
    [(headers, body)] = world.chatting.heard
    assert not is_genuine(world, headers, body)


async def test_a_press_may_come_oftener_and_another_day_again_to_the_byte(world: World) -> None:
    told = await click(world, await ask(world), times=3)
    assert len(told["answers"]) == 3
    replayed = await world.http.post(f"/sandbox/slack/callbacks/{told['id']}/replay", json={"times": 2})
    assert len(replayed.json()["answers"]) == 2
    assert len({(headers["x-slack-signature"], body) for headers, body in world.chatting.heard}) == 1
    assert len(world.chatting.heard) == 5


async def test_a_press_that_was_lost_is_heard_of_when_it_is_sent(world: World) -> None:
    told = await click(world, await ask(world), lost=True)
    assert (told["answers"], world.chatting.heard) == ([], [])
    await world.http.post(f"/sandbox/slack/callbacks/{told['id']}/replay", json={})
    assert len(world.chatting.heard) == 1


async def test_a_press_arrives_after_its_delay(world: World) -> None:
    begun = asyncio.get_running_loop().time()
    await click(world, await ask(world), seconds=0.2)
    assert asyncio.get_running_loop().time() - begun >= 0.2


async def test_an_answer_after_three_seconds_is_none(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.sandbox.slack.interactions.PATIENCE", 0.2)
    world.chatting.seconds = 1.0
    [answer] = (await click(world, await ask(world)))["answers"]
    assert (answer["status"], answer["body"]) == (None, "TimeoutError")


async def test_a_button_that_is_not_there_cannot_be_pressed(world: World) -> None:
    ts = await ask(world)
    for body in ({"action_id": "explode", "ts": ts}, {"action_id": "approve", "ts": "1.000000"}):
        response = await world.http.post("/sandbox/slack/click", json={"user": "U0BIA"} | body)
        assert response.status_code == 404


async def open_modal(world: World) -> Json:
    await click(world, await ask(world), action_id="deny")
    trigger = payload(world.chatting.heard[-1][1])["trigger_id"]
    return await call(world, "views.open", trigger_id=trigger, view=MODAL)


async def test_a_modal_is_opened_by_a_press_filled_in_and_closed(world: World) -> None:
    view = (await open_modal(world))["view"]
    body = {"user": "U0BIA", "view_id": view["id"], "values": {"why": {"reason": "not tonight"}}}
    world.chatting.answer = lambda: Response(json.dumps({"response_action": "errors", "errors": {"why": "too short"}}))
    assert (await world.http.post("/sandbox/slack/submit", json=body)).status_code == 200
    world.chatting.answer = Response
    assert (await world.http.post("/sandbox/slack/submit", json=body)).status_code == 200
    said = payload(world.chatting.heard[-1][1])
    assert (said["type"], said["view"]["private_metadata"]) == ("view_submission", "r1")
    assert said["view"]["state"]["values"]["why"]["reason"]["value"] == "not tonight"
    assert (await world.http.post("/sandbox/slack/submit", json=body)).status_code == 404


async def test_a_trigger_opens_one_modal_and_not_for_long(world: World) -> None:
    await open_modal(world)
    trigger = payload(world.chatting.heard[-1][1])["trigger_id"]
    assert (await call(world, "views.open", trigger_id=trigger, view=MODAL))["error"] == "exchanged_trigger_id"
    await click(world, await ask(world), action_id="deny")
    trigger = payload(world.chatting.heard[-1][1])["trigger_id"]
    world.later = timedelta(seconds=4)
    assert (await call(world, "views.open", trigger_id=trigger, view=MODAL))["error"] == "expired_trigger_id"


async def test_a_post_whose_answer_is_lost_stands_there(world: World) -> None:
    await world.fault({"provider": "slack", "operation": "chat.postMessage", "mode": "timeout_after", "seconds": 0.1})
    with pytest.raises(httpx.HTTPError):
        await ask(world)
    assert len((await world.books())["chat"]) == 1


async def test_slack_refuses_by_order(world: World) -> None:
    await world.fault({"provider": "slack", "operation": "chat.update", "mode": "refuse", "code": "429", "times": 1})
    limited = await world.http.post("/sandbox/slack/api/chat.update", json={}, headers=TOKEN)
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "1")
    await world.fault({"provider": "slack", "mode": "refuse", "code": "channel_not_found", "times": 1})
    assert (await call(world, "chat.postMessage"))["error"] == "channel_not_found"


async def test_on_the_page_anybody_presses_as_anybody_and_text_is_text(world: World) -> None:
    told = await call(world, "chat.postMessage", channel=CHANNEL, text="<script>", blocks=[])
    ts = await ask(world)
    page = (await world.http.get("/sandbox/slack/page", params={"user": "U0CAIO"})).text
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert told["ts"] in page
    pressed = await world.http.post("/sandbox/slack/page", data={"user": "U0CAIO", "ts": ts, "action_id": "approve"})
    assert pressed.status_code == 303
    assert payload(world.chatting.heard[-1][1])["user"]["id"] == "U0CAIO"


async def test_messages_and_callbacks_outlive_a_restart_and_go_with_the_books(world: World) -> None:
    told = await click(world, await ask(world))
    await world.restart()
    assert len((await world.books())["chat"]) == 1
    assert (await world.get("/sandbox/slack/callbacks"))["callbacks"] == [{"id": told["id"], "user": "U0BIA"}]
    await world.http.delete("/sandbox/books")
    assert (await world.books())["chat"] == []
