"""People are asked in the sandbox's chat, and answer there: over its real web API, by callbacks that it signs."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.releases.app import compose
from services.releases.settings import SlackSettings
from services.sandbox.slack.interactions import SIGNING_SECRET, signed
from shared.kernel.acts import payload
from shared.runtime.settings import WrongSettings, read
from shared.web import problems
from tests.component.releases.desk import Desk, Json
from tests.eventually import eventually
from tests.kit.desk import opened
from tests.kit.runtime import TestRuntime
from tests.kit.world import World
from tests.patience import PATIENT

SRE, OWNER, SECOND, DEPLOYER, STRANGER, ONCALL = "U0SRE", "U0OWNER", "U0SECOND", "U0DEPLOYER", "U0NOBODY", "U0ONCALL"
PATH = "/v1/webhooks/chat/slack/interactions"


class WorldClock:
    """The outside world's."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.now()


class Room:
    """A process of releases, and the channel in which it asks."""

    def __init__(self, world: World, desk: Desk) -> None:
        self.world, self.desk = world, desk

    async def drawn(self) -> None:
        """The chat shows what it should, and what was said aside has been said."""
        for _ in range(3):
            await self.desk.tick()
        for close in self.desk.service.closing[:1]:
            await close()

    async def messages(self) -> list[Json]:
        found: list[Json] = (await self.world.get("/sandbox/slack/messages"))["messages"]
        return found

    async def shown(self) -> list[Json]:
        """What the whole channel sees."""
        await self.drawn()
        return [each["message"] for each in await self.messages() if each["seen_by"] is None]

    async def whispers(self, user: str) -> list[str]:
        await self.drawn()
        return [each["message"]["text"] for each in await self.messages() if each["seen_by"] == user]

    async def ask(self, **others: Any) -> tuple[Json, str]:
        """A request, and the `ts` of its message. A chat that is slow is asked once more, after a pause."""
        before = sum(each["seen_by"] is None for each in await self.messages())
        answer = await self.desk.ask(**others)
        assert answer.status_code == 201, answer.text

        async def new() -> list[Json]:
            return (await self.shown())[before:]

        return answer.json(), (await eventually(new, PATIENT))[-1]["ts"]

    async def press(self, user: str, ts: str, action_id: str = "approve", **how: Any) -> list[int]:
        body = {"user": user, "ts": ts, "action_id": action_id} | how
        response = await self.world.http.post("/sandbox/slack/click", json=body)
        assert response.status_code == 200, response.text
        return [each["status"] for each in response.json()["answers"]]

    async def kinds(self) -> list[str]:
        """What the log tells, in its order."""
        leaves = (await self.desk.send("sre", "GET", "/log?limit=256")).json()["leaves"]
        return [json.loads(each)["kind"] for each in leaves]

    async def state(self, request: Json) -> str:
        return str((await self.desk.show(request))["state"])


def text_of(message: Json) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def buttons(message: Json) -> list[str]:
    return [
        each["action_id"] for block in message["blocks"] if block["type"] == "actions" for each in block["elements"]
    ]


