"""What strangers wrote is shown as text by every command that prints: no markup, no order to the terminal, no crash."""

import io
import json
import sys
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import typer
from rich.table import Table
from typer.testing import CliRunner

from services.cli import audit, dead, printing, purchases, timers
from services.cli.client import Api
from shared.bus.arrival import Arrival
from shared.bus.dead_letters import DeadLetter
from tests.unit.cli.test_commands import BOOKS, CHECKOUT, TIMER, Stack

HOSTILE = [
    "[/bold]",
    "[red]p1[/nothing]",
    "[link=http://evil.example]here[/link]",
    ":smile:",
    "\x1b[2J\x1b]0;owned\x07",
    "\x9b31m",
    "a\rb\x00\x7f",
    "\u202egnp.exe",
    "\u2028line",
    "\ud800",
    "ana\n  purchase completed",
    "Ünïcödé ✔ 名",
]
OBEYED = ("\x1b", "\x9b", "\x07", "\x00", "\x7f", "\r", "\u202e", "\u2028", "\ud800")


@pytest.fixture(params=HOSTILE, ids=[ascii(text) for text in HOSTILE])
def text(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, text: str) -> Stack:
    scripted = Stack()
    refusal = {"step": text, "code": text, "detail": text}
    entry = {"position": 1, "at": "2026-11-21T12:00:00Z", "step": text, "status": text, "detail": text}
    checkout = CHECKOUT | {"member_id": text, "key": text, "cart_id": text, "locators": [text], "refusal": refusal}
    checkout |= {"status": "refused", "timeline": [entry], "timers": [TIMER | {"name": text}]}
    document = {"number": text, "kind": text, "reference": text, "status": "issued"}
    scripted.answers |= {
        ("GET", "/v1/operations/checkouts"): {"checkouts": [checkout], "next_cursor": None},
        ("GET", "/v1/operations/checkouts/p1"): checkout,
        ("GET", "/v1/operations/timers"): {"timers": [TIMER | {"name": text, "step": text}], "next_cursor": None},
        ("GET", "/sandbox/books"): BOOKS | {"tickets": [document]},
    }
    for module in (purchases, timers, audit):
        monkeypatch.setattr(module, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    monkeypatch.setattr(audit, "SECOND_LOOK", 0.0)
    monkeypatch.setattr(dead, "_on_broker", lambda _: [letter(text)])
    return scripted


def letter(text: str) -> DeadLetter:
    return DeadLetter(
        service="checkout",
        id=text,
        handle="0123456789ab",
        source=text,
        type=text,
        purchase_id=text,
        reason=text,
        exception=text,
        fingerprint=text,
        attempts=1,
        first_failed_at=datetime(2026, 11, 21, tzinfo=UTC),
        last_failed_at=None,
        is_cut=False,
        came=Arrival(exchange=text, routing_key=text, headers={}, sender=text),
        body=text.encode("utf-8", "replace"),
    )


def application(name: str) -> typer.Typer:
    if name != "audit":
        return {"purchases": purchases.app, "timers": timers.app, "dead": dead.app}[name]
    app = typer.Typer()
    app.command()(audit.run)
    return app


COMMANDS = [
    ("purchases", "list"),
    ("purchases", "show", "p1"),
    ("timers", "list"),
    ("audit",),
    ("dead", "list"),
    ("dead", "show", "x"),
]


@pytest.mark.parametrize("charset", ["utf-8", "ascii", "latin-1"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_shows_it_as_text(stack: Stack, text: str, command: tuple[str, ...], charset: str) -> None:
    assert stack is not None
    name, *arguments = command
    for more in ([], ["--json"]):
        result = CliRunner(charset=charset).invoke(application(name), [*arguments, *more], env={"COLUMNS": "300"})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.stdout
        shown = result.stdout_bytes.decode(charset)
        assert not [each for each in OBEYED if each in shown]
        if not more and text.startswith("[/bold]"):
            assert text in shown


def test_what_the_server_says_of_an_error_is_shown_as_text(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        return httpx.Response(409, content=json.dumps({"detail": text, "code": "x"}))

    monkeypatch.setattr(purchases, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(refuse)))
    result = CliRunner().invoke(purchases.app, ["show", "p1"])
    assert result.exit_code == 1
    assert not [each for each in OBEYED if each in result.stderr]


@pytest.mark.parametrize("charset", ["ascii", "latin-1", "cp1252", "shift_jis"])
def test_a_terminal_that_lacks_a_letter_shows_its_number(monkeypatch: pytest.MonkeyPatch, charset: str) -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding=charset)
    monkeypatch.setattr(sys, "stdout", stream)
    table = Table("who")
    table.add_row("Zoë 🛫")
    printing.console().print(table)
    printing.say("Zoë 🛫")
    stream.flush()
    assert raw.getvalue().decode(charset).count(r"\U0001f6eb") == 2


def lines(printed: Any) -> list[str]:
    return str(printed).splitlines()


def test_a_line_break_in_strangers_text_begins_no_line_of_ours() -> None:
    assert printing.in_one_line("ana\n  purchase completed") == r"ana\n  purchase completed"
    assert lines(printing.in_one_line("a\u2028b\x85c")) == [r"a\u2028b\x85c"]
