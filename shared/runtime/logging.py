"""Logs are events with fields, one JSON object a line, on standard error.

Only fields on the list below get out: names, documents, addresses, card data and providers' bodies cannot slip in by
way of `extra`. Of an exception the log gets its type and where it came from; its text may quote what was being worked
on, and stays inside. Of what a library says, the words are kept, and of its arguments the numbers and the types.
"""

import json
import logging
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from traceback import walk_tb
from types import TracebackType
from typing import Any, Final

from pydantic_core import to_json

from shared.telemetry import spans
from shared.telemetry.context import REQUEST_ID

FIELDS: Final = (
    "purchase_id",
    "saga",
    "step",
    "part",
    "attempt",
    "message_id",
    "message_type",
    "correlation_id",
    "causation_id",
    "cause",
    "request_id",
    "trace_id",
    "fingerprint",
    "outcome",
    "reason",
    "exchange",
    "queue",
    "tier",
    "service",
    "collection",
    "document_id",
    "documents",
    "fields",
    "timer",
    "task",
    "provider",
    "operation",
    "shape",
    "error",
    "code",
    "status",
    "method",
    "path",
    "route",
    "count",
    "host",
    "port",
    "url",
    "variable",
    "renamed",
    "signal",
    "seconds",
    "duration_ms",
    "trace",
)
"""What may stand in a log line besides `at`, `level`, `logger`, `event`. None of them is about a person."""
_LISTED = frozenset(FIELDS)

OURS: Final = ("shared", "services", "tests")
_CONVERSION = re.compile(r"%(?:\(\w+\))?[-#0 +]*\d*(?:\.\d+)?[hlL]?[a-zA-Z%]")
LONGEST: Final = 300
"""Characters of one field, and members of a list: ids, types and places are shorter."""
FRAMES: Final = 8
"""Innermost places of a traceback; more says little and costs much."""


class JsonLines(logging.Formatter):
    """One record as one line of JSON. `process` is said in each, where several write to one log."""

    def __init__(self, process: int | None = None) -> None:
        super().__init__()
        self._whose = {} if process is None else {"process": process}

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": _at(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record),
            **self._whose,
        }
        for name, value in record.__dict__.items():
            if name in _LISTED and value is not None:
                short = type(value) is int or (type(value) is str and len(value) <= LONGEST)
                line[name] = value if short else _plain(value)
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        if trace_id := spans.trace_id():
            line["trace_id"] = trace_id
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__qualname__
            line["trace"] = _trace(record.exc_info[2])
        return _written(line)


def set_up(level: str = "INFO", process: int | None = None) -> None:
    """Send this process's log to standard error as JSON lines, from `level` upwards; of libraries only warnings.
    `process` is its number among those of one stack."""
    logging._srcfile = None  # noqa: SLF001 - as its HOWTO says: no line tells where it was written
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines(process))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    root.setLevel(max(logging.WARNING, logging.getLogger(OURS[0]).level))


def _written(line: dict[str, Any]) -> str:
    """As ASCII. Where nothing is to be escaped, as nearly always, pydantic's encoder takes a third of the time."""
    with suppress(ValueError):  # half a character, which it does not write
        written = to_json(line).decode()
        if written.isascii():
            return written
    return json.dumps(line)


def _at(seconds: float) -> str:
    """A moment in UTC, to the millisecond."""
    whole = int(seconds)
    return f"{_second(whole)}.{int((seconds - whole) * 1000):03d}+00:00"


@lru_cache(maxsize=8)
def _second(seconds: int) -> str:
    """What hundreds of lines have in common."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _event(record: logging.LogRecord) -> str:
    """Our events are fixed texts; a library's arguments may be anything, so only what they are is told."""
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    template = str(record.msg)
    if not record.args:
        return template.splitlines()[0][:200] if template else ""
    arguments = record.args if isinstance(record.args, tuple) else record.args.values()
    told = iter([_told(argument) for argument in arguments])
    return _CONVERSION.sub(lambda found: "%" if found[0] == "%%" else next(told, "?"), template)[:LONGEST]


def _told(argument: object) -> str:
    """A number as it is, an exception by its name, everything else by its kind: `(str)`, `(URL)`."""
    if isinstance(argument, int | float):
        return f"{argument:g}"
    kind = type(argument).__name__
    return kind if isinstance(argument, BaseException) else f"({kind})"


def _plain(value: Any) -> Any:
    """Strangers choose ids and types: a line has a bound, and being ASCII it commands no terminal that shows it."""
    if isinstance(value, list | tuple):
        return [_cut(str(item)) for item in value[:LONGEST]]
    return value if isinstance(value, int | float | bool) else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def _trace(traceback: TracebackType | None) -> list[str]:
    places = [
        f"{frame.f_globals.get('__name__', '?')}:{line} {frame.f_code.co_name}" for frame, line in walk_tb(traceback)
    ]
    return places[-FRAMES:]
