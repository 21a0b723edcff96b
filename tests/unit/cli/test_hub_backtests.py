"""`milesaga hub backtest` over a scripted API."""

import json
from typing import Any

import httpx
import pytest

from services.cli.client import Api
from services.cli.hub import backtests
from tests.unit.cli.test_hub_events import Stack, run

RULE = {
    "name": "qualifying",
    "matched": 7,
    "per_hour": 0.5,
    "gained": 1,
    "lost": 0,
    "gained_ids": ["h1"],
    "lost_ids": [],
}
TEST: dict[str, Any] = {"id": "b1", "bus": "fuel", "state": "running", "reason": "", "share": 100, "events": 0}
DONE = TEST | {"state": "done", "events": 1_000, "undecided": 2, "revision": 3, "microseconds": 4.25, "rules": [RULE]}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    scripted.answers["POST /v1/hub/backtests"] = [(202, TEST)]
    monkeypatch.setattr(backtests, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    monkeypatch.setattr("services.cli.hub.backtests.time.sleep", lambda _: None)
    return scripted


def test_a_file_is_tried_on_the_past_and_what_differs_is_shown(stack: Stack) -> None:
    stack.answers["GET /v1/hub/backtests/b1"] = [(200, TEST), (200, DONE)]
    result = run("backtest", "examples/hub_bus.yaml", "--from", "-2h", "--share", "10")
    assert result.exit_code == 0, result.output
    for told in ("qualifying", "+h1", "1,000 events beside revision 3, 4.2 us each", "too much work with 2"):
        assert told in result.stdout
    (body,) = stack.bodies()
    assert (body["name"], body["share"], body["bus"]["rules"][0]["name"]) == ("fuel", 10, "qualifying")


def test_one_that_fails_says_why(stack: Stack) -> None:
    stack.answers["GET /v1/hub/backtests/b1"] = [(200, TEST | {"state": "failed", "reason": "a segment is damaged"})]
    result = run("backtest", "examples/hub_bus.yaml")
    assert (result.exit_code, result.stdout) == (1, "it failed: a segment is damaged\n")
    assert json.loads(run("backtest", "examples/hub_bus.yaml", "--json").stdout)["state"] == "failed"


def test_a_file_without_a_bus_is_refused(stack: Stack) -> None:
    result = run("backtest", "examples/hub_partner.yaml")
    assert result.exit_code == 1
    assert "one bus is expected, found 0" in result.stderr
    assert stack.asked == []


def test_it_is_compared_with_the_revision_that_is_named(stack: Stack) -> None:
    stack.answers["GET /v1/hub/backtests/b1"] = [(200, DONE)]
    run("backtest", "examples/hub_bus.yaml", "--revision", "2")
    run("backtest", "examples/hub_bus.yaml")
    assert [body.get("revision") for body in stack.bodies()] == [2, None]


def test_who_waits_for_one_that_is_paused_or_cancelled_is_told_so(stack: Stack) -> None:
    stack.answers["GET /v1/hub/backtests/b1"] = [
        (200, TEST | {"state": "paused"}),
        (200, DONE | {"state": "cancelled", "events": 400}),
    ]
    result = run("backtest", "examples/hub_bus.yaml")
    assert result.exit_code == 1
    assert "b1 is cancelled; until now:" in result.stdout
    assert "400 events" in result.stdout


@pytest.mark.parametrize(("verb", "state"), [("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")])
def test_one_is_steered_as_it_was_seen(stack: Stack, verb: str, state: str) -> None:
    stack.answers["GET /v1/hub/backtests/b1"] = [(200, TEST, {"ETag": '"4"'})]
    stack.answers["PATCH /v1/hub/backtests/b1"] = [(200, DONE | {"state": state})]
    result = run("backtests", verb, "b1")
    assert result.exit_code == 0, result.output
    assert f"b1 is {state}; until now:" in result.stdout
    assert json.loads(stack.asked[-1].content) == {"state": state}
    assert stack.asked[-1].headers["if-match"] == '"4"'


def test_those_there_are_are_listed(stack: Stack) -> None:
    row = {"from": "2027-01-20T00:00:00Z", "to": "2027-01-21T00:00:00Z", "by": "ops", "revision": None}
    stack.answers["GET /v1/hub/backtests"] = [(200, {"backtests": [TEST | row], "next_cursor": None})]
    shown = run("backtests", "list")
    assert shown.exit_code == 0, shown.output
    assert "fuel" in shown.stdout
    assert "running" in shown.stdout
    assert json.loads(run("backtests", "list", "--json").stdout)["backtests"][0]["id"] == "b1"
