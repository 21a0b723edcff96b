"""A stopwatch on a clock that is set forwards and back."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.kernel.clock import Stopwatch


class Wound:
    def __init__(self) -> None:
        self.time = datetime(2026, 11, 21, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time


@pytest.mark.parametrize("step", [timedelta(seconds=1), timedelta(hours=3), timedelta(days=400)])
def test_a_clock_set_back_costs_no_more_than_the_time_between_two_looks(step: timedelta) -> None:
    clock = Wound()
    watch = Stopwatch(clock)
    clock.time += timedelta(seconds=7)
    assert watch.seconds() == 7
    clock.time -= step
    assert watch.seconds() == 7
    clock.time += timedelta(seconds=5)
    assert watch.seconds() == 12


def test_a_step_smaller_than_the_time_between_two_looks_costs_the_step() -> None:
    clock = Wound()
    watch = Stopwatch(clock)
    clock.time += timedelta(seconds=60) - timedelta(seconds=20)
    assert watch.seconds() == 40
