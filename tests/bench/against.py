"""Two commits in one run: round after round, each in turn, on one broker; what else the machine does hits both.

What one side does in a round is over, to the last acknowledgement, before the other begins. Of each round the ratio is
taken, and of the ratios the median: single rates and times drift with the machine, ratios hardly.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from services.cli.broker_node import PrivateBroker
from tests.bench.figures import Figure, short
from tests.bench.processes import cpu_seconds, machine_cpu_seconds, wait_until_quiet
from tests.bench.sides import Purchases, Sagas, Side
from tests.bench.trees import Tree
from tests.kit.broker import VirtualHosts

REST_WITHIN: Final = 30.0
OURS: Final = "ours"
THEIRS: Final = "theirs"
SIDES: Final = (OURS, THEIRS)


@dataclass(frozen=True)
class Job:
    """What is done in a round, `count` times; after a first round that is not counted."""

    side: Callable[[Tree, Path, str], Side]
    count: int
    warm_up: int


JOBS: Final[Mapping[str, Job]] = {"sagas": Job(Sagas, 800, 400), "purchases": Job(Purchases, 100, 50)}


@dataclass(frozen=True)
class Measured:
    """One side's part of a round. CPU is user and system time, in milliseconds for each piece of work."""

    per_second: float
    services_cpu_ms: float
    """Of the side's own processes: services, sandbox."""
    broker_cpu_ms: float
    cpu_ms: float
    """Of both."""
    client_cpu_ms: float
    """Of whoever asks; no part of the above."""
    elsewhere_cores: float
    """How much of the machine something else used meanwhile."""


MEASURES: Final = {each.name: "ms" for each in fields(Measured)} | {"per_second": "1/s", "elsewhere_cores": "cores"}
"""Each with its unit."""
COMPARED: Final = frozenset({"per_second", "services_cpu_ms", "broker_cpu_ms", "cpu_ms"})


class Comparison:
    """What was measured of both sides, round by round."""

    def __init__(self, job: str, rounds: Sequence[Mapping[str, Measured]]) -> None:
        self._job = job
        self._rounds = rounds

    def figures(self) -> list[Figure]:
        """Of each measure ours and theirs, and of what is asked for ours to theirs: medians of the rounds."""
        return [figure for each in MEASURES for figure in (*self._sides(each), *self._ratio(each))]

    def show(self, out: Console, title: str) -> None:
        table = Table(title=title, title_justify="left")
        for column in (self._job, *SIDES, "ours to theirs", "each round"):
            table.add_column(column, justify="left" if column in {self._job, "each round"} else "right")
        for each in MEASURES:
            ours, theirs = (short(figure.value) for figure in self._sides(each))
            ratio = next(iter(self._ratio(each)), None)
            runs = "  ".join(f"{run:.2f}" for run in ratio.runs) if ratio else ""
            table.add_row(each, ours, theirs, f"{ratio.value:.3f}" if ratio else "", runs)
        out.print(table)

    def _sides(self, measure: str) -> Iterator[Figure]:
        for side in SIDES:
            values = self._values(side, measure)
            yield Figure(f"{self._job}_{side}_{measure}", median(values), MEASURES[measure], values)

    def _ratio(self, measure: str) -> Iterator[Figure]:
        if measure in COMPARED:
            pairs = zip(*(self._values(side, measure) for side in SIDES), strict=True)
            ratios = tuple(ours / theirs for ours, theirs in pairs)
            yield Figure(f"{self._job}_ours_to_theirs_{measure}", median(ratios), "ratio", ratios)

    def _values(self, side: str, measure: str) -> tuple[float, ...]:
        return tuple(getattr(measured[side], measure) for measured in self._rounds)


class _Used:
    """CPU seconds so far, of everybody who is told apart."""

    def __init__(self, side: Side, broker: PrivateBroker) -> None:
        self.at = time.monotonic()
        self.services = cpu_seconds(side.pids)
        self.broker = cpu_seconds(broker.processes)
        self.client = time.process_time()
        self.machine = machine_cpu_seconds()

    def since(self, before: "_Used", count: int, per_second: float) -> Measured:
        services, broker, client = (
            self.services - before.services,
            self.broker - before.broker,
            self.client - before.client,
        )
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


def compare(name: str, files: Mapping[str, Tree], home: Path, rounds: int, told: Callable[[str], Any]) -> Comparison:
    """Rounds of a job by both `SIDES`. `told` is given the side whose turn it is.

    Raises `Failed` where some of the work did not end well, `BrokerError` without a broker.
    """
    job = JOBS[name]
    broker = PrivateBroker(home)
    broker.start()
    try:
        hosts = VirtualHosts(broker)
        with ExitStack() as stack:
            running = {
                side: stack.enter_context(job.side(tree, home / side, hosts.take())) for side, tree in files.items()
            }
            for side in running.values():
                _measure(side, broker, "warm", job.warm_up)
            found = play(running, broker, job.count, rounds, told)
    finally:
        broker.stop()
    return Comparison(name, found)


def play(
    running: Mapping[str, Side], broker: PrivateBroker, count: int, rounds: int, told: Callable[[str], Any]
) -> list[dict[str, Measured]]:
    """Each side once in every round; they take turns in who begins."""
    found = []
    for number in range(rounds):
        found.append(one := dict[str, Measured]())
        for side in SIDES if number % 2 == 0 else reversed(SIDES):
            told(side)
            one[side] = _measure(running[side], broker, f"round-{number}", count)
    return found


def _measure(side: Side, broker: PrivateBroker, tag: str, count: int) -> Measured:
    began: list[_Used] = []
    per_second = side.work(tag, count, lambda: began.append(_Used(side, broker)))
    wait_until_quiet(lambda: {*side.pids, *broker.processes}, REST_WITHIN)
    return _Used(side, broker).since(began[0], count, per_second)