@pytest.fixture(autouse=True)
def _slow_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine the chat and the app behind it are slow, and nobody here tests that they are silent."""
    monkeypatch.setattr("services.sandbox.slack.interactions.PATIENCE", PATIENT)
    monkeypatch.setenv("RELEASES_SLACK_TIMEOUT_SECONDS", str(PATIENT))


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with World(tmp_path / "world") as world:
        yield world


async def process(home: Path, world: World) -> AsyncIterator[Room]:
    runtime = TestRuntime(home, WorldClock(world), sandbox_url=world.url)
    service = compose(runtime)
    app = FastAPI()
    problems.install(app)
    assert service.router is not None
    app.include_router(service.router)
    transport = httpx.ASGITransport(app)
    async with opened(service), httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        desk = Desk(runtime, service, client)
        await desk.tick()
        world.chatting.behind = client
        yield Room(world, desk)


@pytest.fixture
async def room(tmp_path: Path, world: World) -> AsyncIterator[Room]:
    async for made in process(tmp_path / "home", world):
        yield made


@pytest.fixture
async def other(tmp_path: Path, world: World, room: Room) -> AsyncIterator[Room]:
    """Another process at the same store."""
    async for made in process(tmp_path / "home", world):
        yield made


async def test_an_ask_is_one_message_with_all_that_somebody_who_decides_must_see(room: Room) -> None:
    payload = {
        "argv": ["./deploy.sh", "<!channel>"],
        "files": [{"path": "deploy.sh", "sha256": "ab" * 32}],
        "links": {"difference": "https://x.example/1", "evil": "javascript:alert(1)"},
    }
    request, _ = await room.ask(payload=payload, reason="release *4.2* <!channel> <https://x|y>")
    [message] = await room.shown()
    shown = text_of(message)
    for word in ("deploy checkout on production", "p-deployer", request["digest"][7:19], "sre: ...", "owners: ..."):
        assert word in shown
    assert "<https://x.example/1|difference>" in shown
    assert "javascript" not in shown
    assert buttons(message) == ["approve", "deny"]
    strangers = [block for block in message["blocks"] if "<!channel>" in json.dumps(block)]
    assert strangers
    assert all(block["text"]["type"] == "plain_text" for block in strangers)


async def test_a_request_of_ours_is_shown_with_its_text_while_somebody_may_have_to_read_it(room: Room) -> None:
    body = '{"tier":"gold"}\n*Approved* <!channel> `x` \u202e'
    act = dict(payload("PUT", "/v1/miles/accounts/ana", "", body.encode()))
    request, _ = await room.ask(action="miles.replace_account", environment="test", payload=act, body=body)
    [message] = await room.shown()
    [block] = [each for each in message["blocks"] if "gold" in json.dumps(each)]
    assert block["text"] == {
        "type": "plain_text",
        "text": 'Body:\n> {"tier":"gold"}\n> *Approved* <!channel> `x` \\u202e',
        "emoji": False,
    }
    await room.desk.decide("sre", request, "deny", reason="no")
    [message] = await room.shown()
    assert "gold" not in json.dumps(message)


async def test_two_presses_approve_and_the_message_is_redrawn_in_its_place(room: Room) -> None:
    request, ts = await room.ask()
    assert await room.press(SRE, ts) == [200]
    assert await room.state(request) == "pending"
    [message] = await room.shown()
    assert "sre: p-sre" in text_of(message)
    assert await room.press(OWNER, ts) == [200]
    assert await room.state(request) == "approved"
    [message] = await room.shown()
    assert (message["ts"], "approved" in message["text"], buttons(message)) == (ts, True, ["deny"])


@pytest.mark.parametrize(
    ("user", "word"),
    [(DEPLOYER, "somebody else must agree"), (STRANGER, "not among those"), (ONCALL, "not among those")],
)
async def test_who_may_not_agree_is_told_so_alone_and_the_log_keeps_it(room: Room, user: str, word: str) -> None:
    request, ts = await room.ask()
    assert await room.press(user, ts) == [200]
    [told] = await room.whispers(user)
    assert word in told
    assert await room.state(request) == "pending"
    assert (await room.kinds())[-1] == "refused"


@pytest.mark.parametrize("name", ["p-sre", "sre"])
async def test_an_author_does_not_agree_by_whatever_name_he_was_given(room: Room, name: str) -> None:
    request, ts = await room.ask(authors=[name, "nobody-here"])
    await room.press(SRE, ts)
    [told] = await room.whispers(SRE)
    assert "somebody else must agree" in told
    assert (await room.desk.show(request))["authors"] == ["p-sre", "nobody-here"]


async def test_a_second_press_and_a_repeated_one_change_nothing(room: Room) -> None:
    _, ts = await room.ask()
    await room.press(SRE, ts, times=5)
    await room.press(SRE, ts)
    assert (await room.kinds()).count("approval") == 1


@pytest.mark.parametrize("times", [1, 3])
async def test_a_replayed_callback_has_no_effect_and_is_answered(room: Room, times: int) -> None:
    request, ts = await room.ask()
    await room.press(SRE, ts)
    size = len(await room.kinds())
    [id_] = [each["id"] for each in (await room.world.get("/sandbox/slack/callbacks"))["callbacks"]]
    answers = await room.world.http.post(f"/sandbox/slack/callbacks/{id_}/replay", json={"times": times})
    assert {each["status"] for each in answers.json()["answers"]} == {200}
    assert len(await room.kinds()) == size
    room.world.later = timedelta(minutes=6)
    late = await room.world.http.post(f"/sandbox/slack/callbacks/{id_}/replay", json={})
    assert late.json()["answers"][0]["status"] == 401
    assert await room.state(request) == "pending"


async def test_a_callback_that_another_replica_took_has_no_effect_here(room: Room, other: Room) -> None:
    _, ts = await other.ask()
    await other.press(SRE, ts)
    size = len(await room.kinds())
    headers, body = room.world.chatting.heard[-1]
    assert (await room.desk.client.post(PATH, content=body, headers=headers)).status_code == 200
    assert len(await room.kinds()) == size


@pytest.mark.parametrize(
    "how",
    [{"aged": 301}, {"aged": -301}, {"altered": True}, {"forged": True}, {"app_id": "A0OTHER"}, {"team_id": "T0OTHER"}],
)
async def test_who_is_not_our_slack_now_is_not_heard(room: Room, how: Json) -> None:
    request, ts = await room.ask()
    assert await room.press(SRE, ts, **how) == [401]
    assert await room.state(request) == "pending"
    assert (await room.kinds())[-1] == "requested"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Slack-Signature": "v0=1"},
        {"X-Slack-Signature": "v0=1", "X-Slack-Request-Timestamp": "now"},
        {"X-Slack-Signature": "v0=1", "X-Slack-Request-Timestamp": "9" * 400},
        {"X-Slack-Signature": "v0=\u00e9".encode("latin-1").decode("latin-1"), "X-Slack-Request-Timestamp": "1"},
    ],
)
async def test_headers_that_are_none_are_refused_and_nothing_breaks(room: Room, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await room.desk.client.post(PATH, content=b"payload={}", headers=httpx.Headers(raw))
    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


@pytest.mark.parametrize("body", [b"", b"payload", b"payload=%7B", b"payload=%5B%5D", b"payload=%7B%7D", b"\xff\xfe"])
async def test_a_signed_body_that_is_none_is_refused_and_nothing_breaks(room: Room, body: bytes) -> None:
    headers = signed(body, int(room.world.now().timestamp()), SIGNING_SECRET)
    assert (await room.desk.client.post(PATH, content=body, headers=headers)).status_code in {401, 422}


@pytest.mark.parametrize("value", ["", "r1|sha256:0|mac", "a|b", "{}"])
async def test_a_buttons_value_that_we_did_not_write_has_no_effect(room: Room, value: str) -> None:
    request, ts = await room.ask()
    assert await room.press(SRE, ts, value=value) == [200]
    assert await room.state(request) == "pending"


async def test_an_approval_is_of_what_the_button_was_made_for_whatever_the_message_says(room: Room) -> None:
    first, ts = await room.ask()
    second, newer = await room.ask(key="k-2", target="cart")
    [old] = [each for each in await room.shown() if each["ts"] == ts]
    await room.press(SRE, newer, message=old)
    assert [await room.state(each) for each in (first, second)] == ["pending", "pending"]
    assert (await room.desk.show(second))["need"][0]["persons"] == ["p-sre"]


async def test_fifty_presses_at_once_by_five_people_approve_once(room: Room) -> None:
    request, ts = await room.ask()
    people = (SRE, OWNER, SECOND, DEPLOYER, STRANGER)
    answers = await asyncio.gather(*(room.press(user, ts) for user in people * 10))
    assert {status for each in answers for status in each} == {200}
    kinds = await room.kinds()
    assert (kinds.count("approved"), await room.state(request)) == (1, "approved")
    assert kinds.count("approval") <= 3


async def test_a_superseded_requests_button_says_that_it_is_over(room: Room) -> None:
    first, ts = await room.ask()
    assert (await room.desk.ask(key="k-2", replaces=first["id"], reason="another")).status_code == 201
    await room.press(SRE, ts)
    [told] = await room.whispers(SRE)
    assert "another request took its place" in told
    [old] = [each for each in await room.shown() if each["ts"] == ts]
    assert ("superseded" in old["text"], buttons(old)) == (True, [])


async def deny(room: Room, user: str, ts: str, reason: str) -> Json:
    """Press deny, and say why in the modal; what the modal is answered."""
    await room.press(user, ts, "deny")
    await room.drawn()
    [view] = [each["view"] for each in (await room.world.get("/sandbox/slack/views"))["views"] if each["user"] == user]
    body = {"user": user, "view_id": view["id"], "values": {"why": {"reason": reason}}}
    told = (await room.world.http.post("/sandbox/slack/submit", json=body)).json()
    answer: Json = json.loads(told["answers"][0]["body"] or "{}")
    return answer


async def test_a_denial_asks_why_and_ends_it(room: Room) -> None:
    request, ts = await room.ask()
    assert (await deny(room, SRE, ts, "x"))["errors"].keys() == {"why"}
    assert await room.state(request) == "pending"
    view = (await room.world.get("/sandbox/slack/views"))["views"][0]["view"]
    body = {"user": SRE, "view_id": view["id"], "values": {"why": {"reason": "not on a Friday"}}}
    await room.world.http.post("/sandbox/slack/submit", json=body)
    assert await room.state(request) == "denied"
    [message] = await room.shown()
    assert ("denied" in message["text"], buttons(message)) == (True, [])


async def test_a_denial_after_the_approval_wins_before_it_runs(room: Room) -> None:
    request, ts = await room.ask()
    await room.press(SRE, ts)
    await room.press(OWNER, ts)
    assert await deny(room, SECOND, ts, "wait for the migration") == {}
    assert (await room.desk.grant(request)).status_code == 409


async def test_who_may_not_deny_is_told_so_in_the_modal(room: Room) -> None:
    request, ts = await room.ask()
    told = await deny(room, STRANGER, ts, "because")
    assert "not among those" in told["errors"]["why"]
    assert await room.state(request) == "pending"


@pytest.mark.parametrize("mode", ["timeout_after", "timeout_before", "error", "refuse"])
async def test_after_whatever_mishap_there_is_one_message_in_the_end(room: Room, mode: str) -> None:
    rule = {"provider": "slack", "operation": "chat.postMessage", "mode": mode, "seconds": 0.1, "times": 2}
    await room.world.fault(rule)
    assert (await room.desk.ask()).status_code == 201
    for minutes in range(1, 6):
        await room.drawn()
        room.world.later = timedelta(minutes=minutes)
    assert len(await room.shown()) == 1


async def test_while_the_chat_is_away_http_decides_and_the_message_then_shows_the_end(room: Room) -> None:
    await room.world.fault({"provider": "slack", "mode": "refuse", "code": "503"})
    request = await room.desk.approved()
    assert await room.shown() == []
    await room.world.http.delete("/sandbox/faults")
    room.world.later = timedelta(minutes=2)
    [message] = await room.shown()
    assert ("approved" in message["text"], await room.state(request)) == (True, "approved")


async def test_two_processes_post_one_message(room: Room, other: Room) -> None:
    await room.desk.ask()
    await asyncio.gather(*(each.desk.tick() for each in (room, other) * 5))
    assert len(await room.shown()) == 1


async def test_a_killed_process_is_followed_by_one_that_finds_the_message(tmp_path: Path, world: World) -> None:
    """It was posted, and nobody noted where."""
    async for room in process(tmp_path / "home", world):
        await room.desk.ask()
        await world.fault(
            {"provider": "slack", "operation": "chat.postMessage", "mode": "timeout_after", "seconds": 0.1}
        )
        await room.desk.tick()
    await world.http.delete("/sandbox/faults")
    world.later = timedelta(minutes=2)
    async for room in process(tmp_path / "home", world):
        assert len(await room.shown()) == 1


async def test_a_broken_glass_is_loud_and_its_overdue_review_too(room: Room) -> None:
    request, _ = await room.ask()
    body = {"digest": request["digest"], "incident": "INC-7", "reason": "fire"}
    assert (await room.desk.send("oncall", "POST", f"/requests/{request['id']}/break-glass", body)).status_code == 200
    loud = (await room.shown())[-1]
    assert loud["text"].startswith("Glass broken by p-oncall (INC-7)")
    assert "<!channel>" in text_of(loud)
    assert buttons(loud) == []
    room.world.later = timedelta(days=2)
    assert (await room.shown())[-1]["text"].startswith("Review overdue")


async def test_without_a_token_there_is_no_chat_and_its_callbacks_are_nobodys(
    tmp_path: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.releases.app.settings_of_slack", lambda _: SlackSettings())
    async for room in process(tmp_path / "home", world):
        assert (await room.desk.client.post(PATH, content=b"payload={}")).status_code == 404
        assert (await room.desk.ask()).status_code == 201


def test_a_token_wants_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASES_SLACK_BOT_TOKEN", "xoxb-1")
    with pytest.raises(WrongSettings, match="beside a bot token"):
        read(SlackSettings)
