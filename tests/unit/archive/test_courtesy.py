"""A replay alone takes what there is; beside live events it sends a little, and stands back."""

import math

import pytest

from services.archive.cases.courtesy import COMES, MOST, MOST_BESIDE, STANDS_BACK, Courtesy


@pytest.mark.parametrize("since", [math.inf, COMES])
def test_alone_it_takes_what_there_is(since: float) -> None:
    alone = Courtesy(lambda: since)
    assert (alone.most, alone.rest(0.5)) == (MOST, 0.0)


def test_beside_live_events_it_has_a_small_part_of_the_time() -> None:
    beside = Courtesy(lambda: COMES / 2)
    assert (beside.most, beside.rest(0.5)) == (MOST_BESIDE, STANDS_BACK * 0.5)
    assert MOST_BESIDE < MOST
