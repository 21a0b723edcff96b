"""A cluster as `kubectl` shows it."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from services.cli.deploy.kubernetes.objects import NAMESPACE

Json = dict[str, Any]

OVERLAY: Final = "deploy/kubernetes/overlays/dev"
WITHIN: Final = 120.0


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
            yield f"http://{self._node()}:{found}"
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
