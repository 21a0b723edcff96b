"""What a cluster does, as it does it: replicas by `kubectl get --watch`, queues by the broker's own metrics, since its
management API answers from a cache when it is busy."""

import re
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import httpx

from services.house import HOUSE
from tests.cluster.kubectl import Kubectl

PAUSE: Final = 0.5
QUEUES: Final = "/metrics/detailed?family=queue_coarse_metrics&family=queue_delivery_metrics"
QUEUE: Final = re.compile(
    r'rabbitmq_detailed_queue_messages(?P<acked>_acked_total)?\{.*queue="(?P<name>\w+)"\} (?P<count>\d+)'
)
REPLICAS: Final = '{.metadata.name}|{.spec.replicas}|{.status.availableReplicas}{"\\n"}'
OURS: Final = frozenset(each.name for each in HOUSE)

Points = list[tuple[float, float]]


class Replicas(NamedTuple):
    """Of a service, from second `at` on."""

    at: float
    wanted: int
    available: int


class Queue(NamedTuple):
    """A service's at second `at`: messages that wait or are in hand, and how many have ever been acknowledged."""

    at: float
    messages: int
    handled: int


@dataclass
class Samples:
    """By service, in the order of time; seconds are since `begun`, a `time.monotonic`."""

    begun: float = field(default_factory=time.monotonic)
    replicas: dict[str, list[Replicas]] = field(default_factory=lambda: defaultdict(list))
    queues: dict[str, list[Queue]] = field(default_factory=lambda: defaultdict(list))

    def now(self) -> float:
        return time.monotonic() - self.begun

    def replicas_said(self, line: str) -> None:
        name, wanted, available = line.split("|")
        self.replicas[name].append(Replicas(self.now(), int(wanted or 1), int(available or 0)))

    def queues_said(self, text: str) -> None:
        """In Prometheus' format."""
        at = self.now()
        found: dict[str, dict[str, int]] = defaultdict(dict)
        for each in QUEUE.finditer(text):
            found[each["name"]]["handled" if each["acked"] else "messages"] = int(each["count"])
        for name in OURS & found.keys():
            self.queues[name].append(Queue(at, found[name].get("messages", 0), found[name].get("handled", 0)))

    def wanted(self, service: str) -> int:
        return self.replicas[service][-1].wanted

    def most(self, service: str, since: float) -> int:
        """Replicas that were wanted at one time."""
        return max(each.wanted for each in (self.at(service, since), *self.after(service, since)))

    def at(self, service: str, second: float) -> Replicas:
        """As it stood then; before the first sample, as it says."""
        known = self.replicas[service]
        return next((each for each in reversed(known) if each.at <= second), known[0])

    def after(self, service: str, second: float) -> list[Replicas]:
        return [each for each in self.replicas[service] if each.at > second]


def ages(queue: Sequence[Queue]) -> Points:
    """The age of a queue's oldest message over time: as if each were taken in its turn, as a queue does, the oldest
    came when as many had come before it as have been handled by now."""
    found: Points = []
    oldest = 0
    for now in queue:
        while oldest < len(queue) and queue[oldest].handled + queue[oldest].messages <= now.handled:
            oldest += 1
        found.append((now.at, max(0.0, now.at - queue[oldest].at) if now.messages else 0.0))
    return found


@contextmanager
def sampled(kubectl: Kubectl) -> Iterator[Samples]:
    """Samples are taken until the block ends."""
    samples, stop = Samples(), threading.Event()
    with kubectl.watching("rollouts", REPLICAS) as lines, kubectl.opened("rabbitmq", 15692) as url:

        def watch() -> None:
            for line in lines:
                samples.replicas_said(line.strip())

        def look() -> None:
            with httpx.Client(base_url=url, timeout=5.0, trust_env=False) as broker:
                while not stop.wait(PAUSE):
                    with suppress(httpx.HTTPError):  # a broker that is restarted tells nothing meanwhile
                        samples.queues_said(broker.get(QUEUES).raise_for_status().text)

        threads = [threading.Thread(target=each, daemon=True) for each in (watch, look)]
        for each in threads:
            each.start()
        try:
            yield samples
        finally:
            stop.set()
            threads[1].join()
