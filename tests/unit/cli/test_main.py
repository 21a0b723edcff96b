"""The command itself: what it is called with on the top."""

import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.main import COMMANDS, app
from shared.runtime.version import VERSION

REPOSITORY = Path(__file__).parents[3]


def test_the_version_is_told_in_one_line() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"milesaga {VERSION}\n")


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("milesaga purch", {"purchases"}),
        ("milesaga ", set(COMMANDS)),
        ("milesaga dead ", {"list", "show", "retry", "discard"}),
        ("milesaga purchases list --lim", {"--limit"}),
    ],
)
def test_shells_complete_commands_and_their_options(words: str, offered: set[str]) -> None:
    environment = {"_MILESAGA_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    result = CliRunner().invoke(app, [], prog_name="milesaga", env=environment)
    assert set(result.stdout.split()) == offered, result.output


def test_make_tells_every_target_that_people_use() -> None:
    told = subprocess.run(["make", "-s", "help"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^([a-z0-9-]+):(?!=)", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    assert {line.split()[0] for line in told.splitlines()} == {each for each in targets if not each.startswith("setup")}
