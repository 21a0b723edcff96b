"""The steps of one page, and how a row is judged."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.accepting.protocol import Duplicate, Stand, Watch, judge, settle
from shared.accepting.steps import Accepted, Found, Holds, Insert, ReadPages, ReadRows, Refused, Row, Save, Unit, Wanted

NOON = datetime(2027, 1, 20, 12, 0, tzinfo=UTC)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
ROW = Row("k", "same", "old", "p", NOON, NOON + DAY)
SAME, OTHER = Wanted("k", "same", "new", DAY), Wanted("k", "other", "new", DAY)


@pytest.mark.parametrize(
    ("thing", "holds", "after", "stand"),
    [
        (SAME, ("old", "x"), SECOND, Duplicate("old")),
        (OTHER, ("old", "x"), SECOND, "reused"),
        (SAME, ("x",), SECOND, "free"),
        (OTHER, (), SECOND, "free"),
        (SAME, None, 30 * SECOND - timedelta(microseconds=1), "in_flight"),
        (OTHER, None, SECOND, "in_flight"),
        (SAME, None, 30 * SECOND, "orphan"),
        (SAME, None, -40 * SECOND, "in_flight"),
        (SAME, ("old",), DAY, "free"),
        (OTHER, ("old",), DAY, "free"),
        (SAME, ("old",), DAY - SECOND, Duplicate("old")),
    ],
)
def test_a_row_is_judged_by_its_page(thing: Wanted, holds: Holds | None, after: timedelta, stand: Stand) -> None:
    assert judge(ROW, thing, holds, NOON + after) == stand


def _settle(units: list[Unit], *answers: Any) -> tuple[list[Any], Any]:
    """What was asked, and what came of it."""
    settling = settle("new page", units, Watch(lambda: NOON, lambda: 0.0))
    asked = [next(settling)]
    for answer in answers:
        try:
            asked.append(settling.send(answer))
        except StopIteration as end:
            return asked, end.value
    raise AssertionError(f"more is asked: {asked[-1]}")


def test_what_is_new_takes_two_writes() -> None:
    unit = Unit((SAME,))
    asked, outcomes = _settle([unit], frozenset(), ("new",))
    assert asked == [
        Insert((Row("k", "same", "new", "new page", NOON, NOON + DAY),)),
        Save("new page", ("new",)),
    ]
    assert outcomes == {unit: Accepted({"k": ("new", "accepted")})}


def test_a_page_of_nothing_but_duplicates_is_not_saved() -> None:
    unit = Unit((SAME,))
    asked, outcomes = _settle([unit], frozenset({"k"}), {"k": Found(ROW, 1)}, {"p": ("old",)})
    assert asked[1:] == [ReadRows(("k",)), ReadPages(("p",))]
    assert outcomes == {unit: Accepted({"k": ("old", "duplicate")})}


def test_a_unit_with_a_reused_key_is_refused_whole_and_its_rows_are_free_at_once() -> None:
    unit = Unit((OTHER, Wanted("l", "x", "l1", DAY)))
    asked, outcomes = _settle([unit], frozenset({"k"}), {"k": Found(ROW, 1)}, {"p": ("old",)}, ())
    assert asked[-1] == Save("new page", ())
    assert outcomes == {unit: Refused("k", "reused")}


def test_a_neighbours_refusal_is_nobody_elses() -> None:
    refused, fine = Unit((OTHER,)), Unit((Wanted("l", "x", "l1", DAY),))
    asked, outcomes = _settle([refused, fine], frozenset({"k"}), {"k": Found(ROW, 1)}, {"p": ("old",)}, ("l1",))
    assert asked[-1] == Save("new page", ("l1",))
    assert outcomes == {refused: Refused("k", "reused"), fine: Accepted({"l": ("l1", "accepted")})}


def test_a_page_that_somebody_closed_accepts_nothing() -> None:
    unit = Unit((SAME,))
    _, outcomes = _settle([unit], frozenset(), ())
    assert outcomes == {unit: Refused("k", "in_flight")}
