"""Counters of several processes, added and subtracted."""

from tests.kit.counts import Counts

BEFORE = """\
# TYPE milesaga_saves_total counter
milesaga_saves_total{service="cart",operation="save"} 3
milesaga_saves_total{service="cart",operation="get"} 9
# TYPE milesaga_waiting gauge
milesaga_waiting{service="cart"} 7
"""
AFTER = """\
# TYPE milesaga_saves_total counter
milesaga_saves_total{service="cart",operation="save"} 5
milesaga_saves_total{service="cart",operation="get"} 9
milesaga_saves_total{service="miles",operation="save"} 1
# TYPE milesaga_waiting gauge
milesaga_waiting{service="cart"} 8
"""
OTHER = """\
# TYPE milesaga_seconds histogram
milesaga_seconds_bucket{service="cart",le="+Inf"} 4
milesaga_seconds_sum{service="cart"} 2.5
milesaga_seconds_count{service="cart"} 4
# TYPE milesaga_saves_total counter
milesaga_saves_total{service="miles",operation="save"} 2
"""


def test_what_was_added_is_told_by_a_label() -> None:
    added = Counts.of([AFTER]).since(Counts.of([BEFORE]))
    assert added.by("service", "saves_total") == {"cart": 2, "miles": 1}
    assert added.by("operation", "saves_total", service="cart") == {"save": 2}


def test_processes_are_added_up() -> None:
    both = Counts.of([AFTER, OTHER])
    assert both.by("service", "saves_total", operation="save") == {"cart": 5, "miles": 3}
    assert both.by("service", "seconds_count") == {"cart": 4}


def test_a_gauge_counts_nothing() -> None:
    assert Counts.of([AFTER]).by("service", "waiting") == {}
