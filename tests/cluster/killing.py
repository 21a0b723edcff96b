"""Pods that are taken away in the middle of their work."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

from tests.cluster.kubectl import Json, Kubectl, is_ready, restarts
from tests.eventually import eventually_sync

DEVOUR: Final = Path(__file__).with_name("devour.py")
WITHIN: Final = 120.0
TRIES: Final = 3
SIGKILLED: Final = 137
"""An exit code."""
GONE: Final[Json] = {"reason": "gone"}


def ready_one(kubectl: Kubectl, service: str) -> Json:
    """The first pod that is ready, once there is one."""
    return eventually_sync(lambda: next(filter(is_ready, kubectl.pods(service)), None), WITHIN) or {}


def kill(kubectl: Kubectl, service: str, *when: str) -> Json:
    """A pod passes its memory limit, `draining` or not; how its container ended, once another one is in its place. A
    pod that the autoscaler takes away meanwhile tells nothing: then another one is killed."""
    for _ in range(TRIES):
        pod = ready_one(kubectl, service)
        name, before = pod["metadata"]["name"], restarts(pod)
        with devouring(kubectl, name, *when):
            ended = eventually_sync(partial(_ended, kubectl, name, before), WITHIN)
        if ended is not GONE:
            return ended
    raise AssertionError(f"{TRIES} pods of {service} were taken away before they could be killed")


@contextmanager
def devouring(kubectl: Kubectl, pod: str, *when: str) -> Iterator[None]:
    """Its memory is taken; whoever takes it ends with the container."""
    command = kubectl.command("exec", pod, "--", "python", "-c", DEVOUR.read_text(), *when)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.terminate()


def _ended(kubectl: Kubectl, name: str, before: int) -> Json:
    found = kubectl("get", f"pod/{name}", "--ignore-not-found", "--output=json")
    if not found:
        return GONE
    pod: Json = json.loads(found)
    assert restarts(pod) > before
    ended: Json = pod["status"]["containerStatuses"][0]["lastState"]["terminated"]
    return ended
