"""A replay alone takes what there is; beside live events it sends a little, and stands back."""

import math

import pytest

from services.archive.cases.courtesy import (
    COMES,
    COMPUTES,
    MOMENT,
    MOMENT_BESIDE,
    MOST,
    MOST_BESIDE,
    STANDS_BACK,
    Courtesy,
)


@pytest.mark.parametrize("since", [math.inf, COMES])
def test_alone_it_takes_what_there_is(since: float) -> None:
    alone = Courtesy(lambda: since)
    assert (alone.most, alone.moment, alone.rest(0.5, 0.5)) == (MOST, MOMENT, 0.0)


def test_beside_live_events_it_has_a_small_part_of_the_time() -> None:
    beside = Courtesy(lambda: COMES / 2)
    assert (beside.most, beside.moment) == (MOST_BESIDE, MOMENT_BESIDE)
    assert beside.rest(sending=0.5) == STANDS_BACK * 0.5
    assert beside.rest(computing=0.5) == COMPUTES * 0.5
    assert MOST_BESIDE < MOST
    assert MOMENT_BESIDE < MOMENT
