"""A Prometheus of a test's own, over the stack's real `/metrics`, with the project's own alerts."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
import yaml

from services.cli.ports import free_ports
from tests.eventually import eventually_sync
from tests.kit.promql import RULES, program

READY_WITHIN: Final = 30.0
EVERY: Final = "1s"
"""Between two scrapes, and between two looks at the rules."""


def hastened(rules: str) -> str:
    """The same rules in a world where a minute lasts a second, and an hour a minute: nobody waits for `for: 5m`."""
    faster = re.sub(r"\b(\d+)m\b", r"\1s", rules)
    return re.sub(r"\b(\d+)h\b", r"\1m", faster)


class Prometheus:
    """One server over one target. Start it, and `clean_up`."""

    def __init__(self, folder: Path, target: str) -> None:
        """`target`: the base URL of the stack."""
        self._program = program("prometheus")
        self._folder = folder
        self._target = urlsplit(target).netloc
        self._address = f"127.0.0.1:{free_ports(1)[0]}"
        self._process: subprocess.Popen[bytes] | None = None
        self._http = httpx.Client(base_url=f"http://{self._address}", trust_env=False, timeout=10.0)

    def start(self) -> None:
        """Return when it answers."""
        self._folder.mkdir()
        for file in RULES.glob("*.yml"):
            (self._folder / file.name).write_text(hastened(file.read_text()))
        (self._folder / "prometheus.yaml").write_text(yaml.safe_dump(self._configuration()))
        with (self._folder / "prometheus.log").open("wb") as log:
            self._process = subprocess.Popen(
                [
                    self._program,
                    f"--config.file={self._folder / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}",
                    f"--web.listen-address={self._address}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually_sync(self._ready, READY_WITHIN)

    def clean_up(self) -> None:
        self._http.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def firing(self, alert: str, **labels: str) -> bool:
        """Does the alert fire for something that has these labels?"""
        return any(
            each["state"] == "firing" and {"alertname": alert, **labels}.items() <= each["labels"].items()
            for each in self._asked("/api/v1/alerts")["alerts"]
        )

    def answer(self, expression: str) -> list[Any]:
        """What an expression comes to now. Raises AssertionError with Prometheus' words where it cannot be asked."""
        found: list[Any] = self._asked("/api/v1/query", query=expression)["result"]
        return found

    def _asked(self, path: str, **query: str) -> Any:
        answered = json.loads(self._http.get(path, params=query).content)
        assert answered["status"] == "success", (query, answered)
        return answered["data"]

    def _ready(self) -> bool:
        assert self._process is not None
        log = self._folder / "prometheus.log"
        assert self._process.poll() is None, log.read_text()
        try:
            return self._http.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def _configuration(self) -> dict[str, Any]:
        return {
            "global": {"scrape_interval": EVERY, "scrape_timeout": EVERY, "evaluation_interval": EVERY},
            "rule_files": ["*.yml"],
            "scrape_configs": [{"job_name": "milesaga", "static_configs": [{"targets": [self._target]}]}],
        }
