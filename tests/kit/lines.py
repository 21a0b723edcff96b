"""The log as it is written: each line as the JSON object it is."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shared.runtime.logging import OURS, JsonLines

Line = dict[str, Any]


class Lines(logging.Handler):
    """Keeps every line of ours, DEBUG included."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.setFormatter(JsonLines())
        self.all: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.all.append(json.loads(self.format(record)))

    def of(self, event: str) -> list[Line]:
        return [line for line in self.all if line["event"] == event]


@contextmanager
def written() -> Iterator[Lines]:
    """What is logged meanwhile."""
    kept = Lines()
    loggers = [logging.getLogger(name) for name in OURS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(kept)
        logger.setLevel(logging.DEBUG)
    try:
        yield kept
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(kept)
            logger.setLevel(level)
