"""Every example of the rules' page is as it says."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from shared.rules.cloudevents import from_filters
from shared.rules.eventbridge import from_eventbridge, to_eventbridge
from shared.rules.explaining import explain
from shared.rules.faults import Invalid
from shared.rules.index import Index
from shared.rules.looking import MISSING, Look
from shared.rules.matching import matches
from shared.rules.operators.parsing import OPERATORS
from shared.rules.operators.parsing import test_of as read_test
from shared.rules.parsing import parse
from shared.rules.reading import event_from_json, from_json, from_yaml
from shared.rules.templates import template_of

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text()
BLOCKS = re.findall(r"^```(\w+ ?[\w ]*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EVENT = event_from_json(next(text for kind, text in BLOCKS if kind == "json event"))


def blocks(kind: str) -> list[str]:
    return [text for found, text in BLOCKS if found == kind]


def pairs(kind: str, second: str) -> list[tuple[str, str]]:
    """Each block of a kind with the one behind it."""
    found = [(one[1], other) for one, other in pairwise(BLOCKS) if one[0] == kind]
    assert all(other[0] == second for _, other in found)
    return [(text, other[1]) for text, other in found]


def rows(heading: str, columns: int) -> Iterator[list[list[Any]]]:
    """A table's rows below a heading: of each cell what stands in it as code, else its text."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    for line in re.findall(r"^\| (?!---)(`.*) \|$", section, re.MULTILINE):
        cells = re.split(r" \| ?", line.replace("\\|", "\0"))
        assert len(cells) == columns, line
        yield [re.findall(r"`([^`]+)`", cell) or [cell] for cell in cells]


TESTS = list(rows("Tests", 3))


def test_the_page_has_examples_of_all_kinds() -> None:
    assert {kind for kind, _ in BLOCKS} == {
        *("json event", "yaml matches", "yaml does not match", "yaml refused", "yaml explained", "text"),
        *("yaml template", "json result"),
        *("json eventbridge", "json filters", "json ours"),
    }


@pytest.mark.parametrize("rule", blocks("yaml matches"))
def test_what_matches_matches(rule: str) -> None:
    assert matches(parse(from_yaml(rule)), EVENT)


@pytest.mark.parametrize("rule", blocks("yaml does not match"))
def test_what_does_not_match_does_not(rule: str) -> None:
    assert not matches(parse(from_yaml(rule)), EVENT)


@pytest.mark.parametrize("row", TESTS, ids=lambda row: row[0][0])
def test_a_test_holds_of_what_its_row_says(row: list[list[str]]) -> None:
    (written,), holds, not_of = row
    test = read_test(json.loads(written), ())
    for text, verdict in [*((each, True) for each in holds), *((each, False) for each in not_of if each)]:
        assert test.holds(json.loads(text), Look(EVENT)) is verdict, text
    assert test.holds(MISSING, Look(EVENT)) is False


def test_every_operator_has_a_row() -> None:
    written = [json.loads(row[0][0]) for row in TESTS]
    assert {name for each in written if isinstance(each, dict) for name in each} == set(OPERATORS)
    assert read_test({"exists": False}, ()).holds(MISSING, Look(EVENT))


@pytest.mark.parametrize(("rule", "told"), pairs("yaml refused", "text"))
def test_what_is_refused_is_refused_in_these_words(rule: str, told: str) -> None:
    with pytest.raises(Invalid) as error:
        parse(from_yaml(rule))
    assert [str(fault) for fault in error.value.faults] == told.splitlines()


@pytest.mark.parametrize(("rule", "told"), pairs("yaml explained", "text"))
def test_what_is_explained_is_explained_in_these_words(rule: str, told: str) -> None:
    assert str(explain(parse(from_yaml(rule)), EVENT)).split("; ") == told.splitlines()


@pytest.mark.parametrize(("template", "result"), pairs("yaml template", "json result"))
def test_a_template_makes_its_result(template: str, result: str) -> None:
    assert template_of(from_yaml(template))(EVENT) == json.loads(result)


@pytest.mark.parametrize("row", list(rows("Cost", 3)), ids=lambda row: row[0][0])
def test_a_rule_has_the_cost_and_the_anchor_of_its_row(row: list[list[str]]) -> None:
    (rule,), (cost,), (anchor,) = row
    pattern = parse(from_json(rule))
    assert pattern.cost == int(cost)
    assert Index([("rule", pattern)]).anchors == [("rule", anchor or None)]


@pytest.mark.parametrize(("theirs", "ours"), pairs("json eventbridge", "json ours"))
def test_a_pattern_of_eventbridge_is_converted_both_ways(theirs: str, ours: str) -> None:
    assert from_eventbridge(from_json(theirs)).data == json.loads(ours)
    assert to_eventbridge(parse(from_json(ours))).data == json.loads(theirs)


@pytest.mark.parametrize(("theirs", "ours"), pairs("json filters", "json ours"))
def test_filters_of_cloudevents_are_converted(theirs: str, ours: str) -> None:
    assert from_filters(from_json(theirs)).data == json.loads(ours)
