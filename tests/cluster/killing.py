"""Pods that are taken away in the middle of their work."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.cluster.kubectl import Json, Kubectl, is_ready, restarts
from tests.eventually import eventually_sync

DEVOUR: Final = Path(__file__).with_name("devour.py")
WITHIN: Final = 120.0
SIGKILLED: Final = 137
EXIT_CODE: Final = '{.status.containerStatuses[0].state.terminated.exitCode}{"\\n"}'


def ready_one(kubectl: Kubectl, service: str) -> Json:
    """The first pod that is ready, once there is one."""
    return eventually_sync(lambda: next(filter(is_ready, kubectl.pods(service)), None), WITHIN) or {}


def kill_while_it_drains(kubectl: Kubectl, service: str) -> int:
    """A pod is asked to go, and gets a SIGKILL as soon as it drains; what it ended with."""
    name = ready_one(kubectl, service)["metadata"]["name"]
    with kubectl.watching(f"pod/{name}", EXIT_CODE) as codes, devouring(kubectl, name, "draining"):
        kubectl("delete", f"pod/{name}", "--wait=false")
        return int(next(code for code in codes if code.strip()))


def kill_by_its_memory(kubectl: Kubectl, service: str) -> Json:
    """A pod passes its limit; the pod, once its container has been started again."""
    pod = ready_one(kubectl, service)
    name, before = pod["metadata"]["name"], restarts(pod)
    with devouring(kubectl, name):
        return eventually_sync(lambda: _restarted(kubectl, name, before), WITHIN)


@contextmanager
def devouring(kubectl: Kubectl, pod: str, *when: str) -> Iterator[None]:
    """Its memory is taken; whoever takes it ends with the container."""
    command = kubectl.command("exec", pod, "--", "python", "-c", DEVOUR.read_text(), *when)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _restarted(kubectl: Kubectl, name: str, before: int) -> Json:
    pod = kubectl.get(f"pod/{name}")
    assert restarts(pod) > before
    return pod
