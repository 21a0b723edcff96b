"""Asked, agreed to, granted, redeemed, run: over HTTP, on every engine."""

import asyncio
from typing import Any

import jwt
import pytest

from services.releases.http.waiting import PER_CALLER
from shared.contracts.releases import ReleaseApproved, ReleaseExecuted, ReleaseGranted, ReleaseRequested
from shared.kernel.digest import digest
from tests.component.releases.desk import PAYLOAD, Desk
from tests.kit.clock import HandClock

DIGEST = digest(PAYLOAD)


async def test_two_others_agree_and_it_runs_once(desk: Desk) -> None:
    asked = await desk.ask()
    assert asked.status_code == 201
    request = asked.json()
    assert (request["state"], request["digest"], request["payload"], request["reason"]) == (
        "pending",
        DIGEST,
        PAYLOAD,
        "release 4.2",
    )
    assert asked.headers["Location"] == f"/v1/releases/requests/{request['id']}"
    assert [each["group"] for each in request["need"]] == ["sre", "owners"]
    assert request["eligible"] == ["p-owner", "p-second", "p-sre"]
    assert (await desk.decide("sre", request)).json()["state"] == "pending"
    assert (await desk.decide("owner", request)).json()["state"] == "approved"
    granted = (await desk.grant(request)).json()
    first = await desk.redeem(granted["grant"], request)
    again = await desk.redeem(granted["grant"], request)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    used = await desk.redeem(granted["grant"], request, "attempt-2")
    assert (used.status_code, used.json()["code"]) == (409, "grant_used")
    path = f"/executions/{first.json()['execution']}/outcome"
    assert (await desk.send("deployer", "POST", path, {"exit_code": 0})).status_code == 200
    assert (await desk.show(request))["state"] == "succeeded"
    kinds = [type(said) for said in desk.runtime.recorder.said if getattr(said, "request_id", "")]
    assert kinds == [ReleaseRequested, ReleaseApproved, ReleaseGranted, ReleaseExecuted]


async def test_a_target_checks_a_grant_by_itself(desk: Desk, clock: HandClock) -> None:
    granted = (await desk.grant(await desk.approved())).json()
    (key,) = (await desk.send("sre", "GET", "/jwks.json")).json()["keys"]
    options: Any = {"verify_exp": False, "verify_iat": False}
    told = jwt.decode(granted["grant"], jwt.PyJWK(key), ["EdDSA"], options, audience="milesaga-releases")
    assert (told["digest"], told["target"], told["action"]) == (DIGEST, "checkout", "deploy")
    assert told["exp"] - int(clock.now().timestamp()) == 600


@pytest.mark.parametrize(
    ("person", "status", "code"),
    [
        ("deployer", 403, "self_approval"),
        ("oncall", 403, "not_an_approver"),
        ("a-stranger", 403, "not_an_approver"),
        ("ci", 403, "not_an_approver"),
    ],
)
async def test_who_may_not_agree_is_refused_and_on_record(desk: Desk, person: str, status: int, code: str) -> None:
    request = (await desk.ask()).json()
    refused = await desk.decide(person, request)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    told = (await desk.send("sre", "GET", "/log")).json()["leaves"]
    assert f'"code":"{code}"' in told[-1]
    assert "a-stranger" not in told[-1], "no subject of a token stands in the log"


async def test_the_same_key_is_the_same_request(desk: Desk, other: Desk) -> None:
    first, again = (await desk.ask()).json(), (await other.ask()).json()
    assert first["id"] == again["id"]
    reused = await desk.ask(reason="another")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


async def test_one_waits_in_a_lane(desk: Desk) -> None:
    request = (await desk.ask()).json()
    waits = await desk.ask(key="k-2")
    assert (waits.status_code, waits.json()["code"]) == (409, "request_open")
    assert waits.headers["Location"].endswith(request["id"])
    newer = (await desk.ask(key="k-2", replaces=request["id"])).json()
    assert (await desk.show(request))["state"] == "superseded"
    assert (await desk.show(request))["superseded_by"] == newer["id"]
    late = await desk.decide("sre", request)
    assert (late.status_code, late.json()["code"]) == (409, "closed")


