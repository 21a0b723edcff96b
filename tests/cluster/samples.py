"""What a cluster does, second by second."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import httpx

from services.cli.deploy.kubernetes.broker import PASSWORD
from services.cli.deploy.kubernetes.secrets import SCALER
from services.house import HOUSE
from tests.cluster.kubectl import Kubectl

PAUSE: Final = 0.5


@dataclass(frozen=True)
class Sample:
    """`at`: seconds since the first. By service: replicas that are wanted and available, messages that wait or are in
    hand."""

    at: float
    wanted: Mapping[str, int]
    available: Mapping[str, int]
    messages: Mapping[str, int]


@dataclass
class Samples:
    begun: float = field(default_factory=time.monotonic)
    all: list[Sample] = field(default_factory=list)

    def now(self) -> float:
        return time.monotonic() - self.begun

    @property
    def last(self) -> Sample:
        return self.all[-1]

    def take(self, kubectl: Kubectl, management: httpx.Client) -> None:
        at = self.now()
        rollouts = kubectl.get("rollouts")["items"]
        queues = management.get("/api/queues/%2F").json()
        ours = {each.name for each in HOUSE}
        self.all.append(
            Sample(
                at,
                {each["metadata"]["name"]: each["spec"].get("replicas", 1) for each in rollouts},
                {each["metadata"]["name"]: each["status"].get("availableReplicas", 0) for each in rollouts},
                {each["name"]: each.get("messages", 0) for each in queues if each["name"] in ours},
            )
        )


@contextmanager
def sampled(kubectl: Kubectl) -> Iterator[Samples]:
    """Samples are taken until the block ends."""
    samples, stop = Samples(), threading.Event()
    with kubectl.opened("rabbitmq", 15672) as url, httpx.Client(base_url=url, auth=(SCALER, PASSWORD)) as management:

        def go_on() -> None:
            while not stop.wait(PAUSE):
                samples.take(kubectl, management)

        samples.take(kubectl, management)
        thread = threading.Thread(target=go_on)
        thread.start()
        try:
            yield samples
        finally:
            stop.set()
            thread.join()
