"""`milesaga hub send`, `check`, `trace`, `match`, `convert` and `archive` over a scripted API."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from services.cli.client import Api
from services.cli.hub import app, archived, events, routing
from services.hub.domain.admission import LARGEST_BODY

ARCHIVED = {
    "hubid": "0198c0de-0000-7000-8000-000000000001",
    "at": "2027-01-20T10:00:00+00:00",
    "partner": "coles",
    "via": "http",
    "event": {"specversion": "1.0", "id": "4711", "source": "/x", "type": "a.b.v1"},
}
Answer = tuple[int, Any] | tuple[int, Any, dict[str, str]]


class Stack:
    """Answers in order where it was given several answers, the last one for ever."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []
        self.answers: dict[str, list[Answer]] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        waiting = self.answers[f"{request.method} {request.url.path}"]
        status, body, *headers = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        return httpx.Response(status, json=body, headers=headers[0] if headers else None)

    def bodies(self) -> list[Any]:
        return [json.loads(each.content) for each in self.asked if each.method == "POST"]


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    for module in (events, archived, routing):
        monkeypatch.setattr(module, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    monkeypatch.setattr("services.cli.patience.time.sleep", lambda _: None)
    monkeypatch.setenv("MILESAGA_TOKEN", "t")
    return scripted


def run(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=given, env={"COLUMNS": "200"})


def lines(count: int) -> str:
    return "\n".join(json.dumps({"id": f"e{n}"}) for n in range(count))


def accepted(count: int, status: str = "accepted") -> Any:
    return {"results": [{"id": "h", "status": status, "code": None, "detail": None, "errors": []}] * count}


@pytest.mark.parametrize("text", ['{"id": "a"}', '[{"id": "a"}]', '{\n"id": "a"\n}', '{"id": "a"}\n'])
def test_one_event_is_sent_however_it_is_written(stack: Stack, text: str) -> None:
    stack.answers["POST /v1/events"] = [(202, accepted(1))]
    result = run("send", "-", given=text)
    assert (result.exit_code, result.stdout) == (0, "1 accepted\n"), result.output
    assert stack.bodies() == [[{"id": "a"}]]
    assert stack.asked[0].headers["content-type"] == "application/cloudevents-batch+json"


def test_many_events_are_sent_in_batches(stack: Stack) -> None:
    stack.answers["POST /v1/events"] = [(202, accepted(500)), (202, accepted(500)), (202, accepted(1, "duplicate"))]
    result = run("send", "-", given=lines(1_001))
    assert result.stdout == "1000 accepted, 1 duplicate\n"
    assert [len(each) for each in stack.bodies()] == [500, 500, 1]


@pytest.mark.parametrize(("bytes_each", "batches"), [(1_000, [500, 4]), (40_000, [104, 104, 104, 104, 88])])
def test_a_list_of_any_size_is_sent_as_much_at_a_time_as_the_hub_takes(
    stack: Stack, bytes_each: int, batches: list[int]
) -> None:
    stack.answers = {"POST /v1/events": [(202, accepted(each)) for each in batches]}
    found = [{"id": f"{n:04}", "data": "x" * (bytes_each - len('{"id":"0000","data":""}'))} for n in range(504)]
    result = run("send", "-", given=json.dumps(found))
    assert (result.exit_code, result.stdout) == (0, "504 accepted\n"), result.output
    assert [len(body) for body in stack.bodies()] == batches
    assert max(len(each.content) for each in stack.asked) <= LARGEST_BODY
    assert [event for body in stack.bodies() for event in body] == found


def test_a_sender_that_is_too_fast_repeats_when_it_is_told(stack: Stack) -> None:
    limited = {"code": "rate_limited", "detail": "Too fast"}
    stack.answers["POST /v1/events"] = [(429, limited, {"Retry-After": "2"}), (202, accepted(1))]
    assert run("send", "-", given=lines(1)).exit_code == 0
    assert len(stack.asked) == 2


def test_a_refused_batch_names_the_field_and_which_events_were_not_accepted(stack: Stack) -> None:
    fault = {"pointer": "/1/data/total/amount", "detail": "must be an integer"}
    stack.answers["POST /v1/events"] = [
        (422, {"code": "schema_violation", "detail": "Not valid by its type's schema", "errors": [fault]})
    ]
    result = run("send", "-", given=lines(2))
    assert result.exit_code == 1
    assert "events 1 to 2, none of which was accepted" in result.stderr
    assert "/1/data/total/amount: must be an integer" in result.stderr


def test_the_good_ones_of_a_batch_are_accepted_where_that_is_asked(stack: Stack) -> None:
    refused = {"id": None, "status": "refused", "code": "schema_violation", "detail": "x"}
    refused["errors"] = [{"pointer": "/data", "detail": "must be there"}]  # type: ignore[assignment]
    stack.answers["POST /v1/events"] = [(207, {"results": [*accepted(1)["results"], refused]})]
    result = run("send", "--each", "-", given=lines(2))
    assert result.exit_code == 1
    assert stack.asked[0].url.params["atomic"] == "false"
    assert result.stdout == "event 2: schema_violation: /data: must be there\n1 accepted, 1 refused\n"


def test_events_are_judged_without_being_sent(stack: Stack) -> None:
    judged: Any = {"results": [{"status": "acceptable", "code": None, "detail": None, "errors": []}]}
    stack.answers["POST /v1/events/check"] = [(200, judged)]
    assert run("check", "-", given=lines(1)).stdout == "1 acceptable\n"
    assert json.loads(run("check", "-", "--json", given=lines(1)).stdout) == judged


def test_whoever_is_no_partner_says_as_whom(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MILESAGA_TOKEN")
    result = run("send", "-", given=lines(1))
    assert result.exit_code == 1
    assert "--partner NAME" in result.stderr


def test_a_partner_is_its_first_client(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    stack.answers["GET /v1/hub/partners/coles"] = [(200, {"clients": ["coles-tills"]})]
    stack.answers["POST /v1/events"] = [(202, accepted(1))]
    asked: list[Any] = []

    def token(*given: Any) -> str:
        asked.append(given)
        return "token"

    monkeypatch.setattr(events, "base_url", lambda: "http://stack")
    monkeypatch.setattr(events, "sandbox_token", token)
    monkeypatch.setattr(events, "Api", lambda url, token: Api(url, token, transport=httpx.MockTransport(stack)))
    assert run("send", "-", "--partner", "coles", given=lines(1)).exit_code == 0
    assert asked == [("http://stack", "events:publish hub:read", "coles-tills")]
    assert stack.asked[-1].headers["authorization"] == "Bearer token"


@pytest.mark.parametrize(
    ("text", "told"),
    [('{"id": 1, "id": 2}', "-, line 1: /id: expected"), ("[1]", "-: /0: a CloudEvent is expected"), ("{", "-: ")],
)
def test_what_is_no_event_is_told_by_its_place(stack: Stack, text: str, told: str) -> None:
    result = run("send", "-", given=text)
    assert result.exit_code == 1
    assert told in result.stderr
    assert stack.asked == []


def test_what_became_of_an_event_is_shown(stack: Stack) -> None:
    attempt = {"at": "2027-01-20T10:00:01Z", "ms": 12, "attempt": 1, "outcome": "failed", "status": 503}
    attempt |= {"fault": "status_503", "replay": None}
    leg = {"bus": "fuel", "revision": 3, "rules": ["all", "large"], "target": "books", "state": "tried"}
    shown = {
        "partner": "coles",
        "event_id": "a/b c",
        "id": "h1",
        "page": "p1",
        "state": "accepted",
        "accepted_at": "2027-01-20T10:00:00Z",
        "archived": True,
        "targets": [leg | {"attempts": [attempt]}],
        "undecided": [{"bus": "slow", "revision": 1}],
    }
    stack.answers["GET /v1/events/coles/a/b c"] = [(200, shown)]
    result = run("trace", "coles", "a/b c")
    assert stack.asked[0].url.raw_path == b"/v1/events/coles/a%2Fb%20c"
    for told in ("archived: yes", "fuel/books", "all, large", "failed, 503, status_503, 12 ms", "bus slow, revision 1"):
        assert told in result.stdout, result.stdout
    assert json.loads(run("trace", "coles", "a/b c", "--json").stdout) == shown


def test_an_event_that_is_unknown_is_one_sentence(stack: Stack) -> None:
    stack.answers["GET /v1/events/coles/x"] = [(404, {"code": "not_found", "detail": "There is no such event"})]
    result = run("trace", "coles", "x")
    assert (result.exit_code, result.stderr) == (1, "There is no event x of coles.\n")


def test_archived_events_are_found_and_exported(stack: Stack, tmp_path: Path) -> None:
    stack.answers["GET /v1/hub/archive"] = [(200, {"events": [ARCHIVED], "next_cursor": None})]
    assert "4711" in run("archive", "find", "--partner", "coles", "--from", "-2h").stdout
    assert stack.asked[0].url.params["partner"] == "coles"
    assert "from" in stack.asked[0].url.params
    file = tmp_path / "events.jsonl"
    assert run("archive", "export", str(file)).stderr == "1 events\n"
    assert [json.loads(line) for line in file.read_text().splitlines()] == [ARCHIVED]


def test_a_file_that_cannot_be_written_is_one_sentence(stack: Stack, tmp_path: Path) -> None:
    stack.answers["GET /v1/hub/archive"] = [(200, {"events": []})]
    file = tmp_path / "missing" / "events.jsonl"
    result = run("archive", "export", str(file))
    assert (result.exit_code, result.stderr) == (1, f"{file}: No such file or directory\n")


def test_the_archive_is_counted_and_verified(stack: Stack) -> None:
    stats = {"segments": 2, "events": 1_234, "bytes": 9, "partners": {"coles": 1_234}, "types": {"a.b.v1": 1_234}}
    stack.answers["GET /v1/hub/archive/stats"] = [(200, stats)]
    assert "1,234 events in 2 closed segments" in run("archive", "stats").stdout
    stack.answers["GET /v1/hub/archive/verify"] = [(200, {"segments": 1, "wrong": []})]
    assert run("archive", "verify").stdout == "1 closed segments, 0 damaged\n"
    wrong = [{"segment": "s2", "wrong": "its sha256 is another"}]
    stack.answers["GET /v1/hub/archive/verify"] = [(200, {"segments": 2, "wrong": wrong})]
    result = run("archive", "verify")
    assert (result.exit_code, result.stdout) == (1, "s2: its sha256 is another\n2 closed segments, 1 damaged\n")


def test_an_archive_is_verified_page_by_page(stack: Stack) -> None:
    wrong = [{"segment": "s1", "wrong": "it is gone"}]
    first = {"segments": 40, "wrong": wrong, "next_cursor": "abc"}
    stack.answers["GET /v1/hub/archive/verify"] = [(200, first), (200, {"segments": 2, "wrong": []})]
    result = run("archive", "verify")
    assert (result.exit_code, result.stdout) == (1, "s1: it is gone\n42 closed segments, 1 damaged\n")
    assert stack.asked[-1].url.params["cursor"] == "abc"


def test_an_archive_of_which_nothing_can_be_said_is_neither_whole_nor_damaged(stack: Stack) -> None:
    stack.answers["GET /v1/hub/archive/verify"] = [(503, {"code": "archive_unavailable", "detail": "try again"})]
    assert run("archive", "verify").exit_code == 2


@pytest.fixture
def pattern(tmp_path: Path) -> str:
    path = tmp_path / "pattern.yaml"
    path.write_text('data: {total: [{numeric: [">=", 3000]}]}')
    return str(path)


def test_a_pattern_is_tried_on_an_event_and_says_why(pattern: str) -> None:
    assert run("match", pattern, "-", given='{"data": {"total": 3000}}').stdout.startswith("matches\n")
    result = run("match", pattern, "-", given='{"data": {"total": 2999}}')
    assert result.exit_code == 1
    assert "/data/total: 2999 is not what /data/total asks" in result.stdout


def test_patterns_of_others_are_converted() -> None:
    result = run("convert", "-", given='{"detail-type": ["a"], "detail": {"n": [{"exists": true}]}}')
    assert json.loads(result.stdout) == {"type": ["a"], "data": {"n": [{"exists": True}]}}
    assert "EventBridge asks for a leaf" in result.stderr
    filters = run("convert", "-", "--language", "cloudevents", given='[{"exact": {"type": "a"}}]')
    assert json.loads(filters.stdout) == {"type": ["a"]}
    back = run("convert", "-", "--back", given='{"type": ["a"]}')
    assert json.loads(back.stdout) == {"detail-type": ["a"]}
    refused = run("convert", "-", given='{"region": ["eu"]}')
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "/region" in refused.stderr


def test_the_archives_counts_are_those_of_all_pages(stack: Stack) -> None:
    first = {"segments": 500, "events": 7, "bytes": 9, "partners": {"coles": 7}, "types": {"a.b.v1": 7}}
    second = {"segments": 2, "events": 3, "bytes": 1, "partners": {"coles": 1, "aldi": 2}, "types": {"c.d.v1": 3}}
    stack.answers["GET /v1/hub/archive/stats"] = [(200, first | {"next_cursor": "x"}), (200, second)]
    assert json.loads(run("archive", "stats", "--json").stdout) == {
        "segments": 502,
        "events": 10,
        "bytes": 10,
        "partners": {"coles": 8, "aldi": 2},
        "types": {"a.b.v1": 7, "c.d.v1": 3},
    }


def test_events_that_were_never_routed_are_routed_by_their_names(stack: Stack) -> None:
    said = [{"hubid": "h1", "status": "sent"}, {"hubid": "h2", "status": "routed"}]
    stack.answers["POST /v1/hub/routing"] = [(202, {"events": said})]
    result = run("route", "h1", "h2")
    assert (result.exit_code, stack.bodies()) == (0, [{"hubids": ["h1", "h2"]}])
    assert "sent to the router" in result.stdout
    stack.answers["POST /v1/hub/routing"] = [(202, {"events": [{"hubid": "h9", "status": "missing"}]})]
    assert run("route", "h9").exit_code == 1


def test_all_events_of_a_time_that_were_never_routed_are_routed(stack: Stack) -> None:
    unrouted = [{"hubid": f"h{n}", "partner": "coles", "id": "e", "type": "a.b.v1"} for n in range(60)]
    pages = [{"balance": {"unrouted": unrouted[:10]}, "next_cursor": "x"}, {"balance": {"unrouted": unrouted[10:]}}]
    stack.answers["GET /v1/hub/archive/stats"] = [(200, page) for page in pages]
    stack.answers["POST /v1/hub/routing"] = [(202, {"events": []})]
    assert run("route", "--from", "2027-01-20T10:00:00Z", "--to", "2027-01-20T11:00:00Z").exit_code == 0
    assert [len(each["hubids"]) for each in stack.bodies()] == [50, 10]
    asked = stack.asked[0].url.params
    assert (asked["from"], asked["to"]) == ("2027-01-20T10:00:00+00:00", "2027-01-20T11:00:00+00:00")


@pytest.mark.parametrize("arguments", [(), ("h1", "--from", "-1h")])
def test_either_events_or_a_time_are_routed(stack: Stack, arguments: tuple[str, ...]) -> None:
    result = run("route", *arguments)
    assert result.exit_code == 2
    assert "Name events, or a time" in result.stderr
