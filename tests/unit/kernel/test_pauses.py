"""Pauses grow up to the longest, however often something is repeated."""

from datetime import timedelta

import pytest

from shared.kernel.pauses import growing

SECOND = timedelta(seconds=1)


def test_a_pause_doubles_up_to_the_longest() -> None:
    pauses = [growing(SECOND, 2, 10 * SECOND, repeats) for repeats in range(7)]
    assert [pause.total_seconds() for pause in pauses] == [1, 2, 4, 8, 10, 10, 10]


@pytest.mark.parametrize("growth", [1, 1.000001, 1.3, 2, 10, 1e300])
@pytest.mark.parametrize("first", [timedelta(microseconds=1), SECOND, timedelta(days=30)])
@pytest.mark.parametrize("longest", [10 * SECOND, timedelta(days=7), timedelta.max])
def test_no_number_of_repetitions_overflows(growth: float, first: timedelta, longest: timedelta) -> None:
    before = timedelta(0)
    for repeats in (0, 1, 2, 36, 40, 60, 1023, 1024, 10**6, 10**18):
        pause = growing(first, growth, longest, repeats)
        assert before <= pause <= longest
        before = pause


def test_without_growth_every_pause_is_the_first() -> None:
    assert growing(SECOND, 1, 10 * SECOND, 10**6) == SECOND


def test_a_first_pause_beyond_the_longest_is_cut() -> None:
    assert growing(20 * SECOND, 2, 10 * SECOND, 3) == 10 * SECOND
