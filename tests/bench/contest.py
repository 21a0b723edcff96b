"""Our five-step saga beside its peers, in one run: round after round, each in turn, on one broker.

All of them stand ready the whole time, and a round is short, so that whatever else the machine does hits all alike. The
rates of one round are compared; of such comparisons the median counts.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any, Final, Protocol, Self

from tests.bench.figures import Figure
from tests.bench.ours import Ours
from tests.bench.theirs import Peer

PATIENCE: Final = 150.0
"""Seconds for one measurement; whoever needs longer is stuck."""
WARM_UP: Final = 200
OURS: Final = "saga_5_steps"
FASTSTREAM: Final = "saga_5_steps_faststream"
COMPARED: Final = {"peer_taskiq": "at least 1.6", "peer_dbos": "at least 5", "peer_celery": "", FASTSTREAM: ""}
"""With whom ours is compared, and what is asked for."""


class Contestant(Protocol):
    """Processes that carry out five-step sagas."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, tag: str, count: int, in_flight: int, within: float) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Entrant:
    """Who takes part, and with how many sagas in a round: as many as take it about as long as the others."""

    name: str
    contestant: Contestant
    sagas: int


def entrants(home: Path, broker_url: Callable[[], str], python: Path, sagas: int) -> Sequence[Entrant]:
    """Ours first. Each gets a virtual host of its own from `broker_url`; `python` has the peers' packages."""

    def peer(name: str) -> Peer:
        return Peer(name, home / name, python, broker_url())

    return (
        Entrant(OURS, Ours(home / OURS, broker_url()), sagas),
        Entrant("peer_taskiq", peer("taskiq"), sagas * 3 // 4),
        Entrant("peer_dbos", peer("dbos"), sagas // 5),
        Entrant("peer_celery", peer("celery"), sagas // 3),
        Entrant(FASTSTREAM, Ours(home / FASTSTREAM, broker_url(), driver="faststream"), sagas * 3 // 4),
    )


class Contest:
    """Measures every entrant once in each round. At its end each must prove what it did: `Failed` otherwise."""

    def __init__(self, taking_part: Sequence[Entrant], in_flight: int) -> None:
        self._taking_part = taking_part
        self._in_flight = in_flight
        self._rates: dict[str, list[float]] = {entrant.name: [] for entrant in taking_part}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for entrant in self._taking_part:
                stack.enter_context(entrant.contestant)
                entrant.contestant.run("warm", WARM_UP, self._in_flight, PATIENCE)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def round(self, number: int, told: Callable[[str], Any]) -> None:
        """One measurement of each. `told` is given the name of whoever's turn it is."""
        for entrant in self._taking_part:
            told(entrant.name)
            found = entrant.contestant.run(f"round-{number}", entrant.sagas, self._in_flight, PATIENCE)
            self._rates[entrant.name].append(found["rate"])

    def figures(self) -> list[Figure]:
        rates = [
            Figure(f"{name}_per_second", median(found), "1/s", tuple(found)) for name, found in self._rates.items()
        ]
        return [*rates, *(self._ratio(name, target) for name, target in COMPARED.items())]

    def _ratio(self, name: str, target: str) -> Figure:
        ratios = tuple(ours / theirs for ours, theirs in zip(self._rates[OURS], self._rates[name], strict=True))
        other = name.removeprefix("peer_").removeprefix(f"{OURS}_")
        return Figure(f"{OURS}_to_{other}", median(ratios), "ratio", ratios, target)
