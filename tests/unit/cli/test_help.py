"""What every command's `--help` ends with."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from services.cli.examples import EXAMPLES, leaves
from services.cli.main import COMMANDS, app


def found() -> Iterator[tuple[str, Any]]:
    group: Any = get_command(app)
    for name in COMMANDS:
        yield from leaves(name, group.resolve_command(group.context_class(group), [name])[1])


COMMANDS_BY_WORDS = dict(found())


def test_each_command_has_a_line_and_no_line_is_of_another() -> None:
    assert sorted(EXAMPLES) == sorted(COMMANDS_BY_WORDS)


@pytest.mark.parametrize("words", EXAMPLES)
def test_a_line_is_one_that_its_command_takes(words: str) -> None:
    command = COMMANDS_BY_WORDS[words]
    context = command.context_class(command)
    given, _, _ = command.make_parser(context).parse_args(shlex.split(EXAMPLES[words].partition("<")[0]))
    missing = [each.name for each in command.params if each.required and each.name not in given]
    assert missing == []


def test_help_shows_it() -> None:
    shown = CliRunner().invoke(app, ["hub", "replay", "rate", "--help"])
    assert "Such as: milesaga hub replay rate again 50" in shown.output
