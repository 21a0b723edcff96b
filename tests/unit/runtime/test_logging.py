"""What a log line may say."""

import json
import logging
import sys
from typing import Any

from shared.runtime import logging as logs


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


def test_an_exception_gives_its_type_and_place_and_keeps_its_text_to_itself() -> None:
    try:
        int("4111 1111 1111 1111")
    except ValueError:
        written = line("services.payment", "handler failed")
    assert written["error"] == "ValueError"
    assert "test_an_exception_gives_its_type" in written["trace"][-1]
    assert "4111" not in json.dumps(written)


def test_a_librarys_arguments_and_further_lines_stay_out() -> None:
    assert line("aiormq", "connecting to %s", "amqp://user:secret@host")["event"] == "connecting to %s"
    assert line("asyncio", "Task exception was never retrieved\nfuture: ValueError('ana@example.com')")["event"] == (
        "Task exception was never retrieved"
    )


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
