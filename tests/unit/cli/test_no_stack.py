"""Where no stack runs, every command says the same sentence and exits with the same code."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.absence import NO_STACK
from services.cli.main import app

COMMANDS = (
    ("purchases", "list"),
    ("purchases", "show", "p"),
    ("purchases", "ask", "p"),
    ("timers", "list"),
    ("timers", "cancel", "p", "ask"),
    ("audit",),
    ("dead", "list"),
    ("dead", "retry", "--all"),
    ("topology", "show"),
    ("topology", "apply"),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_over_an_empty_home(command: tuple[str, ...], tmp_path: Path) -> None:
    environment = {"MILESAGA_HOME": str(tmp_path), "MILESAGA_URL": None, "BROKER_URL": None}
    said = CliRunner(env=environment).invoke(app, command)
    assert said.exit_code == NO_STACK
    (sentence,) = said.stderr.splitlines()
    assert sentence.startswith(f"Nothing answers at {tmp_path}: start the stack with `milesaga run`")
    assert said.stdout == ""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_over_a_home_whose_stack_is_gone(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "http.url").write_text("http://127.0.0.1:1")
    (tmp_path / "broker.url").write_text("amqp://guest:guest@127.0.0.1:1/")
    environment = {"MILESAGA_HOME": str(tmp_path), "MILESAGA_URL": None, "BROKER_URL": None}
    said = CliRunner(env=environment).invoke(app, command)
    assert said.exit_code == NO_STACK
    (sentence,) = said.stderr.splitlines()
    assert sentence.startswith("Nothing answers at ")
