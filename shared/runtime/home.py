"""The folder of everything a stack keeps on one machine, and what its processes tell each other through it."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from shared.runtime.settings import WrongSettings

BROKER_URL = "broker.url"
BROKER_USERS = "broker-users.json"
HTTP_URL = "http.url"
SANDBOX_URL = "sandbox.url"
SMTP_URL = "smtp.url"
INTERNAL_TOKEN = "internal.token"  # noqa: S105 - a file's name
LOCK = "run.lock"
PROCESSES = "processes.lock"
LONGEST_PATH = 460
"""Bytes. SQLite opens no file whose path has more than 504, and the stores lie below."""


class Home:
    """`MILESAGA_HOME`. Its files are readable by their owner only and are written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    def folder(self, name: str) -> Path:
        """A folder of that name, made where it is missing."""
        folder = self.path / name
        if (length := len(os.fsencode(self.path))) > LONGEST_PATH:
            raise WrongSettings(f"MILESAGA_HOME: the path has {length} bytes, at most {LONGEST_PATH} can be used")
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise self._unusable(error) from error
        return folder

    def read(self, name: str) -> str | None:
        """The first line of a file, None when it is missing or empty."""
        try:
            return (self.path / name).read_text().strip() or None
        except FileNotFoundError:
            return None

    def write(self, name: str, text: str) -> None:
        self._draft(name, text).replace(self.path / name)

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def secret(self, name: str) -> str:
        """A random text made by whichever process asks first, and the same for all."""
        found = self.read(name)
        if found is None:
            draft = self._draft(name, secrets.token_urlsafe(32))
            with suppress(FileExistsError):
                os.link(draft, self.path / name)
            draft.unlink()
            found = self.read(name)
        if found is None:
            raise WrongSettings(f"MILESAGA_HOME: {self.path / name} is empty, delete it")
        return found

    @contextmanager
    def claimed(self) -> Iterator[None]:
        """Hold the folder against a second whole stack. The claim falls with the process, however that ends."""
        self.folder(".")
        try:
            lock = (self.path / LOCK).open("a+")
        except OSError as error:
            raise self._unusable(error) from error
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise WrongSettings(
                    f"MILESAGA_HOME: a stack runs over {self.path} already, stop it or name another folder"
                ) from None
            yield

    @contextmanager
    def inhabited(self) -> Iterator[None]:
        """Be one of the processes that use what lies here on behalf of whoever has claimed it."""
        with (self.folder(".") / PROCESSES).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)
            yield

    def await_desertion(self, seconds: float) -> None:
        """Return when no process is left of a stack whose claim has fallen: a killed one's go a moment after it, and
        have its port and its stores until then. Raises WrongSettings."""
        deadline = time.monotonic() + seconds
        with (self.folder(".") / PROCESSES).open("a") as lock:
            while True:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except OSError:
                    if time.monotonic() > deadline:
                        raise WrongSettings(
                            f"MILESAGA_HOME: processes of a stack over {self.path} do not end"
                        ) from None
                    time.sleep(0.01)
                else:
                    return

    def _unusable(self, error: OSError) -> WrongSettings:
        return WrongSettings(f"MILESAGA_HOME: {error.filename or self.path} cannot be used ({error.strerror})")

    def _draft(self, name: str, text: str) -> Path:
        draft = self.folder(".") / f"{name}.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(text + "\n")
        return draft
