"""The containers of `docker-compose.yml` as the stack of a demonstration."""

import subprocess
import time
from pathlib import Path
from typing import Final

from services.cli.demo.stack import StackError
from services.cli.deploy.tree import REPOSITORY

GATEWAY: Final = ("gateway", "8080")
CHECKOUT: Final = "checkout"
MAILBOX: Final = "/var/lib/milesaga/sandbox/mail"
READY_WITHIN: Final = 600.0
"""Seconds: a laptop that is busy building other images is slow."""
WITHIN: Final = 60.0


class ComposedStack:
    """All services in containers of their own, started where they are not up; they go on afterwards."""

    crashing = "docker kill of the checkout's container"
    log = "make logs"
    left = "The containers go on: `make down` stops them, and keeps their data."

    def __init__(self, folder: Path = REPOSITORY) -> None:
        self._folder = folder
        self._crashed = False

    @property
    def url(self) -> str:
        return f"http://{self._compose('port', *GATEWAY)}"

    def start(self) -> float:
        begun = time.monotonic()
        what = ("--no-deps", CHECKOUT) if self._crashed else ()
        self._compose("up", "--detach", "--wait", *what, within=READY_WITHIN)
        self._crashed = False
        return time.monotonic() - begun

    def crash(self) -> None:
        containers = self._compose("ps", "--quiet", CHECKOUT).split()
        if not containers:
            raise StackError("There is no container of the checkout to be killed.")
        self._crashed = True
        self._docker("kill", *containers)

    def find_mail(self, name: str) -> str | None:
        place = f"{MAILBOX}/{name}"
        found = self._compose("exec", "-T", "sandbox", "find", place, "-type", "f")
        return f"{place} in the sandbox's container" if found == place else None

    def _compose(self, *arguments: str, within: float = WITHIN) -> str:
        return self._docker("compose", *arguments, within=within)

    def _docker(self, *arguments: str, within: float = WITHIN) -> str:
        """What the command prints. Raises StackError with its last words when it fails."""
        command = ["docker", *arguments]
        try:
            done = subprocess.run(
                command, cwd=self._folder, capture_output=True, text=True, timeout=within, check=False
            )
        except FileNotFoundError as error:
            raise StackError("There is no `docker` on this machine.") from error
        except subprocess.TimeoutExpired as error:
            raise StackError(f"`{' '.join(command)}` was not done within {within:.0f} s.") from error
        if done.returncode:
            last = "\n".join(done.stderr.strip().splitlines()[-5:])
            raise StackError(f"`{' '.join(command)}` ended with {done.returncode}.\n{last}")
        return done.stdout.strip()
