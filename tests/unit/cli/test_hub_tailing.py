"""`milesaga hub tail` over a scripted API: events as they come, and what one bus makes of each."""

import json
from typing import Any

import httpx
import pytest

from services.cli.client import Api
from services.cli.hub import tailing
from tests.unit.cli.test_hub_events import ARCHIVED, Stack, run
from tests.unit.routing.samples import a_rule, terms

EVENTS = "GET /v1/hub/archive"
BUS = "GET /v1/hub/buses/fuel"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    monkeypatch.setattr(tailing, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    monkeypatch.setattr("services.cli.hub.tailing.time.sleep", lambda _: None)
    return scripted


def archived(number: int, total: int, **more: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": f"e{number}", "source": "/x", "type": "a.b.v1", "data": {"total": total}}
    return ARCHIVED | {"hubid": f"h{number}", "event": event | more}


def page(*events: Any) -> tuple[int, Any]:
    return 200, {"events": list(events), "next_cursor": None}


def in_force(*rules: Any, revision: int = 3, **more: Any) -> tuple[int, Any]:
    told = terms(*rules, **more).model_dump(mode="json", by_alias=True)
    return 200, {"id": "fuel", "revision": revision, "terms": told}


LARGE = a_rule("large", when={"type": ["a.b.v1"], "data": {"total": [{"numeric": [">=", 100]}]}}, to=("bi", "books"))
DARK = a_rule("dark", when={"type": ["a.b.v1"]}, to=("bi",), mode="shadow")


def test_new_events_are_shown_once_each(stack: Stack) -> None:
    stack.answers[EVENTS] = [page(ARCHIVED), page(ARCHIVED, ARCHIVED | {"hubid": "h2"})]
    result = run("tail", "--json", "--type", "a.b.v1", "--for", "0.2")
    assert [json.loads(line)["hubid"] for line in result.stdout.splitlines()] == [ARCHIVED["hubid"], "h2"]
    assert stack.asked[0].url.params["type"] == "a.b.v1"


def test_of_a_bus_the_rules_that_match_are_shown_and_where_it_goes(stack: Stack) -> None:
    stack.answers[BUS] = [in_force(LARGE, DARK)]
    stack.answers[EVENTS] = [page(archived(1, 100), archived(2, 5))]
    first, second = run("tail", "--bus", "fuel", "--for", "0").stdout.splitlines()
    assert first.endswith(" coles a.b.v1 e1 h1 large -> bi, books; dark (shadow) -> bi")
    assert second.endswith(" coles a.b.v1 e2 h2 dark (shadow) -> bi")
    assert stack.asked[-1].url.params["partner"] == "coles", "the bus looks at its owner's events alone"


def test_what_a_bus_does_not_admit_does_not_come_over_it(stack: Stack) -> None:
    stack.answers[BUS] = [in_force(LARGE, admits={"source": ["/y"]}, publishers=["*"])]
    stack.answers[EVENTS] = [page(archived(1, 100), archived(2, 5, source="/y"))]
    result = run("tail", "--bus", "fuel", "--for", "0", "--json")
    (told,) = (json.loads(line) for line in result.stdout.splitlines())
    assert told["hubid"] == "h2"
    assert told["routing"] == {"bus": "fuel", "revision": 3, "rules": [], "targets": [], "broken": []}
    assert "partner" not in stack.asked[-1].url.params


def test_why_each_rule_does_or_does_not_match_is_told_where_it_is_asked(stack: Stack) -> None:
    stack.answers[BUS] = [in_force(LARGE, DARK, admits={"source": ["/x"]})]
    stack.answers[EVENTS] = [page(archived(1, 5), archived(2, 5, source="/z"))]
    lines = run("tail", "--bus", "fuel", "--explain", "--for", "0").stdout.splitlines()
    assert lines[0].endswith("h1 dark (shadow) -> bi")
    assert lines[1] == "    large does not match: /data/total: 5 is not what /data/total asks"
    assert lines[2] == "    dark matches, and only counts: /type: 'a.b.v1' is what /type/0 asks"
    assert lines[3].endswith("h2 not admitted: /source: '/z' is not what /$and/1/source asks")
    assert len(lines) == 4


def test_a_template_that_fails_is_told_where_its_copy_would_be(stack: Stack) -> None:
    template = {"amount": {"$": "/data/no", "required": True}}
    stack.answers[BUS] = [in_force(a_rule(when={"type": ["a.b.v1"]}, template=template))]
    stack.answers[EVENTS] = [page(archived(1, 5))]
    assert run("tail", "--bus", "fuel", "--for", "0").stdout.endswith("h1 all -> bi; bi: template_failed\n")


def test_rules_that_are_changed_meanwhile_are_told_and_go_on(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tailing, "LOOKS", 0.0)
    stack.answers[BUS] = [in_force(LARGE), in_force(DARK, revision=4)]
    stack.answers[EVENTS] = [page(archived(1, 100))]
    result = run("tail", "--bus", "fuel", "--for", "0")
    assert result.stderr == "bus fuel: revision 4 is in force\n"
    assert result.stdout.endswith("h1 dark (shadow) -> bi\n")


def test_what_strangers_wrote_stays_in_its_line(stack: Stack) -> None:
    stack.answers[BUS] = [in_force(LARGE)]
    stack.answers[EVENTS] = [page(archived(1, 5, id="x\n\x1b[31mforged", data={"total": "a\nb"}))]
    result = run("tail", "--bus", "fuel", "--explain", "--for", "0")
    assert len(result.stdout.splitlines()) == 2
    assert "\x1b" not in result.stdout


def test_a_bus_that_there_is_not_is_one_sentence(stack: Stack) -> None:
    stack.answers[BUS] = [(404, {"code": "not_found", "detail": "There is no such bus"})]
    result = run("tail", "--bus", "fuel", "--for", "0")
    assert (result.exit_code, result.stderr) == (1, "There is no bus fuel.\n")


def test_an_explanation_is_of_a_bus(stack: Stack) -> None:
    result = run("tail", "--explain")
    assert (result.exit_code, stack.asked) == (1, [])
    assert "name it by --bus" in result.stderr