@pytest.mark.parametrize(
    ("others", "status", "code"),
    [
        ({"action": "fly", "environment": "x", "target": "y", "authors": ["p-sre", "p-second"]}, 422, "unsatisfiable"),
        ({"payload": {"share": 0.5}}, 422, "invalid_request"),
        ({"payload": {"n": 2**60}}, 422, "invalid_request"),
        ({"initiator_token": "x"}, 422, "invalid_request"),
        ({"window": {"until": "2020-01-01T00:00:00Z"}}, 422, "in_the_past"),
        ({"window": {"from": "2030-01-01T00:00:00Z", "until": "2029-01-01T00:00:00Z"}}, 422, "invalid_request"),
        ({"more": 1}, 422, "invalid_request"),
        ({"replaces": "r-0"}, 409, "closed"),
    ],
)
async def test_what_cannot_be_asked_is_refused(desk: Desk, others: dict[str, Any], status: int, code: str) -> None:
    refused = await desk.ask(**others)
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_fifty_presses_at_once_are_one_approval(desk: Desk, other: Desk) -> None:
    request = (await desk.ask()).json()
    people = ("sre", "owner", "second-sre", "deployer", "oncall")
    presses = [(desk if n % 2 else other).decide(people[n % 5], request) for n in range(50)]
    statuses = [each.status_code for each in await asyncio.gather(*presses)]
    assert set(statuses) == {200, 403}
    leaves = (await desk.send("sre", "GET", "/log")).json()["leaves"]
    assert len([each for each in leaves if '"kind":"approved"' in each]) == 1
    assert len([each for each in leaves if '"kind":"approval"' in each]) == 3
    assert len([each for each in leaves if '"kind":"refused"' in each]) == 2


async def test_two_processes_give_one_execution(desk: Desk, other: Desk) -> None:
    request = await desk.approved()
    granted = (await desk.grant(request)).json()
    attempts = [(desk if n % 2 else other).redeem(granted["grant"], request, f"attempt-{n}") for n in range(20)]
    statuses = sorted(each.status_code for each in await asyncio.gather(*attempts))
    assert statuses == [200] + [409] * 19


async def test_a_wait_ends_when_something_happens_and_not_before(desk: Desk, other: Desk) -> None:
    request = (await desk.ask()).json()
    path = f"/requests/{request['id']}?wait=30&since={request['revision']}"
    waiting = asyncio.create_task(desk.send("deployer", "GET", path))
    await asyncio.sleep(0)
    await other.decide("sre", request)
    assert (await waiting).json()["revision"] == request["revision"] + 1
    unchanged = await desk.send("deployer", "GET", f"/requests/{request['id']}?wait=1&since=2")
    assert (unchanged.status_code, unchanged.content) == (304, b"")


