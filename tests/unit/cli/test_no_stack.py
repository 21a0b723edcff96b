"""Every command where no stack runs: one sentence, one exit code."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import typer
from typer.testing import CliRunner

from services.cli.main import COMMANDS, app
from services.cli.ports import free_ports

NEEDS_A_STACK: Final = {
    "purchases list": (),
    "purchases show": ("p1",),
    "purchases ask": ("p1",),
    "timers list": (),
    "timers move": ("p1", "ask", "now"),
    "timers cancel": ("p1", "ask"),
    "dead list": (),
    "dead show": ("m1",),
    "dead retry": ("--all",),
    "dead discard": ("m1", "--yes"),
    "topology show": (),
    "topology plan": (),
    "topology apply": (),
    "topology adopt": ("--yes",),
    "partners add": ("acme",),
    "partners remove": ("known",),
    "audit": (),
    "status": (),
    "hub apply": ("examples/hub_bus.yaml",),
    "hub diff": ("examples/hub_bus.yaml",),
    "hub rollback": ("fuel", "1"),
    "hub list": (),
    "hub send": ("examples/hub_event.json", "--partner", "coles"),
    "hub check": ("examples/hub_event.json", "--partner", "coles"),
    "hub trace": ("coles", "4711"),
    "hub route": ("01948f0c-2a00-7000-8000-000000000001",),
    "hub tail": (),
    "hub feed": ("history/own",),
    "hub listen": ("history/own", "--forward", "http://127.0.0.1:9/"),
    "hub targets list": (),
    "hub targets show": ("fuel/books",),
    "hub targets rotate": ("fuel/books",),
    "hub targets pause": ("fuel/books",),
    "hub targets resume": ("fuel/books",),
    "hub targets test": ("fuel/books",),
    "hub targets verify": ("fuel/books",),
    "hub targets keys": ("fuel/books",),
    "hub targets deliveries": ("fuel/books",),
    "hub targets skip": ("fuel/books", "7"),
    "hub sealing": (),
    "hub dead list": ("fuel/books",),
    "hub dead show": ("fuel/books", "4f2a90c1d7be"),
    "hub dead redrive": ("fuel/books", "--all"),
    "hub dead discard": ("fuel/books", "--all", "--yes"),
    "hub backtest": ("examples/hub_bus.yaml",),
    "hub backtests list": (),
    "hub backtests show": ("01984f2a-90c1-7d7b-8e01-0123456789ab",),
    "hub backtests pause": ("01984f2a-90c1-7d7b-8e01-0123456789ab",),
    "hub backtests resume": ("01984f2a-90c1-7d7b-8e01-0123456789ab",),
    "hub backtests cancel": ("01984f2a-90c1-7d7b-8e01-0123456789ab",),
    "hub replay start": ("again", "--target", "fuel/books", "--from", "-1h"),
    "hub replay list": (),
    "hub replay show": ("again",),
    "hub replay pause": ("again",),
    "hub replay resume": ("again",),
    "hub replay rate": ("again", "7"),
    "hub replay cancel": ("again",),
    "hub archive find": (),
    "hub archive export": ("-",),
    "hub archive stats": (),
    "hub archive verify": (),
    "release log show": (),
    "release log checkpoint": (),
    "release log export": ("log.jsonl",),
    "release log receipt": ("1", "receipt.json"),
    "release log verify": (),
    "release request": ("--action", "deploy", "--environment", "test", "--target", "cart", "--reason", "r"),
    "release list": (),
    "release show": ("r1",),
    "release approve": ("r1",),
    "release deny": ("r1", "--reason", "r"),
    "release withdraw": ("r1",),
    "release revoke": ("r1", "--reason", "r"),
    "release break-glass": ("r1", "--incident", "i", "--reason", "r"),
    "release review": ("r1", "accepted", "--reason", "r"),
    "release record": ("x1", "--exit-code", "0"),
    "release freeze": ("--reason", "r"),
    "release lift": ("f1",),
    "release deactivate": ("ana", "--reason", "r"),
}
NEEDS_NONE: Final = {
    "run",
    "demo",
    "bench",
    "documents",
    "partners list",
    "config list",
    "config check",
    "deploy kubernetes",
    "deploy compose",
    "deploy grafana",
    "deploy secrets",
    "backup",
    "hub clients",
    "restore",
    "hub match",
    "hub convert",
    "release act",
    "release gate",
    "release policy check",
}
"""They start what they need, or read a file or the environment; what waits for others has the gate's exit codes."""

KNOWN: Final = '{"partners": {"known": {"members": "any", "password_hash": "x"}}}'


def every_command() -> set[str]:
    found: set[str] = set()
    for name, lazy in COMMANDS.items():
        command = getattr(importlib.import_module(lazy.module), lazy.name)
        found |= set(below(name, command)) if isinstance(command, typer.Typer) else {name}
    return found


def below(name: str, group: typer.Typer) -> Iterator[str]:
    yield from (f"{name} {each.name}" for each in group.registered_commands)
    for inner in group.registered_groups:
        if inner.typer_instance is not None:
            yield from below(f"{name} {inner.name}", inner.typer_instance)


def test_every_command_is_known_here() -> None:
    assert every_command() == set(NEEDS_A_STACK) | NEEDS_NONE


@pytest.mark.parametrize("place", ["a home without a stack", "a home whose stack was killed", "other addresses"])
@pytest.mark.parametrize("command", NEEDS_A_STACK)
def test_a_command_without_a_stack_is_one_sentence_and_exit_code_2(
    command: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (port,) = free_ports(1)
    http, amqp = f"http://127.0.0.1:{port}", f"amqp://user:secret@127.0.0.1:{port}/milesaga"
    for name in ("MILESAGA_URL", "MILESAGA_TOKEN", "BROKER_URL", "PARTNERS_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MILESAGA_HOME", str(tmp_path))
    (tmp_path / "partners.json").write_text(KNOWN)
    if place == "a home whose stack was killed":
        (tmp_path / "http.url").write_text(http)
        (tmp_path / "broker.url").write_text(amqp)
    if place == "other addresses":
        monkeypatch.setenv("MILESAGA_URL", http)
        monkeypatch.setenv("BROKER_URL", amqp)
    result = CliRunner().invoke(app, [*command.split(), *NEEDS_A_STACK[command]])
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    (sentence,) = result.stderr.splitlines()
    assert "start the stack with `milesaga run`" in sentence
    assert "secret" not in sentence
    assert (tmp_path / "partners.json").read_text().count("acme") == 0
