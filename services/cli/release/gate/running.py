"""The command itself: started, told of every signal that its gate is told of, and waited for."""

import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from services.cli.release.gate.signals import PASSED_ON

FROM_TERMINAL: Final = 128
"""`si_code` of what the kernel sends, as for Ctrl-C (SI_KERNEL): the command, in the same group, has been told too."""
UMASK: Final = 0o077
"""Whatever the caller's: it decides who may read what the command makes."""


class NotStarted(Exception):
    """There is no such program, or it may not be run."""


def run(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """The command's exit code, -n where signal n ended it. Signals are handed over while it runs, in the order in which
    they come: none is lost between its start and the first wait. It reads nothing: what comes in nobody has seen.
    Raises NotStarted."""
    with _signals_kept() as kept:
        try:
            child = subprocess.Popen(
                argv,
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                umask=UMASK,
                preexec_fn=_heard_again,  # noqa: PLW1509 - one thread
            )
        except (OSError, ValueError) as error:
            raise NotStarted(f"{argv[0]} cannot be started: {error}") from error
        while child.poll() is None:
            heard = signal.sigwaitinfo(kept)
            if heard.si_signo != signal.SIGCHLD and heard.si_code != FROM_TERMINAL:
                child.send_signal(heard.si_signo)
        return child.returncode


@contextmanager
def _signals_kept() -> Iterator[set[int]]:
    """What comes meanwhile waits to be taken, and afterwards is obeyed as before."""
    kept = {*PASSED_ON, signal.SIGCHLD}
    handler = signal.signal(signal.SIGCHLD, lambda *_: None)  # one that is ignored is never kept
    before = signal.pthread_sigmask(signal.SIG_BLOCK, kept)
    try:
        yield {int(each) for each in kept}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.signal(signal.SIGCHLD, handler)


def _heard_again() -> None:
    """Our handlers are not the command's: what comes before it is there would be noted by us, and lost with us."""
    for each in PASSED_ON:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*PASSED_ON, signal.SIGCHLD})
