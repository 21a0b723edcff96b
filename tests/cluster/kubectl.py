"""A cluster as `kubectl` shows it."""

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from services.cli.deploy.kubernetes.objects import NAMESPACE
from tests.eventually import eventually_sync

Json = dict[str, Any]

OVERLAY: Final = "deploy/kubernetes/overlays/dev"
WITHIN: Final = 120.0
OPENED_WITHIN: Final = 60.0


class Kubectl:
    """`kubectl` in our namespace."""

    def __init__(self, program: str, kubeconfig: Path) -> None:
        self._command = [program, f"--kubeconfig={kubeconfig}", f"--namespace={NAMESPACE}"]

    def command(self, *arguments: str) -> list[str]:
        return [*self._command, *arguments]

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

    def patch(self, what: str, change: Json) -> None:
        """A merge patch."""
        self("patch", what, "--type=merge", f"--patch={json.dumps(change)}")

    def pods(self, service: str | None = None, **labels: str) -> list[Json]:
        """Ours that are not going."""
        wanted = {"app.kubernetes.io/name": service} if service else {"app.kubernetes.io/part-of": "milesaga"}
        selector = ",".join(f"{name}={value}" for name, value in (wanted | labels).items())
        pods: list[Json] = self.get("pods", f"--selector={selector}")["items"]
        return [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]

    def kill(self, pod: Json) -> None:
        """At once, as by kill -9: it is asked to finish nothing."""
        self("delete", f"pod/{pod['metadata']['name']}", "--grace-period=0", "--force", "--wait=false")

    @contextmanager
    def watching(self, what: str, template: str) -> Iterator[Iterator[str]]:
        """A line for each object that there is, and for each change of one."""
        command = [*self._command, "get", what, "--watch", f"--output=jsonpath={template}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            try:
                yield iter(process.stdout)
            finally:
                process.terminate()

    @contextmanager
    def opened(self, name: str, port: int) -> Iterator[str]:
        """A port of what a Service has, reached from outside by every node's address: forwarding through the API server
        breaks off under load."""
        outside = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": f"{name}-outside"},
            "spec": {"type": "NodePort", "selector": {"app.kubernetes.io/name": name}, "ports": [{"port": port}]},
        }
        self("apply", "--filename=-", given=json.dumps(outside))
        try:
            found = self.get(f"service/{name}-outside")["spec"]["ports"][0]["nodePort"]
            url = f"http://{self._node()}:{found}"
            eventually_sync(lambda: _answers(url), OPENED_WITHIN)
            yield url
        finally:
            self("delete", f"service/{name}-outside")

    def _node(self) -> str:
        (address, *_) = [
            each["address"]
            for node in self.get("nodes")["items"]
            for each in node["status"]["addresses"]
            if each["type"] == "InternalIP"
        ]
        return str(address)


def is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def restarts(pod: Json) -> int:
    return sum(each["restartCount"] for each in pod["status"].get("containerStatuses", []))


def _answers(url: str) -> bool:
    """A node forwards a port a moment after it was asked to."""
    place = urlsplit(url)
    try:
        socket.create_connection((place.hostname or "", place.port or 0), timeout=5.0).close()
    except OSError:
        return False
    return True
