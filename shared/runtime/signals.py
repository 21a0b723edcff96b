"""SIGTERM, SIGINT and SIGHUP: the first asks a process to drain and leave, the second to leave at once."""

import asyncio
import logging
import signal
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)


def stop_signals() -> tuple[signal.Signals, ...]:
    """What asks this process to stop. A terminal that closes says SIGHUP, which `nohup` has ignored."""
    hung_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGTERM, signal.SIGINT, *hung_up)


class StopAsked(BaseException):
    """A signal came before the services could take it."""


@contextmanager
def stop_raises() -> Iterator[None]:
    """Until the services take the signals themselves, they end what is being started."""

    def stop(_: int, __: object) -> None:
        raise StopAsked

    before = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class StopSignals:
    """What the process was asked so far."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.insisted = asyncio.Event()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Take the signals in the running loop."""
        loop = asyncio.get_running_loop()
        numbers = stop_signals()
        for number in numbers:
            loop.add_signal_handler(number, self._take, number)
        try:
            yield
        finally:
            for number in numbers:
                loop.remove_signal_handler(number)
                signal.signal(number, signal.SIG_IGN)  # what is left to stop is the caller's, and short

    def _take(self, number: signal.Signals) -> None:
        log.info("asked to stop", extra={"signal": number.name})
        (self.insisted if self.asked.is_set() else self.asked).set()
