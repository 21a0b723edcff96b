"""`milesaga hub dead` over a scripted API."""

import json
from typing import Any

import httpx
import pytest

from services.cli.client import Api
from services.cli.hub import dead
from tests.unit.cli.test_hub_events import Stack, run

AT = "/v1/hub/targets/fuel/bi/dead"
LETTER = {
    "id": "4f2a90c1d7be",
    "fingerprint": "fuel/bi:http_422",
    "reason": "refused_by_receiver: http_422",
    "attempts": 6,
    "first_failed_at": "2027-01-20T10:00:00+00:00",
    "last_failed_at": "2027-01-20T10:01:00+00:00",
    "hubid": "h",
    "event_id": "4711",
    "type": "a.b.v1",
    "delivery_id": "msg_1",
    "can_be_sent": True,
}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    monkeypatch.setattr(dead, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    return scripted


def went(done: int, left: int = 0, *, more: bool = False) -> tuple[int, Any]:
    return 200, {"done": done, "left": left, "more": more}


def test_letters_are_listed_and_one_is_shown_with_its_event(stack: Stack) -> None:
    unreadable = LETTER | {"event_id": None, "type": None}
    stack.answers[f"GET {AT}"] = [(200, {"letters": [LETTER, unreadable]})]
    told = run("dead", "list", "fuel/bi").stdout
    assert "4711" in told
    assert "?" in told
    assert json.loads(run("dead", "list", "fuel/bi", "--json").stdout) == {"letters": [LETTER, unreadable]}
    stack.answers[f"GET {AT}/4f2a90c1d7be"] = [(200, LETTER | {"event": {"id": "4711"}})]
    assert json.loads(run("dead", "show", "fuel/bi", "4f2a90c1d7be", "--json").stdout)["event"] == {"id": "4711"}


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        (("4f2a90c1d7be", "4f2a90c1d7bf"), {"ids": ["4f2a90c1d7be", "4f2a90c1d7bf"]}),
        (("--fingerprint", "fuel/bi:http_422"), {"fingerprint": "fuel/bi:http_422"}),
        (("--until", "2027-01-20T10:00:00Z"), {"until": "2027-01-20T10:00:00+00:00"}),
        (("--all",), {"all": True}),
    ],
)
def test_letters_are_chosen_in_one_of_four_ways(stack: Stack, options: tuple[str, ...], chosen: Any) -> None:
    stack.answers[f"POST {AT}/redrive"] = [went(1)]
    assert run("dead", "redrive", "fuel/bi", *options).stdout == "1 sent once more\n"
    assert stack.bodies() == [chosen]


def test_page_after_page_goes_and_what_stays_is_told(stack: Stack) -> None:
    stack.answers[f"POST {AT}/redrive"] = [went(500, 2, more=True), went(30, 2)]
    told = run("dead", "redrive", "fuel/bi", "--all", "--json")
    assert (told.exit_code, json.loads(told.stdout)) == (1, {"redriven": 530, "left": 2})
    assert "2 stay" in told.stderr


@pytest.mark.parametrize("options", [(), ("--all", "4f2a90c1d7be"), ("--all", "--fingerprint", "f")])
def test_another_number_of_choices_is_a_wrong_use(stack: Stack, options: tuple[str, ...]) -> None:
    assert run("dead", "discard", "fuel/bi", "--yes", *options).exit_code == 2
    assert stack.asked == []


def test_discarding_asks_before(stack: Stack) -> None:
    assert run("dead", "discard", "fuel/bi", "--all").exit_code == 1
    assert stack.asked == []
    stack.answers[f"POST {AT}/discard"] = [went(3)]
    assert run("dead", "discard", "fuel/bi", "--all", "--yes").stdout == "3 removed\n"
