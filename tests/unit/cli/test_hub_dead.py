"""`milesaga hub dead` over a scripted API."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import ANY

import httpx
import pytest

from services.cli.client import Api
from services.cli.hub import dead, settling
from services.cli.release.gate import exits
from shared.kernel.acts import payload
from tests.kit.office import Office
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
    for module in (dead, settling):
        monkeypatch.setattr(module, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    return scripted


def went(done: int, left: int = 0, *, more: bool = False) -> tuple[int, Any]:
    return 200, {"done": done, "left": left, "more": more}


@pytest.fixture
def office(monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """Whoever decides agrees at once."""
    with Office() as office:
        monkeypatch.setenv("MILESAGA_URL", office.url)
        monkeypatch.setenv("MILESAGA_TOKEN", "a-token")
        agreeing = threading.Thread(target=agree, args=(office,), daemon=True)
        agreeing.start()
        yield office


def agree(office: Office) -> None:
    with office.news:
        office.news.wait_for(lambda: bool(office.requests), timeout=30)
    if office.requests:
        office.decide("approved")


REQUIRED = (409, {"code": "grant_required", "detail": "Another person must agree"})
SOON = datetime.now(UTC) + timedelta(hours=1)


def test_letters_are_listed_and_one_is_shown_with_its_event(stack: Stack) -> None:
    unreadable = LETTER | {"event_id": None, "type": None}
    stack.answers[f"GET {AT}"] = [
        (200, {"letters": [LETTER], "next_cursor": "c"}),
        (200, {"letters": [unreadable], "next_cursor": None}),
    ] * 2
    told = run("dead", "list", "fuel/bi").stdout
    assert stack.asked[1].url.params["cursor"] == "c"
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


@pytest.mark.parametrize(
    ("options", "agreed"),
    [
        (("4f2a90c1d7be", "4f2a90c1d7bf"), {"ids": ["4f2a90c1d7be", "4f2a90c1d7bf"]}),
        (("--fingerprint", "fuel/bi:http_422"), {"ids": ["4f2a90c1d7be"]}),
        (("--until", "2027-01-20T10:00:00Z"), {"until": ANY}),
        (("--from", "-2h"), {"from": ANY, "until": ANY}),
        (("--all",), {"until": ANY}),
    ],
)
def test_where_acts_are_gated_others_agree_to_the_letters_that_lie_there_now(
    stack: Stack, office: Office, options: tuple[str, ...], agreed: Any
) -> None:
    other = LETTER | {"id": "5f2a90c1d7be", "fingerprint": "fuel/bi:http_500"}
    stack.answers[f"GET {AT}"] = [(200, {"letters": [LETTER, other]})]
    stack.answers[f"POST {AT}/discard"] = [REQUIRED, went(2)]
    told = run("dead", "discard", "fuel/bi", "--yes", "--reason", "nobody wants them", *options)
    assert (told.exit_code, told.stdout) == (0, "2 removed\n"), told.stderr
    sent = stack.asked[-1]
    assert json.loads(sent.content) == agreed
    if "until" in agreed:
        assert datetime.fromisoformat(json.loads(sent.content)["until"]) < SOON
    assert office.only.said["action"] == "dead.discard"
    assert office.only.said["payload"] == payload("POST", f"{AT}/discard", "", sent.content)
    assert sent.headers["Milesaga-Grant"]


def test_where_nobody_is_asked_nothing_is_done(stack: Stack, office: Office) -> None:
    stack.answers[f"POST {AT}/redrive"] = [REQUIRED]
    told = run("dead", "redrive", "fuel/bi", "--all")
    assert told.exit_code == exits.WRONG
    assert "--reason" in told.stderr
    assert not office.requests


def test_others_that_a_grant_did_not_reach_are_told_of(stack: Stack, office: Office) -> None:
    stack.answers[f"POST {AT}/redrive"] = [REQUIRED, went(2000, more=True)]
    told = run("dead", "redrive", "fuel/bi", "--all", "--reason", "mended")
    assert (told.exit_code, "ask again" in told.stderr) == (1, True)
    assert office.only.said["action"] == "dead.retry_all"
