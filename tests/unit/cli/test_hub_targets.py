"""`milesaga hub targets` over a scripted API."""

import json

import httpx
import pytest

from services.cli.client import Api, Json
from services.cli.hub import targets
from tests.unit.cli.test_hub_events import Stack, run

TARGET = {"bus": "fuel", "name": "bi", "partner": "coles", "revision": 3, "kind": "webhook", "state": "healthy"}
TARGET |= {"waiting": 7, "in_flight": 3, "oldest_seconds": 754.4, "dead": None, "since": None, "fault": "status_503"}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    monkeypatch.setattr(targets, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    return scripted


def test_targets_are_listed_with_what_waits(stack: Stack) -> None:
    stack.answers["GET /v1/hub/targets"] = [(200, {"targets": [TARGET], "next_cursor": None})]
    shown = run("targets", "list", "--bus", "fuel").stdout
    assert [word for word in ("fuel/bi", "7", "0:12:34", "3", "?") if word not in shown] == []
    assert stack.asked[0].url.params["bus"] == "fuel"
    assert json.loads(run("targets", "list", "--json").stdout) == {"targets": [TARGET]}


def test_one_target_is_shown(stack: Stack) -> None:
    stack.answers["GET /v1/hub/targets/fuel/bi"] = [(200, TARGET)]
    assert "webhook" in run("targets", "show", "fuel/bi").stdout
    assert json.loads(run("targets", "show", "fuel/bi", "--json").stdout) == TARGET


def test_a_new_secret_is_printed_alone(stack: Stack) -> None:
    stack.answers["POST /v1/hub/targets/fuel/bi/secret"] = [(200, {"secret": "whsec_x", "public_key": None})]
    assert run("targets", "rotate", "fuel/bi", "--overlap-hours", "2").stdout == "whsec_x\n"
    assert stack.bodies() == [{"overlap_hours": 2}]


def test_of_a_new_key_pair_the_public_key_is_printed_and_listed(stack: Stack) -> None:
    stack.answers["POST /v1/hub/targets/fuel/bi/secret"] = [(200, {"secret": None, "public_key": "whpk_x"})]
    assert run("targets", "rotate", "fuel/bi").stdout == "whpk_x\n"
    keys = {"keys": [{"public_key": "whpk_x", "made_at": "2027-01-20T10:00:00Z", "until": None}]}
    stack.answers["GET /v1/hub/targets/fuel/bi/keys"] = [(200, keys)]
    assert "whpk_x" in run("targets", "keys", "fuel/bi").stdout
    assert json.loads(run("targets", "keys", "fuel/bi", "--json").stdout) == keys


def test_deliveries_are_listed_no_more_than_asked_for(stack: Stack) -> None:
    tried = {
        "at": "2027-01-20T10:00:00Z",
        "attempt": 1,
        "outcome": "failed",
        "status": 503,
        "fault": "http_503",
        "ms": 3,
    }
    one: Json = {"hubid": "01984f2a", "accepted_at": "2027-01-20T10:00:00Z", "delivery_id": "msg_1"}
    one |= {"status": "retrying", "rules": ["all"], "revision": 3, "replay": None, "tries": 1, "attempts": [tried]}
    other = one | {"delivery_id": "msg_2", "status": "waiting", "tries": 0, "attempts": []}
    place = "GET /v1/hub/targets/fuel/bi/deliveries"
    stack.answers[place] = [
        (200, {"deliveries": [one], "next_cursor": "c"}),
        (200, {"deliveries": [other, other], "next_cursor": "d"}),
    ]
    answer = json.loads(run("targets", "deliveries", "fuel/bi", "--most", "2", "--json").stdout)
    assert [each["delivery_id"] for each in answer["deliveries"]] == ["msg_1", "msg_2"]
    stack.answers[place] = [(200, {"deliveries": [one, other], "next_cursor": None})]
    options = "--status", "retrying", "--from", "2027-01-20T10:00:00Z"
    shown = run("targets", "deliveries", "fuel/bi", *options).stdout
    assert all(each in shown for each in ("msg_1", "retrying", "503 http_503", "msg_2", "waiting"))
    assert dict(stack.asked[-1].url.params)["status"] == "retrying"
    assert run("targets", "deliveries", "fuel/bi", "--status", "lost").exit_code == 2


@pytest.mark.parametrize("name", ["fuel", "fuel/", "/bi", "a/b/c"])
def test_what_is_no_target_is_a_wrong_use(stack: Stack, name: str) -> None:
    assert run("targets", "show", name).exit_code == 2
    assert stack.asked == []


def test_a_target_that_is_unknown_is_one_sentence(stack: Stack) -> None:
    stack.answers["GET /v1/hub/targets/fuel/x"] = [(404, {"code": "not_found", "detail": "There is no such target"})]
    result = run("targets", "show", "fuel/x")
    assert (result.exit_code, result.stderr) == (1, "There is no target fuel/x.\n")


@pytest.mark.parametrize("act", ["pause", "resume"])
def test_a_target_is_paused_and_resumed(stack: Stack, act: str) -> None:
    stack.answers[f"POST /v1/hub/targets/fuel/bi/{act}"] = [(200, TARGET | {"state": "paused"})]
    assert run("targets", act, "fuel/bi").stdout == "fuel/bi: paused\n"


@pytest.mark.parametrize("act", ["test", "verify"])
def test_an_endpoint_that_does_not_agree_is_exit_code_1(stack: Stack, act: str) -> None:
    path = f"POST /v1/hub/targets/fuel/bi/{act}"
    stack.answers[path] = [(200, {"agrees": True, "status": 204, "fault": None})]
    result = run("targets", act, "fuel/bi")
    assert (result.exit_code, result.stdout) == (0, "the endpoint agrees (204)\n")
    stack.answers[path] = [(200, {"agrees": False, "status": None, "fault": "timeout"})]
    result = run("targets", act, "fuel/bi")
    assert (result.exit_code, result.stdout) == (1, "the endpoint does not agree (timeout)\n")