async def test_who_waits_beyond_what_a_caller_may_is_told_at_once_how_it_stands(desk: Desk) -> None:
    request = (await desk.ask()).json()
    path = f"/requests/{request['id']}?wait=60&since={request['revision']}"
    asked = [asyncio.create_task(desk.send("deployer", "GET", path)) for _ in range(PER_CALLER + 1)]
    (told,), waiting = await asyncio.wait(asked, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    assert told.result().status_code == 304
    await desk.decide("sre", request)
    assert [each.json()["revision"] for each in await asyncio.gather(*waiting)] == [2] * PER_CALLER


async def test_the_clock_ends_what_nobody_agrees_to(desk: Desk, clock: HandClock) -> None:
    request = (await desk.ask()).json()
    clock.pass_by(hours=4)
    await desk.tick()
    assert (await desk.show(request))["state"] == "expired"
    assert (await desk.decide("sre", request)).json()["code"] == "expired"


async def test_a_grant_lives_for_ten_minutes(desk: Desk, clock: HandClock) -> None:
    request = await desk.approved()
    granted = (await desk.grant(request)).json()
    clock.pass_by(minutes=10)
    late = await desk.redeem(granted["grant"], request)
    assert (late.status_code, late.json()["code"]) == (409, "grant_expired")
    assert (await desk.redeem("no.grant.atall", request)).json()["code"] == "grant_void"


async def test_a_freeze_between_grant_and_redemption_holds(desk: Desk) -> None:
    request = await desk.approved()
    granted = (await desk.grant(request)).json()
    body = {"match": {"environment": "production"}, "reason": "Christmas"}
    freeze = await desk.send("oncall", "POST", "/freezes", body)
    assert freeze.status_code == 201
    assert (await desk.redeem(granted["grant"], request)).json()["code"] == "frozen"
    assert (await desk.grant(request)).json()["code"] == "frozen"
    lifted = await desk.send("oncall", "DELETE", f"/freezes/{freeze.json()['id']}")
    assert lifted.status_code == 204
    granted = (await desk.grant(request)).json()
    assert (await desk.redeem(granted["grant"], request)).status_code == 200


async def test_whoever_loses_his_power_is_not_counted(desk: Desk) -> None:
    request = await desk.approved()
    gone = await desk.send("oncall", "POST", "/people/p-sre/deactivate", {"reason": "left"})
    assert gone.status_code == 200
    assert (await desk.grant(request)).json()["code"] == "not_approved"
    policy = (await desk.send("sre", "GET", "/policy")).json()
    assert policy["inactive"] == ["p-sre"]


async def test_broken_glass_runs_at_once_and_an_overdue_review_stops_the_next(desk: Desk, clock: HandClock) -> None:
    request = (await desk.ask()).json()
    body = {"digest": request["digest"], "incident": "INC-1", "reason": "it burns"}
    granted = await desk.send("oncall", "POST", f"/requests/{request['id']}/break-glass", body)
    assert granted.status_code == 200
    assert granted.json()["broken_by"] == "p-oncall"
    grant = (await desk.grant(request, "oncall")).json()["grant"]
    assert (await desk.redeem(grant, request)).status_code == 200
    clock.pass_by(days=1, seconds=1)
    await desk.tick()
    assert (await desk.show(request))["review"] == "overdue"
    newer = (await desk.ask(key="k-2")).json()
    body["digest"] = newer["digest"]
    refused = await desk.send("oncall", "POST", f"/requests/{newer['id']}/break-glass", body)
    assert refused.json()["code"] == "review_overdue"
    look = {"verdict": "accepted", "reason": "it did burn"}
    assert (await desk.send("sre", "POST", f"/requests/{request['id']}/review", look)).json()["review"] == "accepted"
    assert (await desk.send("oncall", "POST", f"/requests/{newer['id']}/break-glass", body)).status_code == 200


async def test_requests_are_listed_newest_first(desk: Desk, clock: HandClock) -> None:
    first = (await desk.ask(target="checkout")).json()
    clock.pass_by(seconds=1)
    second = (await desk.ask(target="miles", key="k-2")).json()
    await desk.tick()
    listed = (await desk.send("sre", "GET", "/requests")).json()["requests"]
    assert [each["id"] for each in listed] == [second["id"], first["id"]]
    await desk.decide("sre", first, "deny", reason="no")
    pending = (await desk.send("sre", "GET", "/requests?state=pending")).json()["requests"]
    assert [each["id"] for each in pending] == [second["id"]]


async def test_a_scope_is_needed_for_each_thing(desk: Desk) -> None:
    request = (await desk.ask()).json()
    refused = await desk.send(
        "sre",
        "POST",
        f"/requests/{request['id']}/decisions",
        {"decision": "approve", "digest": DIGEST},
        scope="ops:write",
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
