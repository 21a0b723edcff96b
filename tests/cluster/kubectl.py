"""A cluster as `kubectl` shows it."""

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.cli.deploy.kubernetes.objects import NAMESPACE

Json = dict[str, Any]

OVERLAY: Final = "deploy/kubernetes/overlays/dev"
WITHIN: Final = 120.0
FORWARDING: Final = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+)")


class Kubectl:
    """`kubectl` in our namespace."""

    def __init__(self, program: str, kubeconfig: Path) -> None:
        self._command = [program, f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}"]

    def __call__(self, *arguments: str, given: str | None = None, within: float = WITHIN) -> str:
        """What it prints; an AssertionError with its own words where it fails."""
        done = subprocess.run(
            [*self._command, *arguments], input=given, capture_output=True, text=True, timeout=within, check=False
        )
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr[-2000:]}"
        return done.stdout

    def get(self, *what: str) -> Json:
        found: Json = json.loads(self("get", *what, "--output=json"))
        return found

    def pods(self, service: str | None = None) -> list[Json]:
        """Ours that are not going."""
        selector = f"app.kubernetes.io/name={service}" if service else "app.kubernetes.io/part-of=milesaga"
        pods: list[Json] = self.get("pods", f"--selector={selector}")["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def patch(self, what: str, change: Json) -> None:
        self("patch", what, "--type=merge", f"--patch={json.dumps(change)}")

    def background(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen([*self._command, *arguments], stdout=subprocess.PIPE, text=True)

    @contextmanager
    def forwarded(self, service: str, port: int) -> Iterator[str]:
        """A port of a Service on this machine, as `http://127.0.0.1:PORT`."""
        process = self.background("port-forward", f"service/{service}", f":{port}")
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            found = FORWARDING.match(said)
            assert found, f"port-forward {service}: {said!r}"
            yield f"http://127.0.0.1:{found[1]}"
        finally:
            process.terminate()
            process.wait()


def is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def names(pods: list[Json]) -> set[str]:
    return {str(pod["metadata"]["name"]) for pod in pods}
