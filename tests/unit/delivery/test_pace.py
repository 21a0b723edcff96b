"""How fast copies go to an endpoint."""

import math
from random import Random

import pytest

from services.delivery.domain.pace import Pace


def sent(pace: Pace, seconds: float, *, begin: float = 0.0) -> int:
    """How many go out, where somebody asks as soon as it is worth it and nothing stays under way."""
    count, now = 0, begin
    while now < begin + seconds:
        delay = pace.take(now, 0)
        count += not delay
        now += delay
    return count


def test_a_hundred_at_five_a_second_take_about_twenty_seconds() -> None:
    pace, now = Pace(5, None, 8), 0.0
    for _ in range(100):
        while delay := pace.take(now, 0):
            now += delay
    assert 19 <= now <= 22


@pytest.mark.parametrize("rate", [1, 7, 50, 1_000])
def test_in_no_stretch_more_than_the_rate_and_the_burst(rate: int) -> None:
    random, pace, now = Random(rate), Pace(rate, 5, 8), 0.0
    times: list[float] = []
    for _ in range(2_000):
        now += random.random() * 3 / rate
        if not pace.take(now, 0):
            times.append(now)
    for first in range(0, len(times), 7):
        for last in range(first, min(first + 200, len(times))):
            assert last - first + 1 <= 5 + (times[last] - times[first]) * rate + 1e-6


def test_no_more_are_under_way_than_may_be() -> None:
    pace = Pace(None, None, 3)
    assert [pace.take(0, under_way) for under_way in range(5)] == [0, 0, 0, math.inf, math.inf]


def test_what_was_down_begins_at_a_tenth_and_doubles_every_five_seconds() -> None:
    pace = Pace(100, 1, 8)
    assert 495 <= sent(pace, 5) <= 505
    pace.slowly(5)
    seconds = [sent(pace, 5, begin=5 + 5 * n) for n in range(5)]
    for got, wanted in zip(seconds, (50, 100, 200, 400, 500), strict=True):
        assert abs(got - wanted) <= 6


def test_one_without_a_rate_begins_with_a_tenth_of_what_may_be_under_way() -> None:
    pace = Pace(None, None, 64)
    pace.slowly(0)
    most = [
        next(under_way for under_way in range(100) if pace.take(now, under_way)) for now in (0.0, 5.0, 10.0, 15.0, 20.0)
    ]
    assert most == [7, 13, 26, 52, 64]


def test_another_pace_begins_where_the_one_before_was() -> None:
    pace = Pace(10, 10, 8)
    assert sent(pace, 0.001) == 10
    pace.become(10, 20, 8, 0.5)
    assert sent(pace, 0.001, begin=0.5) == 5, "what came back since at the rate before, and no burst"
    pace.become(100, 2, 8, 9.0)
    assert sent(pace, 0.001, begin=9.0) == 2


def test_another_pace_hurries_no_endpoint_that_was_down() -> None:
    pace = Pace(None, None, 10)
    pace.slowly(0.0)
    pace.become(None, None, 20, 1.0)
    assert (pace.take(1.0, 1), pace.take(1.0, 2) > 0) == (0.0, True)
