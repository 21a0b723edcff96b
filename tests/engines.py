"""A MongoDB for tests: the one named by `MONGODB_URL`, else a `mongod` from `PATH` on a folder and port of its own."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymongo
import pytest
from pymongo.errors import PyMongoError

READY_WITHIN = 50.0
"""Seconds; a first start may have to lay out its data."""
WHY_NOT = "no MongoDB: neither MONGODB_URL is set nor is there a mongod on PATH"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Mongod:
    """A server of one's own, to be stopped, killed and started again over the same data."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mongodb://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Return when it serves."""
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder.parent / f"{self._folder.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._program, "--dbpath", self._folder, "--port", str(self._port), "--bind_ip", "127.0.0.1"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + READY_WITHIN
        with pymongo.MongoClient[dict[str, object]](self.url, serverSelectionTimeoutMS=200) as client:
            while not _answers(client):
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.kill()
                    pytest.fail(f"{self._program} did not start; see {log.name}")

    def kill(self) -> None:
        """As a crash: SIGKILL."""
        if self._process:
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()


def mongod_program() -> str:
    """The server's program, for tests that kill it; they are skipped where there is none."""
    found = shutil.which("mongod")
    if found is None:
        pytest.skip("no mongod on PATH to be killed")
    return found


@contextmanager
def running_mongod(folder: Path) -> Iterator[Mongod]:
    """A server of one's own; the test is skipped where there is no program."""
    server = Mongod(mongod_program(), folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def mongodb(folder: Path) -> Iterator[str]:
    """The URL of a server to share; the test is skipped where there is none."""
    if url := os.environ.get("MONGODB_URL"):
        yield url
    elif shutil.which("mongod") is None:
        pytest.skip(WHY_NOT)
    else:
        with running_mongod(folder) as server:
            yield server.url


def _answers(client: pymongo.MongoClient[dict[str, object]]) -> bool:
    try:
        client.admin.command("ping")
    except PyMongoError:
        return False
    return True
