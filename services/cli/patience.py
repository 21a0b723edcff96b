"""Asking again: what was refused for the moment is asked once more, after the time that the API names."""

import time
from collections.abc import Callable, Container
from typing import Final, TypeVar

from services.cli.client import ApiError

T = TypeVar("T")
PATIENCE: Final = 120.0
"""Seconds for which it is asked again."""


def patiently(act: Callable[[], T], later: Container[int], *, for_good: Container[str] = ()) -> T:
    """`later` are the statuses after which the same may be asked once more, `for_good` codes after which it may not all
    the same. Raises ApiError."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return act()
        except ApiError as error:
            pause = float(error.retry_after or 1)
            if error.status not in later or error.code in for_good or time.monotonic() + pause > until:
                raise
            time.sleep(pause)
