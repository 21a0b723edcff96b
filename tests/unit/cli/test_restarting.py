"""When a process that ended is started again."""

import pytest

from services.cli.restarting import LONGEST_PAUSE, STEADY, WRONG_SETTINGS, Restarts

KILLED = -9


def pauses(lives: list[float], code: int = KILLED) -> list[float | None]:
    """After each of so many lives, of so many seconds, of a process that was ready once."""
    restarts, found = Restarts().ready(), []
    for lived in lives:
        restarts, pause = restarts.ended(code, lived)
        found.append(pause)
    return found


def test_a_process_that_dies_again_and_again_is_left_alone_for_longer_each_time() -> None:
    assert pauses([1.0] * 8) == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


def test_the_pause_has_a_bound_however_often_it_dies() -> None:
    assert pauses([1.0] * 3000)[-1] == LONGEST_PAUSE


def test_a_long_life_makes_the_short_ones_before_it_forgotten() -> None:
    assert pauses([1.0, 1.0, 1.0, STEADY, 1.0]) == [0.5, 1.0, 2.0, 0.5, 1.0]


@pytest.mark.parametrize("code", [0, 1, 143, KILLED])
def test_one_that_was_ready_is_started_again_however_it_ended(code: int) -> None:
    assert pauses([STEADY], code) == [0.5]


def test_one_that_cannot_run_is_not_started_again() -> None:
    assert pauses([STEADY], WRONG_SETTINGS) == [None]


@pytest.mark.parametrize("code", [0, 1, KILLED])
def test_one_that_was_never_ready_is_not_started_again(code: int) -> None:
    _, pause = Restarts().ended(code, 1.0)
    assert pause is None
