"""The command itself: started, told of every signal that its gate is told of, and waited for."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

PASSED_ON: Final = frozenset(
    {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH}
)
FROM_TERMINAL: Final = 128
"""`si_code` of what the kernel sends, as for Ctrl-C (SI_KERNEL): the command, in the same group, has been told too."""

HOOKS: Final = frozenset(
    (
        *("LD_PRELOAD", "LD_AUDIT", "LD_LIBRARY_PATH", "GCONV_PATH"),
        *("BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "PS4"),
        *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "PYTHONUSERBASE", "PYTHONWARNINGS", "PYTHONBREAKPOINT"),
        *("PERL5OPT", "PERL5LIB", "PERL5DB", "RUBYOPT", "RUBYLIB", "NODE_OPTIONS", "NODE_PATH", "LUA_INIT"),
        *("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "KUBECTL_EXTERNAL_DIFF"),
    )
)
"""By these a program is made to run something beside itself that nobody has hashed, nor seen: commands in `PS4` are run
where `SHELLOPTS` has a script traced."""
FUNCTION: Final = "BASH_FUNC_"
"""Begins the names under which functions are handed on, which then run in the place of programs."""


class NotStarted(Exception):
    """There is no such program, or it may not be run."""


def run(argv: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """The command's exit code, -n where signal n ended it. Signals are handed over while it runs, in the order in which
    they come: none is lost between its start and the first wait. Raises NotStarted."""
    with _signals_kept() as kept:
        try:
            child = subprocess.Popen(argv, cwd=folder, env=dict(environment), preexec_fn=_heard_again)  # noqa: PLW1509 - one thread
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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {*PASSED_ON, signal.SIGCHLD})


def environment(payload: str, execution: str, request: str, search_path: str) -> dict[str, str]:
    """The gate's own, without its secrets, since whoever deploys needs no way to agree to it, and without hooks;
    programs are found where others agreed to."""
    secret = {"MILESAGA_TOKEN", "MILESAGA_TOKEN_FILE", "MILESAGA_INITIATOR_TOKEN"}
    gone = secret | HOOKS
    mine = {name: it for name, it in os.environ.items() if name not in gone and not name.startswith(FUNCTION)}
    told = {"MILESAGA_PAYLOAD": payload, "MILESAGA_EXECUTION": execution, "MILESAGA_REQUEST": request}
    return mine | told | {"PATH": search_path}
