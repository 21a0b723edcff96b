"""The stack of a demonstration, and one of its own as a child process: started, crashed, started again, and stopped
whatever happens."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Protocol, Self

from services.cli.broker_node import PrivateBroker
from services.cli.ports import free_ports
from shared.runtime.home import Home
from shared.runtime.settings import WrongSettings

READY: Final = "ready "
READY_WITHIN: Final = 180.0
"""Seconds, on any machine: a process that has ended instead is noticed at once."""
DRAINED_WITHIN: Final = 45.0
"""Seconds: a little more than a stack promises to need for draining."""
LOG: Final = "stack.log"
LOG_LINES: Final = 15


class StackError(RuntimeError):
    """The stack did not start; the message holds the end of its log."""


class Staged(Protocol):
    """A stack that a demonstration is played over."""

    crashing: str
    """What `crash` does, for people."""
    log: str
    """Where the log is, for people."""
    left: str
    """What is left of the stack after the demonstration, for people."""

    @property
    def url(self) -> str:
        """Its public address."""
        ...

    def start(self) -> float:
        """Start, or start again after a crash, and wait until it is ready; the seconds that took. Raises StackError."""
        ...

    def crash(self) -> None:
        """End what holds the purchases, or more, in the middle of everything. Raises StackError."""
        ...

    def find_mail(self, name: str) -> str | None:
        """Where people find that file of the sandbox's mailbox; None when it is not there."""
        ...


class Stack:
    """`milesaga run` over one data folder, on one port, for as long as the `with` block lasts."""

    def __init__(self, home: Path, environment: Mapping[str, str] | None = None) -> None:
        """`environment` is added to this process's own."""
        self.home = home.resolve()
        self.crashing = "kill -9 of the whole stack"
        self.left = f"Everything is stopped. The data is kept in {self.home}."
        self.port = free_ports(1)[0]  # the same after a crash: tokens and event streams stay good
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = str(self.home / LOG)
        self._environment = dict(environment or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._begun_at = 0
        """Where in the log the present start begins."""

    def __enter__(self) -> Self:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(f"MILESAGA_HOME: {self.home} cannot be used ({error.strerror}).") from error
        try:
            with Home(self.home).claimed():
                return self
        except WrongSettings as error:
            raise StackError(f"{error}.") from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> float:
        """Start and wait until it is ready; the seconds that took. Raises `StackError`."""
        begun = time.monotonic()
        own = {"MILESAGA_HOME": str(self.home), "PORT": str(self.port), "PYTHONUNBUFFERED": "1"}
        with (self.home / LOG).open("ab") as log:
            self._begun_at = log.tell()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "services.cli.main", "run"],
                env=os.environ | own | self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the demo, which then stops the stack in order
            )
        while not self._is_ready():
            if self._process.poll() is not None:
                raise StackError(f"The stack ended with exit code {self._process.returncode}. {self._tail()}")
            if time.monotonic() - begun > READY_WITHIN:
                raise StackError(f"The stack was not ready within {READY_WITHIN:.0f} s. {self._tail()}")
            time.sleep(0.02)
        return time.monotonic() - begun

    def crash(self) -> None:
        """kill -9: nothing is finished, nothing is said."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def find_mail(self, name: str) -> str | None:
        file = self.home / "sandbox" / "mail" / name
        return str(file) if file.exists() else None

    def stop(self) -> None:
        """Drain and end everything, the private broker of a crashed stack included. Idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(DRAINED_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._stop_what_a_crash_left()

    def _stop_what_a_crash_left(self) -> None:
        """The private broker outlives a killed stack. That of another stack over this folder is not ours to stop."""
        with suppress(WrongSettings), Home(self.home).claimed():
            PrivateBroker(self.home).stop()

    def _is_ready(self) -> bool:
        """This stack, and not another one that writes to the same log."""
        return any(line.startswith(READY) and line.endswith(f":{self.port}") for line in self._logged())

    def _tail(self) -> str:
        return "\n".join([f"The end of {self.log}:", *self._logged()[-LOG_LINES:]])

    def _logged(self) -> list[str]:
        with (self.home / LOG).open("rb") as log:
            log.seek(self._begun_at)
            return log.read().decode(errors="replace").splitlines()
