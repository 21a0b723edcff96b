"""What a process measures itself by: counters as things happen, stores and queues looked at now and then, traces."""

import asyncio
from collections.abc import Collection, Sequence
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Final

from shared.bus.broker import Bus
from shared.bus.dead_letters import DeadLetters
from shared.kernel.clock import CheckedClock
from shared.runtime.every import Every
from shared.runtime.service import Service, Task
from shared.runtime.settings import RuntimeSettings
from shared.runtime.version import VERSION
from shared.store.documents import Store
from shared.telemetry import catalogue, figures, spans
from shared.telemetry.looking import Looks
from shared.telemetry.process import Telemetry
from shared.telemetry.queues import DeadByFault, queues
from shared.telemetry.watched_store import WatchedStore

if TYPE_CHECKING:
    from shared.telemetry.otlp import OtlpTracer

SEVERAL: Final = "milesaga"
"""What traces call a process of more than one service."""


class Instruments:
    """One for each process."""

    def __init__(self, telemetry: Telemetry, bus: Bus, clock: CheckedClock, seconds: float) -> None:
        """`seconds` lie between two looks."""
        self._telemetry = telemetry
        self._bus = bus
        self._clock = clock
        self._looks = Looks(telemetry.series)
        self._seconds = seconds
        self._stores: list[WatchedStore] = []
        self._tracer: OtlpTracer | None = None

    def trace(self, settings: RuntimeSettings, services: Collection[str]) -> None:
        """Record traces from now on, where the settings name a collector."""
        if settings.otel_exporter_otlp_endpoint is None:
            return
        from shared.telemetry.otlp import OtlpTracer  # noqa: PLC0415 - costs a second and 20 MB, which few want

        name = next(iter(services)) if len(services) == 1 else SEVERAL
        endpoint, share = str(settings.otel_exporter_otlp_endpoint), settings.otel_traces_sampler_arg
        self._tracer = OtlpTracer(endpoint, name, VERSION, share)
        spans.install(self._tracer)

    async def close(self) -> None:
        """Send the spans that have gathered. A collector that is away holds up nobody who does not wait."""
        tracer, self._tracer = self._tracer, None
        if tracer is None:
            return
        spans.install(None)
        loop = asyncio.get_running_loop()
        sent = asyncio.Event()

        def send() -> None:
            tracer.close()
            with suppress(RuntimeError):  # nobody waited so long
                loop.call_soon_threadsafe(sent.set)

        Thread(target=send, name="traces", daemon=True).start()
        await sent.wait()

    def watched(self, store: Store, service: str) -> Store:
        """The service's store, whose answers are timed and whose collections are looked at."""
        watched = WatchedStore(store, service, self._telemetry)
        self._stores.append(watched)
        return watched

    def looking(self, services: Sequence[Service], broker_url: str) -> Task:
        """The task that looks, once the stores are open."""
        with_queues = [service.name for service in services if service.table]
        for store in self._stores:
            figure = figures.standing(store.service, store.collections, self._clock)
            self._looks.add(f"{store.service}: standing", figure)
        for service in services:
            self._telemetry.series.gauges[catalogue.BUILD][service.name, VERSION] = 1.0
            for number, figure in enumerate(service.figures):
                self._looks.add(f"{service.name}: {number}", figure)
        self._looks.add("queues", queues(with_queues, self._bus.depths))
        for name in with_queues:
            letters = DeadByFault(name, self._bus.depths, lambda one: DeadLetters(broker_url, [one], patience=0.0))
            self._looks.add(f"{name}: dead letters", letters)
        return Every(self._seconds, self._looks.once, name="figures")

    async def scrape(self) -> bytes:
        """Everything in Prometheus' text format, from memory."""
        series = self._telemetry.series
        publishing = self._bus.ready and self._bus.publisher.connected
        series.gauges[catalogue.CONNECTED][()] = float(publishing)
        series.gauges[catalogue.CLOCK][()] = self._clock.offset.total_seconds()
        series.counts[catalogue.PUBLISHED][()] = self._bus.publisher.published
        series.counts[catalogue.CONNECTIONS][()] = self._bus.connections
        return series.exposition()
