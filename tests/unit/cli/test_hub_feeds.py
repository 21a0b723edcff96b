"""`milesaga hub feed` over a scripted API: a cursor is kept when all before it was told."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.cli.client import Api
from services.cli.hub import feeds
from tests.unit.cli.test_hub_events import Stack, run

FEED = "GET /v1/hub/feed/history/own"
EVENT = {
    "hubid": "0198c0de-0000-7000-8000-000000000001",
    "hubat": "2027-01-20T10:00:00+00:00",
    "partner": "coles",
    "specversion": "1.0",
    "id": "4711",
    "source": "/x",
    "type": "a.b.v1",
}


def page(after: str, *events: Any, more: bool = False, broken: Any = ()) -> tuple[int, Any]:
    return 200, {"events": list(events), "broken": list(broken), "after": after, "more": more}


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    monkeypatch.setattr(feeds, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    monkeypatch.setattr("services.cli.patience.time.sleep", lambda _: None)
    return scripted


def test_pages_are_read_until_no_more_follows_and_the_cursor_is_kept(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    stack.answers[FEED] = [page("c1", EVENT, more=True), (503, {"code": "unavailable"}), page("c2", EVENT)]
    result = run("feed", "history/own", "--cursor", str(file), "--json")
    assert [json.loads(line) for line in result.stdout.splitlines()] == [EVENT, EVENT]
    assert file.read_text() == "c2\n"
    assert [each.url.params.get("after") for each in stack.asked] == [None, "c1", "c1"]
    run("feed", "history/own", "--cursor", str(file))
    assert stack.asked[-1].url.params["after"] == "c2"


def test_what_is_broken_is_told_beside(stack: Stack) -> None:
    broken = [{"hubid": "h7", "reason": "template_failed", "detail": "/data/x is missing"}]
    stack.answers[FEED] = [page("c1", EVENT, broken=broken)]
    result = run("feed", "history/own", "--from", "-1d")
    assert "4711" in result.stdout
    assert result.stderr == "h7: template_failed: /data/x is missing\n"
    assert "from" in stack.asked[0].url.params


def test_what_is_kept_no_longer_is_left_out_only_where_that_was_said(stack: Stack, tmp_path: Path) -> None:
    file = tmp_path / "cursor"
    file.write_text("c1\n")
    gone = (410, {"code": "cursor_expired", "detail": "go on with `oldest`", "oldest": "c7"})
    stack.answers[FEED] = [gone]
    refused = run("feed", "history/own", "--cursor", str(file))
    assert (refused.exit_code, file.read_text()) == (1, "c1\n")
    stack.answers[FEED] = [gone, page("c8", EVENT)]
    assert run("feed", "history/own", "--cursor", str(file), "--skip-gone").exit_code == 0
    assert (stack.asked[-1].url.params["after"], file.read_text()) == ("c7", "c8\n")
