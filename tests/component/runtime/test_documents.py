"""`milesaga documents` as a gateway has it behind: one process that describes every service and opens none."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from services.house import HOUSE
from shared.bus.asyncapi import document as document_of_messages
from shared.runtime.description import pattern, queues
from tests.eventually import eventually_sync
from tests.kit.stack import NOT_INHERITED, READY, REPOSITORY


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Nothing that it could ask is there: no broker, and a MongoDB that nobody runs."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    settings = {"MILESAGA_HOME": str(tmp_path / "home"), "MONGODB_URL": "mongodb://127.0.0.1:1/", "PORT": "0"}
    settings |= {"SANDBOX": "on", "SANDBOX_URL": "http://sandbox:8000", "SANDBOX_SMTP_PORT": "2525"}
    settings |= {"INTERNAL_TOKEN": "a-token-of-the-services", "PUBLIC_URL": "https://miles.example.com"}
    with (tmp_path / "out").open("w") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "documents"],
            cwd=REPOSITORY,
            env=inherited | settings | {"PYTHONUNBUFFERED": "1"},
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    yield started
    started.kill()
    started.wait()


def url_of(tmp_path: Path) -> str:
    found = READY.search((tmp_path / "out").read_text())
    return found[1] if found else ""


def test_the_documents_of_all_services_are_served_and_nothing_else(
    process: subprocess.Popen[str], tmp_path: Path
) -> None:
    eventually_sync(lambda: bool(url_of(tmp_path)), 60.0)
    with httpx.Client(base_url=url_of(tmp_path), trust_env=False) as client:
        assert client.get("/readyz").status_code == 200
        document = client.get("/openapi.json").json()
        for path in (path for each in HOUSE for path in each.public):
            assert any(re.match(pattern(path), known) for known in document["paths"]), path
        assert document["servers"][0]["url"] == "https://miles.example.com"
        messages = client.get("/asyncapi.json").json()
        whole = document_of_messages("0", queues(HOUSE), "amqp://127.0.0.1/")
        assert messages["channels"].keys() == whole["channels"].keys()
        assert "<form" in client.get("/docs").text, "the sandbox is told of, so there is a log-in"
        assert client.get("/v1/carts").status_code == 503
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert not (tmp_path / "home" / "broker").exists()
