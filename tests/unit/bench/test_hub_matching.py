"""What is measured of matching is measured on rules that match, and void where the index misses one."""

import pytest

from shared.rules.index import Index
from tests.bench import hub_matching
from tests.bench.children import Failed

SMALL = ((61, 61), (122, 61))


def test_the_figures_are_of_both_ways_and_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_matching, "SIZES", SMALL)
    told: list[str] = []
    figures = {figure.name: figure for figure in hub_matching.measure(told.append, rounds=2)}
    assert told == ["match_61_rules", "match_122_rules"] * 2
    assert set(figures) == {
        *(f"match_{rules}_rules_{what}" for rules, _ in SMALL for what in ("by_index", "in_turn", "tried")),
        "match_growth",
    }
    assert len(figures["match_61_rules_by_index"].runs) == 2
    assert figures["match_61_rules_tried"].value == 1


def test_a_missed_match_makes_them_void(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_matching, "SIZES", SMALL)
    found = Index.match
    monkeypatch.setattr(Index, "match", lambda self, document: found(self, document)[:-1])
    with pytest.raises(Failed):
        hub_matching.measure(lambda _: None, rounds=1)
