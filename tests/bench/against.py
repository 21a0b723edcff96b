"""Two commits in one run: round after round, each in turn, on one broker; what else the machine does hits both.

What one side does in a round is over, to the last acknowledgement, before the other begins. Of each round the ratio is
taken, and of the ratios the median: single rates and times drift with the machine, ratios hardly.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from services.cli.broker_node import PrivateBroker
from tests.bench.figures import Figure, short
from tests.bench.sides import Batches, Purchases, Sagas, Side, Singles
from tests.bench.trees import Tree
from tests.bench.used import MEASURES, Measured, Meter, Used
from tests.kit.broker import VirtualHosts

OURS: Final = "ours"
THEIRS: Final = "theirs"
SIDES: Final = (OURS, THEIRS)


@dataclass(frozen=True)
class Job:
    """What is done in a round, `count` times; after a first round that is not counted."""

    side: Callable[[Tree, Path, str], Side]
    count: int
    warm_up: int


JOBS: Final[Mapping[str, Job]] = {
    "sagas": Job(Sagas, 800, 400),
    "purchases": Job(Purchases, 100, 50),
    "events": Job(Batches, 5_000, 2_000),
    "single-events": Job(Singles, 1_500, 500),
}
USUAL: Final = ("sagas", "purchases")
"""What is compared where nothing is named."""


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
                measure(side, broker, "warm", job.warm_up)
            found = play(running, broker, job.count, rounds, told)
    finally:
        broker.stop()
    return Comparison(name, found)


def play(
    running: Mapping[str, Side], broker: PrivateBroker, count: int, rounds: int, told: Callable[[str], Any]
) -> list[dict[str, Measured]]:
    """Each side once in every round; they take turns in who begins."""
    order, found = tuple(running), []
    for number in range(rounds):
        found.append(one := dict[str, Measured]())
        for side in order if number % 2 == 0 else reversed(order):
            told(side)
            one[side] = measure(running[side], broker, f"round-{number}", count)
    return found


def measure(side: Side, broker: PrivateBroker, tag: str, count: int) -> Measured:
    """So many pieces of work, and what they cost until all is at rest again."""
    meter = Meter(lambda: side.pids, broker)
    began: list[Used] = []
    per_second = side.work(tag, count, lambda: began.append(meter.read()))
    return meter.read_at_rest().since(began[0], count, per_second)
