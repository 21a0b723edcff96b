"""What a log line may say."""

import ast
import json
import logging
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.runtime import logging as logs
from shared.telemetry.context import REQUEST_ID

ROOT = Path(__file__).parents[3]


def line(name: str, message: str, *arguments: object, **extra: object) -> dict[str, Any]:
    logger = logging.getLogger(name)
    record = logger.makeRecord(
        name, logging.INFO, __file__, 1, message, arguments, sys.exc_info() if sys.exc_info()[0] else None, extra=extra
    )
    found: dict[str, Any] = json.loads(logs.JsonLines().format(record))
    return found


def test_listed_fields_are_written_and_all_others_dropped() -> None:
    written = line(
        "shared.bus", "handled", purchase_id="p1", step="hold", attempt=2, email="a@example.com", name_="Ana"
    )
    assert written == {
        "at": written["at"],
        "level": "info",
        "logger": "shared.bus",
        "event": "handled",
        "purchase_id": "p1",
        "step": "hold",
        "attempt": 2,
    }
    assert written["at"].endswith("+00:00")


def test_where_several_processes_write_to_one_log_each_line_says_whose_it_is() -> None:
    record = logging.getLogger("shared.bus").makeRecord("shared.bus", logging.INFO, __file__, 1, "handled", (), None)
    assert json.loads(logs.JsonLines(2).format(record))["process"] == 2
    assert "process" not in json.loads(logs.JsonLines().format(record))


def test_an_exception_gives_its_type_and_place_and_keeps_its_text_to_itself() -> None:
    try:
        int("4111 1111 1111 1111")
    except ValueError:
        written = line("services.payment", "handler failed")
    assert written["error"] == "ValueError"
    assert "test_an_exception_gives_its_type" in written["trace"][-1]
    assert "4111" not in json.dumps(written)


def test_a_librarys_arguments_and_further_lines_stay_out() -> None:
    assert line("aiormq", "connecting to %s", "amqp://user:secret@host")["event"] == "connecting to (str)"
    assert line("asyncio", "Task exception was never retrieved\nfuture: ValueError('ana@example.com')")["event"] == (
        "Task exception was never retrieved"
    )


@pytest.mark.parametrize(
    ("template", "arguments", "told"),
    [
        (
            "Connection attempt to %r failed: %s. Reconnecting after %r seconds.",
            (httpx.URL("amqp://user:secret@host"), ConnectionRefusedError("ana@example.com"), 5.0),
            "Connection attempt to (URL) failed: ConnectionRefusedError. Reconnecting after 5 seconds.",
        ),
        ("took %.3f s, %d%% of %-10s|", (1.25, 40, "Ana"), "took 1.25 s, 40% of (str)|"),
        ("%(who)s came %(times)d times", ({"who": "Ana", "times": 3},), "(str) came 3 times"),
        ("%s and %s", ("one",), "(str) and ?"),
        ("left at %", ("one",), "left at %"),
        ("%d", (None,), "(NoneType)"),
        ("%s" * 200, ("x",) * 200, "(str)" * 60),
    ],
)
def test_a_librarys_line_keeps_its_words_and_no_template_reaches_a_reader(
    template: str, arguments: tuple[object, ...], told: str
) -> None:
    assert line("aio_pika", template, *arguments)["event"] == told


def test_what_is_done_for_a_request_says_which() -> None:
    token = REQUEST_ID.set("r-1")
    try:
        assert line("shared.bus", "handled")["request_id"] == "r-1"
    finally:
        REQUEST_ID.reset(token)
    assert "request_id" not in line("shared.bus", "handled")


def test_a_line_stays_one_line_whatever_a_field_holds() -> None:
    record = logging.getLogger("shared").makeRecord(
        "shared", logging.INFO, __file__, 1, "said", (), None, extra={"reason": "one\ntwo", "trace": ["a:1 b", "c:2 d"]}
    )
    text = logs.JsonLines().format(record)
    assert "\n" not in text
    assert json.loads(text)["trace"] == ["a:1 b", "c:2 d"]


def test_libraries_are_heard_from_warnings_upwards() -> None:
    root = logging.getLogger()
    handlers, levels = root.handlers[:], {name: logging.getLogger(name).level for name in ("", *logs.OURS)}
    try:
        logs.set_up("DEBUG")
        assert logging.getLogger("shared.bus").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("mail.log").isEnabledFor(logging.INFO)
        assert logging.getLogger("mail.log").isEnabledFor(logging.WARNING)
        logs.set_up("ERROR")
        assert not logging.getLogger("services.cart").isEnabledFor(logging.WARNING)
        assert not logging.getLogger("mail.log").isEnabledFor(logging.WARNING)
    finally:
        root.handlers[:] = handlers
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)


def logged(function: ast.AST) -> Iterator[str]:
    """The names of fields that the log is given in a function, as literals there."""
    tables = {
        target.id: node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    for call, keyword in ((one, keyword) for one in calls for keyword in one.keywords):
        if keyword.arg == "extra" and isinstance(call.func, ast.Attribute):
            yield from names_in(keyword.value, tables)


def names_in(fields: ast.expr, tables: Mapping[str, ast.expr]) -> Iterator[str]:
    """Fields stand beside the call, or in a variable of the function; `**more` is another such variable."""
    if isinstance(fields, ast.Name):
        fields = tables[fields.id]
    assert isinstance(fields, ast.Dict), f"line {fields.lineno}: name the fields in the function that logs"
    for key, value in zip(fields.keys, fields.values, strict=True):
        if key is None:
            yield from names_in(value, tables)
        else:
            assert isinstance(key, ast.Constant), f"line {key.lineno}: a field's name is a literal"
            yield str(key.value)


def test_no_field_that_we_log_is_dropped() -> None:
    names: set[str] = set()
    for path in (path for room in ("shared", "services") for path in (ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        names |= {name for function in functions for name in logged(function)}
    assert {"service", "error", "purchase_id"} <= names
    assert names - set(logs.FIELDS) == set()


@pytest.mark.parametrize("seconds", [0.0, 1_795_746_000.0, 1_795_746_000.9994, 951_782_399.5, 4_102_444_799.123])
def test_a_line_is_of_its_moment_to_the_millisecond(seconds: float) -> None:
    record = logging.getLogger("shared").makeRecord("shared", logging.INFO, __file__, 1, "said", (), None)
    record.created = seconds
    at = datetime.fromisoformat(json.loads(logs.JsonLines().format(record))["at"])
    assert abs(at.timestamp() - seconds) <= 0.001
    assert at.utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    "text", ["plain", 'a "quoted" \\ one', "caf\u00e9", "\ud800", "\x1b[31m\x00\x7f", "\U0001f600", "x" * 301]
)
def test_whatever_a_field_holds_is_written_in_ascii_and_read_back(text: str) -> None:
    record = logging.getLogger("shared").makeRecord(
        "shared", logging.INFO, __file__, 1, "said", (), None, extra={"reason": text}
    )
    written = logs.JsonLines().format(record)
    assert written.isascii()
    assert json.loads(written)["reason"] == (text if len(text) <= logs.LONGEST else f"{'x' * logs.LONGEST}...")
