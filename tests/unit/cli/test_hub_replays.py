"""`milesaga hub replay` over a scripted API."""

import json
from pathlib import Path

import httpx
import pytest

from services.cli.client import Api
from services.cli.hub import replays
from tests.unit.cli.test_hub_events import Stack, run

COUNTS = {"events": 100, "copies": {"fuel/books": {"a.b.v1": 100}}, "broken": 0, "undecided": 0, "total": 100}
REPLAY = {
    "id": "0" * 32,
    "name": "after-the-bug",
    "owner": "",
    "by": "portal",
    "from": "2027-01-20T00:00:00Z",
    "to": "2027-01-21T00:00:00Z",
    "targets": ["fuel/books"],
    "state": "counting",
    "reason": "",
    "waits_for": "",
    "waits_since": None,
    "counts": None,
    "copies": 0,
    "rate": 50,
    "seconds": None,
    "dry_run": False,
}
ONE = f"/v1/hub/replays/{'0' * 32}"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    monkeypatch.setattr(replays, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    monkeypatch.setattr("services.cli.hub.replays.time.sleep", lambda _: None)
    return scripted


def test_a_replay_is_started_and_followed_to_its_end(stack: Stack, tmp_path: Path) -> None:
    counted = REPLAY | {"state": "running", "counts": COUNTS, "copies": 50, "seconds": 2.0}
    stack.answers["POST /v1/hub/replays"] = [(202, REPLAY)]
    stack.answers[f"GET {ONE}"] = [(200, counted), (200, counted | {"state": "done", "copies": 100})]
    pattern = tmp_path / "when.yaml"
    pattern.write_text('data: {store: ["7"]}')
    options = ("--target", "fuel/books", "--from", "-2h", "--rate", "50", "--when", str(pattern), "--follow")
    result = run("replay", "start", "after-the-bug", *options)
    assert result.exit_code == 0, result.output
    (body,) = stack.bodies()
    assert (body["targets"], body["rate"], body["matching"], body["dry_run"]) == (["fuel/books"], 50, "rules", False)
    assert body["when"] == {"data": {"store": ["7"]}}
    assert body["from"] < body["to"]
    for told in ("counting, 0 copies", "running, 50 of 100", "done, 100 of 100", "100 events, 2 s at 50/s"):
        assert told in result.stdout


def test_a_replay_that_fails_says_why(stack: Stack) -> None:
    stack.answers["POST /v1/hub/replays"] = [(202, REPLAY)]
    stack.answers[f"GET {ONE}"] = [(200, REPLAY | {"state": "failed", "reason": "segment s1 is damaged"})]
    result = run("replay", "start", "x", "--target", "fuel/books", "--from", "-2h", "--all", "--follow")
    assert result.exit_code == 1
    assert "(segment s1 is damaged)" in result.stdout
    assert stack.bodies()[0]["matching"] == "all"


def test_a_dry_run_ends_when_it_is_counted(stack: Stack) -> None:
    counted = REPLAY | {"state": "ready", "counts": COUNTS, "dry_run": True, "seconds": 2.0}
    stack.answers["POST /v1/hub/replays"] = [(202, counted)]
    result = run("replay", "start", "x", "--target", "fuel/books", "--from", "-2h", "--dry-run", "--follow", "--json")
    assert json.loads(result.stdout)["counts"]["total"] == 100


def test_a_dry_run_asked_for_again_in_earnest_names_the_commands(stack: Stack) -> None:
    errors = [{"pointer": "/dry_run", "detail": "is true there"}, {"pointer": "/rate", "detail": "is 50 there"}]
    refused = {"code": "asked_otherwise", "detail": "Nothing was changed", "errors": errors}
    stack.answers["POST /v1/hub/replays"] = [(409, refused)]
    options = "--target", "fuel/books", "--from", "-2h", "--rate", "9"
    told = run("replay", "start", "x", *options)
    assert (told.exit_code, told.stdout) == (1, "")
    for said in ("/rate: is 50 there", "`milesaga hub replay resume x`", "`milesaga hub replay rate x 9`"):
        assert said in told.stderr
    assert "resume" not in run("replay", "start", "x", *options, "--dry-run").stderr


def test_a_dry_run_of_a_time_before_now_is_asked_for_in_earnest_by_its_own_times(stack: Stack) -> None:
    errors = [{"pointer": f"/{name}", "detail": "differs from that one's"} for name in ("dry_run", "to", "from")]
    taken = {"code": "name_taken", "detail": "Another replay, ready, has this name", "errors": errors}
    stack.answers["POST /v1/hub/replays"] = [(409, taken)]
    asked = ("replay", "start", "x", "--target", "fuel/books", "--from", "-2h")
    assert "`milesaga hub replay resume x`" in run(*asked).stderr
    stack.answers["POST /v1/hub/replays"] = [(409, taken | {"errors": [*errors, {"pointer": "/targets"}]})]
    assert "resume" not in run(*asked).stderr, "it is another one"


@pytest.mark.parametrize(
    ("command", "asked"),
    [
        (("pause", "after-the-bug"), {"state": "paused"}),
        (("resume", "after-the-bug"), {"state": "running"}),
        (("cancel", "0" * 32), {"state": "cancelled"}),
        (("rate", "after-the-bug", "7"), {"rate": 7}),
    ],
)
def test_a_replay_is_steered_as_it_was_last_seen(stack: Stack, command: tuple[str, ...], asked: object) -> None:
    stack.answers["GET /v1/hub/replays"] = [(200, {"replays": [REPLAY], "next_cursor": None})]
    stack.answers[f"GET {ONE}"] = [(200, REPLAY, {"ETag": '"4"'})]
    stack.answers[f"PATCH {ONE}"] = [(200, REPLAY | {"state": "paused"})]
    assert run("replay", *command).exit_code == 0
    assert json.loads(stack.asked[-1].content) == asked
    assert stack.asked[-1].headers["if-match"] == '"4"'


def test_replays_are_listed_and_shown_by_name(stack: Stack) -> None:
    stack.answers["GET /v1/hub/replays"] = [(200, {"replays": [REPLAY], "next_cursor": None})]
    assert "after-the-bug" in run("replay", "list").stdout
    assert "counting" in run("replay", "show", "after-the-bug").stdout
    unknown = run("replay", "show", "other")
    assert (unknown.exit_code, unknown.stderr) == (1, "There is no replay other.\n")
