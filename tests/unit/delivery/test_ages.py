"""How long the oldest copy has waited, as far as it was seen."""

from datetime import UTC, datetime, timedelta

from services.delivery.domain.ages import MOST, RETURNS, Ages

NOW = datetime(2027, 1, 20, 10, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_where_nothing_came_and_nothing_waits_there_is_no_age() -> None:
    assert Ages().oldest(0, NOW) == timedelta(0)


def test_the_oldest_of_those_that_came_and_have_not_ended_counts() -> None:
    ages = Ages()
    for name, minutes in (("a", 5), ("b", 9), ("c", 2)):
        ages.came(name, NOW - minutes * MINUTE, NOW)
    assert ages.oldest(0, NOW) == 9 * MINUTE
    ages.ended("b")
    assert ages.oldest(7, NOW) == 5 * MINUTE
    for name in "acx":
        ages.ended(name)
    assert ages.oldest(0, NOW) == timedelta(0)


def test_a_copy_that_comes_again_is_as_old_as_before() -> None:
    ages = Ages()
    ages.came("a", NOW, NOW)
    ages.came("a", NOW, NOW + 30 * MINUTE)
    assert ages.oldest(0, NOW + 40 * MINUTE) == 40 * MINUTE


def test_what_lies_in_a_queue_that_nobody_reads_counts_from_the_first_look() -> None:
    ages = Ages()
    assert ages.oldest(3, NOW) == timedelta(0)
    assert ages.oldest(3, NOW + 7 * MINUTE) == 7 * MINUTE
    assert ages.oldest(0, NOW + 8 * MINUTE) == timedelta(0)
    assert ages.oldest(1, NOW + 9 * MINUTE) == timedelta(0)


def test_once_one_of_them_comes_its_own_time_counts() -> None:
    ages = Ages()
    ages.oldest(3, NOW)
    ages.came("a", NOW - 60 * MINUTE, NOW + MINUTE)
    assert ages.oldest(2, NOW + MINUTE) == 61 * MINUTE
    ages.ended("a")
    assert ages.oldest(2, NOW + 2 * MINUTE) == timedelta(0)


def test_copies_that_somebody_took_out_of_a_tier_or_a_queue_are_forgotten_when_they_should_be_here_again() -> None:
    ages = Ages()
    ages.came("a", NOW, NOW)
    assert ages.oldest(0, NOW + RETURNS - MINUTE) == RETURNS - MINUTE
    assert ages.oldest(1, NOW + RETURNS) == RETURNS, "it may be the one that waits"
    assert ages.oldest(0, NOW + RETURNS) == timedelta(0)


def test_a_clock_that_is_behind_the_hubs_makes_no_age_below_zero() -> None:
    ages = Ages()
    ages.came("a", NOW + MINUTE, NOW)
    assert ages.oldest(0, NOW) == timedelta(0)


def test_so_many_are_remembered_those_that_came_first() -> None:
    ages = Ages()
    for number in range(MOST + 10):
        ages.came(str(number), NOW + number * timedelta(seconds=1), NOW)
    for number in range(MOST):
        ages.ended(str(number))
    assert ages.oldest(0, NOW + timedelta(days=1)) == timedelta(0)
