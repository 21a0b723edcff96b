import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import httpx
import pytest
import typer

from services.cli.client import Api, ApiError, base_url, parse_events, reported, segment

Answer = Callable[[httpx.Request], httpx.Response]


def api(answer: Answer) -> Api:
    return Api("http://stack", "a.b.c", transport=httpx.MockTransport(answer))


def event(position: int, status: str) -> str:
    return f"id: {position}\nevent: change\ndata: {json.dumps({'status': status})}\n\n"


def test_the_token_travels_as_a_bearer() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"seen": request.headers["authorization"]})

    assert api(answer).get("/v1/x") == {"seen": "Bearer a.b.c"}


def test_a_list_is_read_to_its_last_page() -> None:
    pages = {
        None: {"timers": [{"n": 1}, {"n": 2}], "next_cursor": "c2"},
        "c2": {"timers": [{"n": 3}], "next_cursor": None},
    }
    asked = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json=pages[request.url.params.get("cursor")])

    found = list(api(answer).pages("/v1/operations/timers", "timers", limit=2))
    assert [row["n"] for row in found] == [1, 2, 3]
    assert asked == [{"limit": "2"}, {"limit": "2", "cursor": "c2"}]


def test_a_problem_becomes_one_sentence_with_the_fields_it_names() -> None:
    problem = {
        "type": "about:blank",
        "title": "Unprocessable",
        "status": 422,
        "code": "invalid_body",
        "detail": "The body is wrong.",
        "errors": [{"pointer": "/at", "detail": "must be a time"}],
    }
    with pytest.raises(ApiError) as caught:
        api(lambda _: httpx.Response(422, json=problem)).send("PUT", "/v1/x", {})
    assert str(caught.value) == "The body is wrong; /at: must be a time"
    assert (caught.value.status, caught.value.code) == (422, "invalid_body")


@pytest.mark.parametrize("text", [".", "..", "...", "a/b", "a?b#c", "%2e", "a.b", "\u20ac", " "])
def test_any_text_is_one_segment_of_a_path(text: str) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(unquote(request.url.raw_path.decode()))
        return httpx.Response(200, json={})

    api(answer).get(f"/v1/events/{segment(text)}/trace")
    assert asked == [f"/v1/events/{text}/trace"]


def test_an_error_without_a_problem_is_still_one_sentence() -> None:
    with pytest.raises(ApiError, match=r"^GET /v1/x was answered 502: Bad Gateway$"):
        api(lambda _: httpx.Response(502, text="<html>")).get("/v1/x")


def test_silence_says_how_to_start_the_stack() -> None:
    with pytest.raises(
        ApiError, match=r"Nothing answers at http://127\.0\.0\.1:9: start the stack with `milesaga run`"
    ):
        Api("http://127.0.0.1:9").get("/healthz")


def test_an_answer_that_is_no_json_object_is_named() -> None:
    with pytest.raises(ApiError, match=r"http://stack/v1/x answered something that is no JSON object\."):
        api(lambda _: httpx.Response(200, text="hello")).get("/v1/x")


def test_events_are_read_as_the_standard_says() -> None:
    lines = iter(
        [
            ": a comment",
            "",
            "event:change",
            "id: 7",
            'data: {"status":',
            'data: "running"}',
            "",
            "event: other",
            "data: 1",
            "",
        ]
    )
    found = [change and (change.id, change.checkout) for change in parse_events(lines)]
    assert found == [None, ("7", {"status": "running"}), None]


def test_a_stream_that_breaks_off_is_resumed_after_the_last_event() -> None:
    streams = [event(1, "running") + event(2, "running"), event(3, "completed")]
    resumed = []

    def answer(request: httpx.Request) -> httpx.Response:
        resumed.append(request.headers.get("last-event-id"))
        return httpx.Response(200, text=streams.pop(0), headers={"content-type": "text/event-stream"})

    changes = list(api(answer).changes("/v1/operations/checkouts/p1/events"))
    assert [change.id for change in changes] == ["1", "2", "3"]
    assert resumed == [None, "2"]


def test_a_stream_is_opened_again_when_the_stack_was_away() -> None:
    answers: list[httpx.Response | Exception] = [
        httpx.ConnectError("refused"),
        httpx.Response(503, json={"detail": "starting"}),
        httpx.Response(200, text=event(1, "needs_attention")),
    ]

    def answer(_: httpx.Request) -> httpx.Response:
        following = answers.pop(0)
        if isinstance(following, Exception):
            raise following
        return following

    assert [change.checkout["status"] for change in api(answer).changes("/e")] == ["needs_attention"]


def test_a_stream_is_given_up_when_the_api_stays_absent() -> None:
    def away(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    with pytest.raises(ApiError, match="Nothing answers at http://stack"):
        list(api(away).changes("/e", absent=0.01))


def test_a_purchase_that_does_not_rest_in_time_is_given_up() -> None:
    alive = ": waiting\n\n"
    with pytest.raises(ApiError, match=r"/e had not come to its end after 0 s\."):
        list(api(lambda _: httpx.Response(200, text=alive)).changes("/e", within=0.0))


def test_a_purchase_that_is_silent_for_long_is_still_followed() -> None:
    streams = [": waiting\n\n" * 3, event(1, "running"), ": waiting\n\n", event(2, "completed")]

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text=streams.pop(0))

    assert [change.id for change in api(answer).changes("/e", absent=0.0)] == ["1", "2"]


def test_a_refused_stream_is_not_asked_for_again() -> None:
    with pytest.raises(ApiError, match="404"):
        list(api(lambda _: httpx.Response(404, json={"detail": "unknown checkout"})).changes("/e"))


def test_the_stack_is_found_by_its_url_then_by_its_home_then_on_port_8000(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MILESAGA_URL", raising=False)
    monkeypatch.delenv("MILESAGA_HOME", raising=False)
    monkeypatch.chdir(tmp_path)
    assert base_url() == "http://127.0.0.1:8000"
    monkeypatch.setenv("MILESAGA_HOME", str(tmp_path))
    with pytest.raises(ApiError, match=r"Nothing answers at .*: start the stack with `milesaga run`"):
        base_url()
    (tmp_path / "http.url").write_text("http://127.0.0.1:4711\n")
    assert base_url() == "http://127.0.0.1:4711"
    monkeypatch.setenv("MILESAGA_URL", "http://elsewhere")
    assert base_url() == "http://elsewhere"
    monkeypatch.setenv("MILESAGA_URL", "elsewhere:8000")
    with pytest.raises(ApiError, match="MILESAGA_URL: "):
        base_url()


def test_an_error_is_reported_on_standard_error_with_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as left, reported(2):
        raise ApiError("It is so.")
    assert left.value.exit_code == 2
    assert capsys.readouterr().err == "It is so.\n"
