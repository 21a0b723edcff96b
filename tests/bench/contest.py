"""Our five-step saga beside its peers, in one run: round after round, each in turn, on one broker."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Final, Protocol, Self

from tests.bench.children import Failed
from tests.bench.figures import Figure
from tests.bench.ours import Ours
from tests.bench.theirs import Peer

PATIENCE: Final = 150.0
"""Seconds for one measurement; a peer that needs longer is stuck."""
WARM_UP: Final = 100
OURS: Final = "saga_5_steps"
FASTSTREAM: Final = "saga_5_steps_faststream"


class Contestant(Protocol):
    """Processes that carry out five-step sagas."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, tag: str, count: int, in_flight: int, within: float) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Entrant:
    """Who takes part, and with how many sagas: as many as take a few seconds."""

    name: str
    make: Callable[[Path], Contestant]
    sagas: int


def entrants(broker_url: str, python: Path, sagas: int) -> Sequence[Entrant]:
    """Ours first. `python` has the peers' packages."""

    def ours(driver: str) -> Callable[[Path], Contestant]:
        return lambda folder: Ours(folder, broker_url, driver=driver)

    def peer(name: str) -> Callable[[Path], Contestant]:
        return lambda folder: Peer(name, folder, python, broker_url)

    return (
        Entrant(OURS, ours("thin"), sagas),
        Entrant("peer_taskiq", peer("taskiq"), sagas // 2),
        Entrant("peer_dbos", peer("dbos"), sagas // 8),
        Entrant("peer_celery", peer("celery"), sagas // 4),
        Entrant(FASTSTREAM, ours("faststream"), sagas // 2),
    )


class Contest:
    """Measures every entrant once in each round, so that a slow minute of the machine hits all alike."""

    def __init__(self, home: Path, in_flight: int) -> None:
        self._home = home
        self._in_flight = in_flight
        self._rates: dict[str, list[float]] = {}

    def measure(self, entrant: Entrant, round_number: int) -> None:
        """One entrant, in fresh processes; theirs are gone before the next one's start. Raises `Failed`."""
        with entrant.make(self._home / f"{entrant.name}-{round_number}") as contestant:
            contestant.run("warm", WARM_UP, self._in_flight, PATIENCE)
            found = contestant.run("run", entrant.sagas, self._in_flight, PATIENCE)
        self._rates.setdefault(entrant.name, []).append(found["rate"])

    def figures(self) -> list[Figure]:
        ours = median(self._of(OURS))
        targets = {
            OURS: " and ".join(
                f"{ours / median(self._of(peer)):.2f} x {peer.removeprefix('peer_')} (at least {least} x)"
                for peer, least in (("peer_taskiq", 1.2), ("peer_dbos", 4))
            ),
            FASTSTREAM: f"thin consumer: {ours / median(self._of(FASTSTREAM)):.2f} x",
        }
        return [
            Figure(f"{name}_per_second", median(rates), "1/s", tuple(rates), targets.get(name, ""))
            for name, rates in self._rates.items()
        ]

    def _of(self, name: str) -> list[float]:
        if name not in self._rates:
            raise Failed(f"{name} was not measured")
        return self._rates[name]
