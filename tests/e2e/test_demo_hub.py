"""The demonstration of partners' events, as a user starts it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.test_demo import ENVIRONMENT, demonstrated
from tests.kit.stack import REPOSITORY

COMMAND = [sys.executable, "-m", "services.cli.main", "demo", "--hub", "--home"]
SHOWN = (
    "bus fuel: ",
    "/57/data/total/amount",
    "each is a duplicate",
    "none twice",
    "571 webhooks at bi",
    "some came while crm was down, and came again",
    "it was sent little at first, and not all that waited",
    "the replay brings all of them, as they should have been",
    "one mail about receipt",
    "fuel/customers",
    "no segment is damaged",
    "events of partners: no difference",
)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("times", [1, pytest.param(2, marks=pytest.mark.long)])
def test_the_events_demonstration_succeeds_over_the_same_home_and_leaves_nothing_running(
    own_home: Path, times: int
) -> None:
    for _ in range(times):
        told = demonstrated([*COMMAND, str(own_home)], own_home)
        assert [words for words in SHOWN if words not in told] == []


def test_it_is_not_shown_over_containers() -> None:
    done = subprocess.run(
        [*COMMAND[:-1], "--compose"], cwd=REPOSITORY, env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "partners' events" in done.stderr
