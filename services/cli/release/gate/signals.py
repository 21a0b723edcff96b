"""What a signal does to whoever waits for others, and to what they agreed to.

Until the grant is used up a signal ends the wait, in order: copies are removed, and it is said what stands. From the
question on that uses it up signals are kept back: they are the command's. Afterwards none hides how it ended.
"""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from services.cli.release.gate import exits

PASSED_ON: Final = frozenset(
    {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH}
)
GIVEN_UP: Final = PASSED_ON - {signal.SIGWINCH}
"""Each of them would end this process, and leave private copies behind."""
ENDS_TELLING: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT})


class GivenUp(SystemExit):
    """Somebody ended it. No handler of errors takes this for one, and an event loop lets it through."""

    def __init__(self, number: int) -> None:
        super().__init__(exits.passed_on(-number))
        self.number = number


@contextmanager
def given_up_by_signal() -> Iterator[None]:
    """The first signal raises GivenUp, unless it is kept back; further ones disturb nobody who tidies up. What is kept
    back still when this is left is forgotten. What we were told to ignore (`nohup`) is ignored."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    before = {each: signal.getsignal(each) for each in GIVEN_UP}
    minded = {each: handler for each, handler in before.items() if handler not in {signal.SIG_IGN, None}}
    try:
        for each in minded:
            signal.signal(each, _give_up)
        yield
    finally:
        keep_back()
        while signal.sigtimedwait(PASSED_ON, 0) is not None:
            pass
        for each, handler in minded.items():
            signal.signal(each, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def keep_back() -> None:
    """What comes from now on waits."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)


def heed() -> None:
    """What comes from now on is obeyed, and so is what waited."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)


@contextmanager
def undisturbed() -> Iterator[None]:
    """What comes in the block is obeyed after it."""
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _give_up(number: int, _: FrameType | None) -> None:
    keep_back()
    raise GivenUp(number)
