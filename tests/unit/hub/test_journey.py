"""What became of an event at each target, live and by replays, from what is on record of it."""

from datetime import UTC, datetime, timedelta

import pytest

from services.hub.domain.journey import Leg, legs
from shared.contracts.archive import Attempt, RoutedCopy
from shared.contracts.buses import BusTerms

BEGAN = datetime(2027, 1, 20, 10, tzinfo=UTC)
BUSES = {
    "fuel": BusTerms.model_validate(
        {"partner": "coles", "targets": {"bi": {"webhook": "https://bi.example/"}, "books": {"queue": True}}}
    )
}


def routed(target: str = "bi", *, shadow: bool = False) -> RoutedCopy:
    return RoutedCopy(hubid="0190", bus="fuel", revision=3, rules=("all",), target=target, shadow=shadow)


def attempt(outcome: str, minute: int, replay: str | None = None) -> Attempt:
    return Attempt.model_validate(
        {
            "deliveryid": f"msg_{replay or 'live'}",
            "hubid": "0190",
            "bus": "fuel",
            "target": "bi",
            "at": BEGAN + timedelta(minutes=minute),
            "ms": 5,
            "attempt": 1,
            "outcome": outcome,
            "replay": replay,
        }
    )


def shown(found: list[Leg]) -> list[tuple[str, int | None, str, str | None, int]]:
    return [(each.target, each.revision, each.state, each.replay, len(each.attempts)) for each in found]


def test_a_copy_that_a_replay_alone_has_sent_is_there() -> None:
    assert shown(legs([], [attempt("delivered", 1, "again")], BUSES)) == [("bi", None, "delivered", "again", 1)]


@pytest.mark.parametrize("live", ["delivered", "dead"])
def test_a_replay_decides_nothing_of_the_live_copy(live: str) -> None:
    tried = [
        attempt("failed", 3, "again"),
        attempt(live, 1),
        attempt("failed", 2, "again"),
        attempt("dead", 4, "other"),
    ]
    assert shown(legs([routed()], tried, BUSES)) == [
        ("bi", 3, live, None, 1),
        ("bi", None, "tried", "again", 2),
        ("bi", None, "dead", "other", 1),
    ]


def test_what_was_not_tried_is_as_its_target_is() -> None:
    copies = [routed(), routed("books"), routed("gone"), routed(shadow=True)]
    assert [each.state for each in legs(copies, [], BUSES)] == ["waiting", "in_queue", "waiting", "counted"]


def test_an_attempt_whose_routing_is_not_on_record_is_shown_all_the_same() -> None:
    assert shown(legs([], [attempt("delivered", 1)], BUSES)) == [("bi", None, "delivered", None, 1)]


def test_a_rule_that_only_counts_has_no_part_in_what_was_sent() -> None:
    found = legs([routed(shadow=True), routed()], [attempt("delivered", 1)], BUSES)
    assert [(each.state, len(each.attempts)) for each in found] == [("counted", 0), ("delivered", 1)]
