"""The story of releases, as a user plays it: each of its claims is checked by the demonstration itself."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

import pymongo
import pytest

from tests.e2e.test_demo import COMMAND, ENVIRONMENT, processes_of
from tests.engines import running_mongod
from tests.kit.stack import REPOSITORY
from tests.patience import PLAYED

SHOWN = (
    "the deployer presses approve and is refused",
    "it ran the hashed copy",
    "without effect: the log has not grown",
    "exit 95",
    "exit 91",
    "exit 94",
    "everybody in the channel is called",
    "the review is overdue",
    "entries of the log hold",
    "the entry is named",
    "Done after",
)


def played(home: Path, environment: Mapping[str, str]) -> None:
    """The whole story, and nothing of it left running."""
    done = subprocess.run(
        [*COMMAND, str(home), "--releases"],
        cwd=REPOSITORY,
        env=ENVIRONMENT | dict(environment),
        capture_output=True,
        text=True,
        timeout=PLAYED,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for shown in SHOWN:
        assert shown in done.stdout
    assert processes_of(home) == []


@pytest.mark.timeout(600)
def test_the_story_of_releases_is_played_and_leaves_nothing_running(own_home: Path) -> None:
    played(own_home, {})


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_story_of_releases_is_played_twice_on_mongodb(own_home: Path, tmp_path: Path) -> None:
    with running_mongod(tmp_path / "mongo") as server:
        for _ in range(2):
            played(own_home, {"MONGODB_URL": server.url})
        with pymongo.MongoClient[dict[str, object]](server.url) as client:
            assert any("releases" in name for name in client.list_database_names()), "it was kept there"
