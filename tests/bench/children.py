"""The processes that are measured: started, spoken to by lines, and ended with all that they started."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

READY: Final = "ready"
RESULT: Final = "RESULT "
LEAVING: Final = 40.0
"""Seconds that a process may take to drain."""
NOT_INHERITED: Final = {"BROKER_URL", "MONGODB_URL", "MILESAGA_HOME", "PORT", "OIDC_ISSUER", "SANDBOX", "ENVIRONMENT"}


class Failed(Exception):
    """A measurement is void; the message says why."""


class Child:
    """A process of the benchmark, in a group of its own, for as long as the `with` block lasts."""

    def __init__(self, command: Sequence[str], *, cwd: Path, log: Path, environment: Mapping[str, str]) -> None:
        self._command = command
        self._cwd = cwd
        self._log = log
        inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        self._environment = inherited | {"PYTHONUNBUFFERED": "1"} | dict(environment)
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._cwd,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.stop()
        else:
            self._kill_group()

    @property
    def pid(self) -> int:
        return self._running().pid

    def wait_until_ready(self, within: float) -> None:
        self.line(READY, within)

    def ask(self, line: str, within: float) -> dict[str, Any]:
        """Give the process a line, and return the result it prints."""
        stdin = self._running().stdin
        if stdin is None:
            raise Failed("the process takes no orders")
        stdin.write(line + "\n")
        stdin.flush()
        return self.result(within)

    def result(self, within: float) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.line(RESULT, within).removeprefix(RESULT))
        return found

    def line(self, start: str, within: float) -> str:
        """The next line of standard output that begins so. Raises `Failed`."""
        deadline = time.monotonic() + within
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise Failed(f"{self._name}: no {start.strip()!r} within {within:g} s\n{self._tail()}") from None
            if line is None:
                raise Failed(f"{self._name}: ended before it said {start.strip()!r}\n{self._tail()}")
            if line.startswith(start):
                return line

    def stop(self) -> None:
        """SIGTERM, and wait for the end of the drain. Raises `Failed` where it does not end in order."""
        process = self._running()
        if process.stdin is not None:
            process.stdin.close()  # a thread of the process may wait for the next order
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(LEAVING)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self._name}: did not end within {LEAVING:g} s\n{self._tail()}") from None
        finally:
            self._kill_group()
        if code not in {0, -signal.SIGTERM}:
            raise Failed(f"{self._name}: ended with {code}\n{self._tail()}")

    @property
    def _name(self) -> str:
        return " ".join(self._command[1:])

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None:
            raise Failed(f"{self._name}: not started")
        return self._process

    def _read(self) -> None:
        stdout = self._running().stdout
        for line in stdout or ():
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def _kill_group(self) -> None:
        process = self._running()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def _tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()[-15:] if self._log.exists() else []
        return "\n".join([f"The end of {self._log}:", *lines])
