"""Purchases that a newer release began: what can be shown of them is shown, and nothing is done to them here."""

from dataclasses import replace
from typing import Any

import pytest

from shared.contracts.cart import LockCart
from tests.component.checkout.conftest import Desk
from tests.kit.clock import HandClock
from tests.saga.purchases import locked

AT = "2026-11-21T12:00:00Z"


async def begun_by_a_newer_release(desk: Desk, **record: Any) -> str:
    """A purchase of this release's, as another one would have stored it."""
    checkout_id: str = (await desk.buy()).json()["id"]
    await desk.answer(LockCart, locked())
    stored = await desk.stored(checkout_id)
    body = {**stored.body, "record": {**stored.body["record"], **record}}
    await desk.overwrite(replace(stored, body=body))
    return checkout_id


def newer_steps() -> dict[str, Any]:
    """Steps of other names, one of them with a status that this release does not know."""
    return {
        "version": 99,
        "current": "screen for fraud",
        "steps": {"lock cart": {"status": "done"}, "screen for fraud": {"status": "deferred", "asks": 3}},
        "timeline": [
            {"at": AT, "step": "lock cart", "status": "done", "of": "running", "asks": 1},
            {"at": AT, "step": "screen for fraud", "status": "deferred", "of": "waiting_for_bank", "asks": 3},
            {"at": AT, "step": "a step that is nowhere else", "status": "running", "of": "waiting_for_bank"},
        ],
        "status": "waiting_for_bank",
        "timers": [{"name": "remind", "step": "screen for fraud", "at": "2027-11-21T12:00:00Z"}],
    }


@pytest.mark.parametrize("version", [2, 99])
async def test_it_is_shown_to_its_member_and_in_lists(desk: Desk, version: int) -> None:
    checkout_id = await begun_by_a_newer_release(desk, **{**newer_steps(), "version": version})
    for path in (f"/v1/checkouts/{checkout_id}", "/v1/checkouts"):
        answer = await desk.client.get(path, headers=desk.member())
        assert answer.status_code == 200
        shown = answer.json()
        purchase = shown["checkouts"][0] if "checkouts" in shown else shown
        assert purchase["status"] == "waiting_for_bank"
        steps = {step["name"]: (step["status"], step["attempts"]) for step in purchase["steps"]}
        assert steps["lock cart"] == ("done", 0)
        assert steps["screen for fraud"] == ("deferred", 3)
        assert steps["a step that is nowhere else"][0] == "running"


async def test_it_is_shown_to_operators_with_its_history_and_timers(desk: Desk) -> None:
    checkout_id = await begun_by_a_newer_release(desk, **newer_steps())
    shown = (await desk.client.get(f"/v1/operations/checkouts/{checkout_id}", headers=desk.operator())).json()
    assert [entry["status"] for entry in shown["timeline"]] == ["done", "deferred", "running"]
    assert shown["timers"][0]["name"] == "remind"
    for path in ("/v1/operations/checkouts", "/v1/operations/timers"):
        assert (await desk.client.get(path, headers=desk.operator())).status_code == 200
    unknown = await desk.client.get("/v1/operations/checkouts?status=waiting_for_bank", headers=desk.operator())
    assert unknown.status_code == 422, "what may be asked for is known"


async def test_a_known_version_may_have_fewer_and_other_steps(desk: Desk) -> None:
    """A step was taken out, or put in, without a version of its own."""
    fewer = {key: value for key, value in newer_steps().items() if key != "version"}
    checkout_id = await begun_by_a_newer_release(desk, **fewer)
    answer = await desk.client.get(f"/v1/checkouts/{checkout_id}", headers=desk.member())
    assert answer.status_code == 200
    assert "screen for fraud" in [step["name"] for step in answer.json()["steps"]]


async def test_it_can_be_followed(desk: Desk) -> None:
    checkout_id = await begun_by_a_newer_release(desk, **newer_steps())
    desk.runtime.draining.set()
    answer = await desk.client.get(f"/v1/checkouts/{checkout_id}/events", headers=desk.member(), timeout=20)
    assert answer.text.count("event: change") == 3


async def test_what_would_move_it_is_told_to_come_again_and_changes_nothing(desk: Desk, clock: HandClock) -> None:
    checkout_id = await begun_by_a_newer_release(desk, **newer_steps())
    before = await desk.stored(checkout_id)
    operations = "/v1/operations"
    cancel = await desk.client.post(f"/v1/checkouts/{checkout_id}/cancel", headers=desk.member())
    ask = await desk.client.post(f"{operations}/checkouts/{checkout_id}/ask", headers=desk.operator())
    move = await desk.client.put(
        f"{operations}/timers/{checkout_id}/remind", json={"at": "2027-12-01T00:00:00Z"}, headers=desk.operator()
    )
    for answer in (cancel, ask, move):
        assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True)
    clock.pass_by(seconds=60)
    assert (await desk.stored(checkout_id)).body == before.body
