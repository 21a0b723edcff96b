"""What the image is made of, and how a container says that it is ready."""

import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from services.cli.deploy.tree import REPOSITORY
from services.cli.ports import free_ports

HEALTH_CHECK = REPOSITORY / "deploy" / "image" / "healthcheck.py"
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()


@contextmanager
def answering(status: int) -> Iterator[int]:
    """A server whose `/readyz`, and nothing else, answers with this status; its port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    server = HTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def checked(port: int) -> int:
    return subprocess.run(
        [sys.executable, "-ISB", str(HEALTH_CHECK)], env={"PORT": str(port)}, check=False, timeout=10
    ).returncode


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1), (404, 1), (500, 1)])
def test_a_container_is_healthy_while_its_service_says_that_it_is_ready(status: int, code: int) -> None:
    with answering(status) as port:
        assert checked(port) == code


def test_a_container_in_which_nothing_listens_is_not_healthy() -> None:
    assert checked(free_ports(1)[0]) == 1


def test_the_base_is_pinned_to_a_patch_version_and_every_stage_stands_on_it() -> None:
    assert re.search(r"^ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-bookworm$", DOCKERFILE, re.MULTILINE)
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert bases == ["${PYTHON_IMAGE}"] * 2


def test_packages_come_from_the_lock_file_with_their_hashes_and_the_process_is_not_root() -> None:
    installs = [line for line in DOCKERFILE.splitlines() if "pip" in line and " install " in line]
    assert all("--no-deps" in line for line in installs)
    assert ["--require-hashes --requirement requirements.lock" in line for line in installs] == [True, False]
    assert "--no-index" in installs[1]
    users = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)
    assert users == ["10001:10001"]
    assert not re.search(r"^RUN --mount|<<|--link|--chmod", DOCKERFILE, re.MULTILINE), "old engines cannot do these"


def test_the_engine_is_sent_what_the_dockerfile_copies_and_nothing_else() -> None:
    ignored = (REPOSITORY / ".dockerignore").read_text().splitlines()
    sent = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    paths = {path for line in copied for path in line.split()}
    assert {path if path in sent else path.rpartition("/")[0] for path in paths} == sent
    assert all((REPOSITORY / path).exists() for path in paths)
    assert ignored[1] == "*"
