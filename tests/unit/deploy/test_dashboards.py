"""Dashboards: as they are made, each panel with a question that can be asked of what there is."""

from typing import Any, Final

import pytest

from services.cli.deploy.grafana import tree
from services.cli.deploy.grafana.panels import WIDTH
from services.cli.deploy.tree import differing
from tests.kit.promql import DASHBOARDS, dashboards, declared, named, questions, unreadable, wrong_labels

ALL: Final = dashboards()
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}

every = pytest.mark.parametrize("dashboard", ALL.values(), ids=ALL)


def test_what_is_committed_is_what_is_made_and_nothing_else() -> None:
    assert differing(tree()) == [], "run `make manifests`"
    assert {f"deploy/grafana/dashboards/{name}" for name in ALL} == set(tree())
    assert {file.suffix for file in DASHBOARDS.iterdir()} == {".json"}


def test_no_two_dashboards_have_one_address() -> None:
    assert len({each["uid"] for each in ALL.values()}) == len(ALL)


@every
def test_panels_have_ids_of_their_own_and_lie_beside_each_other(dashboard: dict[str, Any]) -> None:
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for place in (panel["gridPos"] for panel in panels):
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert max(x for x, _ in cells) < WIDTH
        assert not cells & taken
        taken |= cells


@every
def test_a_panel_asks_the_source_that_was_chosen_and_says_what_is_normal(dashboard: dict[str, Any]) -> None:
    assert [each["type"] for each in dashboard["templating"]["list"] if each["name"] == "datasource"] == ["datasource"]
    for panel in (panel for panel in dashboard["panels"] if panel["type"] != "row"):
        assert panel["datasource"] == SOURCE
        assert [target["datasource"] for target in panel["targets"]] == [SOURCE] * len(panel["targets"])
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
        assert panel["description"]


@every
def test_a_question_is_of_metrics_and_labels_that_there_are(dashboard: dict[str, Any]) -> None:
    asked = [expr for _, expr in questions(dashboard)]
    asked += [each["definition"] for each in dashboard["templating"]["list"] if "definition" in each]
    assert [named(expr) - set(declared()) for expr in asked if named(expr) - set(declared())] == []
    assert [(expr, wrong_labels(expr)) for expr in asked if wrong_labels(expr)] == []


@every
def test_promtool_reads_every_question(dashboard: dict[str, Any]) -> None:
    assert unreadable(expr for _, expr in questions(dashboard)) == ""


def test_promtool_tells_of_a_question_that_cannot_be_asked() -> None:
    assert "parse error" in unreadable(["sum by (le (milesaga_purchases)"])
