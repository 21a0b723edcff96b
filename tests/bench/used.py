"""Who used how much of the processor, for each piece of work: the services, the broker, whoever asks, all others."""

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from typing import Final

from services.cli.broker_node import PrivateBroker
from tests.bench.processes import cpu_seconds, machine_cpu_seconds, wait_until_quiet

REST_WITHIN: Final = 60.0


@dataclass(frozen=True)
class Measured:
    """Work that was done. CPU is user and system time, in milliseconds for each piece of it."""

    per_second: float
    services_cpu_ms: float
    """Of all processes of ours: services, sandbox."""
    broker_cpu_ms: float
    cpu_ms: float
    """Of both."""
    client_cpu_ms: float
    """Of whoever asks; no part of the above."""
    elsewhere_cores: float
    """How much of the machine something else used meanwhile."""


MEASURES: Final = {each.name: "ms" for each in fields(Measured)} | {"per_second": "1/s", "elsewhere_cores": "cores"}
"""Each with its unit."""


class Meter:
    """Reads the kernel's accounts of some processes, which may change, of a broker, and of this process: the client."""

    def __init__(self, services: Callable[[], Collection[int]], broker: PrivateBroker) -> None:
        self._services = services
        self._broker = broker

    def read(self) -> "Used":
        broker = set(self._broker.processes)
        return Used(
            at=time.monotonic(),
            services=cpu_seconds({*self._services()} - broker),  # a stack's own broker is a child of it
            broker=cpu_seconds(broker),
            client=time.process_time(),
            machine=machine_cpu_seconds(),
        )

    def read_at_rest(self) -> "Used":
        """When what was begun is over. Raises `Failed`."""
        wait_until_quiet(lambda: {*self._services(), *self._broker.processes}, REST_WITHIN)
        return self.read()


@dataclass(frozen=True)
class Used:
    """CPU seconds so far."""

    at: float
    services: float
    broker: float
    client: float
    machine: float

    def since(self, before: "Used", count: int, per_second: float) -> Measured:
        """For each of `count` pieces of work."""
        services, broker = self.services - before.services, self.broker - before.broker
        client = self.client - before.client
        elsewhere = self.machine - before.machine - services - broker - client
        each = 1000 / count
        return Measured(
            per_second=per_second,
            services_cpu_ms=services * each,
            broker_cpu_ms=broker * each,
            cpu_ms=(services + broker) * each,
            client_cpu_ms=client * each,
            elsewhere_cores=max(0.0, elsewhere) / (self.at - before.at),
        )
