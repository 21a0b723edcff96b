"""Which days the tests are run on."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.any_day import Day, days, some

TODAY = datetime(2026, 11, 26, 20, 0, tzinfo=UTC)


def test_a_dozen_days_come_all_in_four_when_three_are_run_a_day() -> None:
    met = [day.name for later in range(4) for day in some(days(TODAY), 3, TODAY + timedelta(days=later))]
    assert sorted(met) == sorted(day.name for day in days(TODAY))
    assert len(set(met)) == 12


@pytest.mark.parametrize(
    "day", [day for day in days(TODAY) if day.name.startswith("summer time")], ids=lambda day: day.name
)
def test_clocks_change_while_the_tests_run(day: Day) -> None:
    zone = ZoneInfo(day.zone)
    before, after = (
        (day.begins + later).astimezone(zone).utcoffset() for later in (timedelta(0), timedelta(minutes=2))
    )
    assert before != after


def test_an_evening_in_sao_paulo_is_the_next_day_in_utc() -> None:
    evening = days(TODAY)[-1]
    assert evening.begins.astimezone(UTC).date() > evening.begins.date()
