"""What telemetry costs: the five-step saga without any, with logs and metrics, and with traces beside them.

All stand ready the whole time and take turns, round after round, so that whatever else the machine does hits all alike.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from threading import Thread
from typing import Any, Final

from tests.bench.figures import Figure
from tests.bench.ours import Ours
from tests.bench.uncounted import UNCOUNTED

PATIENCE: Final = 150.0
WARM_UP: Final = 200
WITHOUT: Final = "without"
TARGETS: Final = {"logs_and_metrics": "", "everything": "below 15"}


class _Sink(BaseHTTPRequestHandler):
    """Takes spans and forgets them: a collector's own work is not ours."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""


def measure(
    home: Path, broker_url: Callable[[], str], *, rounds: int, sagas: int, in_flight: int, told: Callable[[str], Any]
) -> list[Figure]:
    """Each gets a virtual host of its own from `broker_url`. Raises `Failed`, where the stores do not hold it all."""
    rates, cpu = defaultdict[str, list[float]](list), defaultdict[str, list[float]](list)
    with ExitStack() as stack:
        sink = stack.enter_context(ThreadingHTTPServer(("127.0.0.1", 0), _Sink))
        Thread(target=sink.serve_forever, daemon=True).start()
        stack.callback(sink.shutdown)
        ways = _ways(f"http://127.0.0.1:{sink.server_port}")
        running = {name: Ours(home / name, broker_url(), more=more) for name, more in ways.items()}
        for ours in running.values():
            stack.enter_context(ours)
            ours.run("warm", WARM_UP, in_flight, PATIENCE)
        for number in range(rounds):
            for name, ours in running.items():
                told(name)
                before = ours.cpu_seconds
                rates[name].append(ours.run(f"round-{number}", sagas, in_flight, PATIENCE)["rate"])
                cpu[name].append((ours.cpu_seconds - before) / sagas * 1000)
    return [*_figures(rates, cpu)]


def _ways(collector: str) -> dict[str, Mapping[str, str]]:
    """The environments of the processes; the default share of traces is recorded."""
    return {
        WITHOUT: {UNCOUNTED: "1", "LOG_LEVEL": "ERROR"},
        "logs_and_metrics": {},
        "everything": {"OTEL_EXPORTER_OTLP_ENDPOINT": collector},
    }


def _figures(rates: Mapping[str, list[float]], cpu: Mapping[str, list[float]]) -> Iterator[Figure]:
    for name, found in rates.items():
        yield Figure(f"telemetry_{name}_per_second", median(found), "1/s", tuple(found))
        yield Figure(f"telemetry_{name}_cpu", median(cpu[name]), "ms", tuple(cpu[name]))
    for name, target in TARGETS.items():
        slower = tuple(100 * (1 - rate / bare) for rate, bare in zip(rates[name], rates[WITHOUT], strict=True))
        yield Figure(f"telemetry_{name}_cost", median(slower), "%", slower, target)
        more = tuple(100 * (used / bare - 1) for used, bare in zip(cpu[name], cpu[WITHOUT], strict=True))
        yield Figure(f"telemetry_{name}_more_cpu", median(more), "%", more)
