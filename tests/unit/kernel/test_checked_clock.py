"""A clock beside others': how far off it is, at once when it is set, and whatever the journey of a reading cost."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.kernel.clock import CheckedClock, far_off

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Machine:
    """A machine whose clock can be set, while its counter only counts."""

    def __init__(self) -> None:
        self.time = NOW
        self.counted = 0.0

    def now(self) -> datetime:
        return self.time

    def counter(self) -> float:
        return self.counted

    def pass_by(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)
        self.counted += seconds

    def checked(self) -> CheckedClock:
        return CheckedClock(self, counter=self.counter)


@pytest.mark.parametrize("days", [-400, -1, 1, 400, 3000])
def test_a_clock_that_is_days_apart_is_far_off(days: int) -> None:
    clock = Machine().checked()
    clock.compare("store", NOW - timedelta(days=days), 0.01)
    assert clock.far_off
    assert round(clock.offset / timedelta(days=1)) == days


@pytest.mark.parametrize(
    ("seconds", "doubtful", "far"),
    [(0, False, False), (4, False, False), (6, True, False), (59, True, False), (61, True, True)],
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_bounds_are_five_seconds_and_sixty(seconds: int, sign: int, *, doubtful: bool, far: bool) -> None:
    clock = Machine().checked()
    clock.compare("store", NOW + timedelta(seconds=sign * seconds), 0.0)
    assert (clock.doubtful, clock.far_off, far_off(clock)) == (doubtful, far, far)


def test_what_a_slow_answer_leaves_open_is_no_distance() -> None:
    clock = Machine().checked()
    clock.compare("store", NOW - timedelta(seconds=10), 20.0)
    assert clock.offset == timedelta()
    clock.compare("store", NOW - timedelta(seconds=100), 20.0)
    assert clock.offset == timedelta(seconds=80)


@pytest.mark.parametrize("step", [timedelta(days=365), timedelta(minutes=-11), timedelta(seconds=61)])
@pytest.mark.parametrize("compared", [True, False])
def test_a_step_is_known_before_anybody_is_asked_again(step: timedelta, *, compared: bool) -> None:
    machine = Machine()
    clock = machine.checked()
    if compared:
        clock.compare("store", NOW, 0.0)
    machine.pass_by(7200)
    assert not clock.doubtful
    machine.time += step
    assert clock.far_off
    assert clock.offset == step
    machine.time -= step
    assert not clock.doubtful


def test_one_of_several_that_is_far_apart_is_enough() -> None:
    clock = Machine().checked()
    clock.compare("near", NOW, 0.0)
    clock.compare("far", NOW + timedelta(hours=1), 0.0)
    assert clock.far_off
    clock.compare("far", NOW, 0.0)
    assert not clock.doubtful


def test_a_clock_that_nobody_checks_is_taken_as_it_is() -> None:
    assert not far_off(Machine())
