"""A partner's endpoint: it records, verifies, and misbehaves as it is told."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from standardwebhooks import Webhook

from tests.eventually import eventually
from tests.kit.world import Json, World

BILLING = "/sandbox/receiver/billing"
SECRET = "whsec_" + base64.b64encode(b"a" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"b" * 32).decode()


def event(id_: str = "e1") -> bytes:
    return json.dumps({"specversion": "1.0", "id": id_, "source": "/x", "type": "a.b.v1", "data": {"n": 1}}).encode()


def signed(body: bytes, secret: str = SECRET, webhook_id: str = "msg_1") -> dict[str, str]:
    at = datetime.now(UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(webhook_id, at, body.decode()),
    }


async def told(world: World, **terms: object) -> Json:
    response = await world.http.put(BILLING, json=terms)
    assert response.status_code == 200, response.text
    shown: Json = response.json()
    return shown


async def send(world: World, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
    return await world.http.post(BILLING, content=body, headers=headers or signed(body))


async def heard(world: World) -> list[Json]:
    found: list[Json] = (await world.get(f"{BILLING}/requests"))["requests"]
    return found


async def test_what_it_is_sent_is_kept_with_what_it_answered(world: World) -> None:
    assert (await send(world, event(), {"webhook-id": "msg_1", "authorization": "Bearer x"})).status_code == 204
    (kept,) = await heard(world)
    assert (kept["webhook_id"], kept["event_id"], kept["status"], kept["verified_by"]) == ("msg_1", "e1", 204, None)
    assert kept["body"] == json.loads(event())
    assert "authorization" not in kept["headers"]
    await world.restart()
    assert len(await heard(world)) == 1
    assert (await world.http.delete(BILLING)).status_code == 204
    assert await heard(world) == []


async def test_a_repeat_is_the_same_webhook(world: World) -> None:
    for _ in range(3):
        await send(world, event())
    shown = await world.get(BILLING)
    assert (shown["requests"], shown["taken"], shown["webhooks"]) == (3, 3, 1)


async def test_an_event_in_binary_mode_is_known_by_its_header(world: World) -> None:
    await send(world, b'{"n": 1}', {"ce-id": "e7"})
    assert [each["event_id"] for each in await heard(world)] == ["e7"]


async def test_signatures_are_verified_by_any_of_its_secrets_and_others_are_refused(world: World) -> None:
    await told(world, secrets=[SECRET, OTHER])
    assert (await send(world, event())).status_code == 204
    assert (await send(world, event(), signed(event(), OTHER))).status_code == 204
    await told(world, secrets=[OTHER])
    assert (await send(world, event())).status_code == 401
    assert (await send(world, event() + b" ", signed(event(), OTHER))).status_code == 401
    assert (await send(world, event(), {"webhook-signature": "v1"})).status_code == 401
    assert [each["verified_by"] for each in await heard(world)] == ["secret 1", "secret 2", None, None, None]


async def test_a_public_key_verifies_what_its_private_key_signed(world: World) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    await told(world, public_keys=["whpk_" + base64.b64encode(public).decode()])
    at = str(int(datetime.now(UTC).timestamp()))
    signature = base64.b64encode(key.sign(b".".join((b"msg_1", at.encode(), event())))).decode()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": at, "webhook-signature": f"v1,AAAA v1a,{signature}"}
    assert (await send(world, event(), headers)).status_code == 204
    assert (await send(world, event("other"), headers)).status_code == 401
    for wrong in ("v1a,", "v1a,AAAA", f"v1a,{signature[:-4]}", f"v1,{signature}", "v1a"):
        assert (await send(world, event(), headers | {"webhook-signature": wrong})).status_code == 401, wrong
    old = str(int((datetime.now(UTC) - timedelta(minutes=6)).timestamp()))
    signature = base64.b64encode(key.sign(b".".join((b"msg_1", old.encode(), event())))).decode()
    stale = {"webhook-id": "msg_1", "webhook-timestamp": old, "webhook-signature": f"v1a,{signature}"}
    assert (await send(world, event(), stale)).status_code == 401


async def test_it_fails_so_often_as_it_is_told(world: World) -> None:
    await told(world, answers=[{"status": 503, "times": 2, "retry_after": "20"}])
    answers = [await send(world, event()) for _ in range(3)]
    assert [each.status_code for each in answers] == [503, 503, 204]
    assert answers[0].headers["retry-after"] == "20"
    assert (await world.get(BILLING))["answers"][0]["hits"] == 2


async def test_it_fails_so_long_as_it_is_told(world: World) -> None:
    await told(world, answers=[{"status": 410, "seconds": 60}])
    assert (await send(world, event())).status_code == 410
    world.later += timedelta(seconds=61)
    assert (await send(world, event())).status_code == 204


async def test_it_fails_for_one_event_only(world: World) -> None:
    await told(world, answers=[{"status": 400, "event_id": "bad"}])
    assert (await send(world, event("bad"))).status_code == 400
    assert (await send(world, event("good"))).status_code == 204


async def test_it_sends_elsewhere(world: World) -> None:
    await told(world, answers=[{"status": 302, "location": "http://10.0.0.1/"}])
    answer = await send(world, event())
    assert (answer.status_code, answer.headers["location"]) == (302, "http://10.0.0.1/")


async def test_it_answers_never(world: World) -> None:
    await told(world, answers=[{"status": 0, "times": 1}])
    with pytest.raises(httpx.ReadTimeout):
        await world.http.post(BILLING, content=event(), timeout=0.3)
    assert [each["status"] for each in await heard(world)] == [0]
    assert (await send(world, event())).status_code == 204


async def test_it_says_how_many_came_at_once(world: World) -> None:
    await told(world, answers=[{"status": 0}])
    waiting = [asyncio.create_task(send(world, event())) for _ in range(3)]

    async def all_in_hand() -> bool:
        return bool((await world.get(BILLING))["at_once"] == 3)

    try:
        await eventually(all_in_hand)
    finally:
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"id": "\\ud800"}', b'{"id": 7}', b"\xff\x00", b"NaN", b""])
async def test_what_is_no_event_is_taken_and_shown_too(world: World, body: bytes) -> None:
    assert (await send(world, body, {"webhook-id": "msg_1"})).status_code == 204
    (shown,) = await heard(world)
    assert (shown["status"], shown["event_id"]) == (204, None)


async def test_it_shakes_hands_as_cloudevents_do(world: World) -> None:
    asked = {"WebHook-Request-Origin": "milesaga.example", "WebHook-Request-Rate": "120"}
    answer = await world.http.options(BILLING, headers=asked)
    assert answer.headers["webhook-allowed-origin"] == "milesaga.example"
    assert answer.headers["webhook-allowed-rate"] == "*"
    await told(world, rate=60)
    assert (await world.http.options(BILLING, headers=asked)).headers["webhook-allowed-rate"] == "60"
    await told(world, handshake="refuse")
    assert (await world.http.options(BILLING, headers=asked)).status_code == 403


@pytest.mark.parametrize("wrong", [{"status": 100}, {"times": 0}, {"delay": -1}, {"retry_after": "1\r\nx: y"}])
async def test_what_is_no_answer_is_refused(world: World, wrong: Json) -> None:
    answer = await world.http.put(BILLING, json={"answers": [wrong]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"].startswith("/answers/0")


async def test_requests_are_read_page_by_page(world: World) -> None:
    for n in range(3):
        await send(world, event(f"e{n}"))
    first = await world.get(f"{BILLING}/requests", limit="2")
    rest = await world.get(f"{BILLING}/requests", limit="2", after=str(first["next_after"]))
    assert [each["event_id"] for each in first["requests"] + rest["requests"]] == ["e0", "e1", "e2"]
    assert rest["next_after"] is None


async def test_a_name_that_is_none_is_not_found(world: World) -> None:
    assert (await world.http.post("/sandbox/receiver/Not_A_Name", content=b"")).status_code == 404
    assert (await world.http.get("/sandbox/receiver/Not_A_Name")).status_code == 404
