"""The tests that touch dates, on days that are not today: `python -m tests.any_day`, or `--some 3` for three of the
days, others every day.

The clock of the tests alone is moved, by the system package `faketime`: never the machine's, and not the monotonic one,
by which event loops and time-outs go.
"""

import argparse
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

SUITES = (
    "tests/unit",
    "tests/saga",
    "tests/contract/airline",
    "tests/contract/gateway",
    "tests/contract/loyalty",
    "tests/component/sandbox",
    "tests/component/offers",
    "tests/component/cart",
    "tests/component/ticketing",
    "tests/component/payment",
    "tests/component/miles",
    "tests/component/web",
)
"""What needs no broker."""

BRIEF = ("tests/unit", "tests/saga", "tests/contract/loyalty", "tests/component/offers")
"""So few that three days of them take a couple of minutes."""


TIMELESS = (
    "tests/unit/worker/test_histories.py",
    "tests/unit/accepting/test_histories.py",
    "tests/unit/releases/test_histories.py",
    "tests/unit/rules",
    "tests/unit/segments",
    "tests/unit/deploy",
    "tests/unit/bench",
)
"""Long, and of no time, or of one that the test itself makes; or of that at which a file was written, which the
machine's clock says."""


@dataclass(frozen=True)
class Day:
    """A moment at which the tests begin, and the zone that the machine is taken to stand in."""

    name: str
    begins: datetime
    zone: str = "UTC"


def days(today: datetime) -> list[Day]:
    """A dozen, seen from `today`. The clocks change a minute after the tests begin."""
    soon = [
        Day("tomorrow" if ahead == 1 else f"in {ahead} days", today + timedelta(days=ahead))
        for ahead in (1, 5, 37, 200)
    ]
    evening = (today + timedelta(days=1)).astimezone(ZoneInfo("America/Sao_Paulo")).replace(hour=23, minute=30)
    return [
        *soon,
        Day("the day before a leap day", datetime(2028, 2, 28, 15, 0, tzinfo=UTC)),
        Day("a leap day", datetime(2028, 2, 29, 15, 0, tzinfo=UTC)),
        Day("a new year's eve", datetime(2027, 12, 31, 23, 59, tzinfo=UTC)),
        Day("summer time begins in Lisbon", datetime(2027, 3, 28, 0, 59, tzinfo=UTC), "Europe/Lisbon"),
        Day("summer time ends in Lisbon", datetime(2027, 10, 31, 0, 59, tzinfo=UTC), "Europe/Lisbon"),
        Day("summer time begins in New York", datetime(2027, 3, 14, 6, 59, tzinfo=UTC), "America/New_York"),
        Day("summer time ends in New York", datetime(2027, 11, 7, 5, 59, tzinfo=UTC), "America/New_York"),
        Day("half past eleven at night in Sao Paulo", evening, "America/Sao_Paulo"),
    ]


def some(all_days: Sequence[Day], number: int, today: datetime) -> list[Day]:
    """`number` of the days; in a few days every one has its turn."""
    first = today.toordinal() * number
    return [all_days[(first + place) % len(all_days)] for place in range(number)]


def passes(day: Day, suites: Sequence[str], workers: int) -> bool:
    """Run the suites on that day."""
    ahead = int(day.begins.timestamp() - time.time())
    faked = {
        "TZ": day.zone,
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",  # or every compiled module would look outdated, today and then
    }
    with tempfile.TemporaryDirectory() as scratch:  # pytest's own folders are tidied up by their age
        tests = [sys.executable, "-m", "pytest", "-q", "-n", str(workers), "--dist", "loadfile"]
        patient = ["-p", "tests.any_day", "--timeout", "300"]  # a moved clock is slow to read
        ignored = [f"--ignore={path}" for path in TIMELESS]
        places = ["-p", "no:cacheprovider", "--basetemp", f"{scratch}/tests", *ignored, *suites]
        command = ["faketime", "-f", f"{ahead:+d}s", *tests, *patient, *places]
        return subprocess.run(command, env=os.environ | faked, check=False).returncode == 0


def pytest_configure() -> None:
    """This module is also the plugin of the tests it runs: faketime refuses the absolute monotonic time until which
    Python sleeps (EINVAL), and leaves `select` alone."""

    def sleep(seconds: float) -> None:
        select.select((), (), (), seconds)

    time.sleep = sleep  # type: ignore[assignment]


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--some", type=int, metavar="N", help="N of the days, chosen by today's, and fewer tests")
    options.add_argument("--workers", type=int, default=3)
    asked = options.parse_args()
    today = datetime.now(UTC)
    chosen = days(today) if asked.some is None else some(days(today), asked.some, today)
    failed = []
    for day in chosen:
        print(f"{day.name}: {day.begins.astimezone(ZoneInfo(day.zone)).isoformat(timespec='minutes')}", flush=True)
        if not passes(day, SUITES if asked.some is None else BRIEF, asked.workers):
            failed.append(day.name)
    print(f"failed: {'; '.join(failed)}" if failed else f"green on {len(chosen)} days")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
