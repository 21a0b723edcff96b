"""What a comparison says, by hand, and whose turn it is."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest

from services.cli.broker_node import PrivateBroker
from tests.bench import used
from tests.bench.against import OURS, THEIRS, Comparison, play
from tests.bench.used import Measured


def measured(per_second: float, services: float, broker: float) -> Measured:
    return Measured(
        per_second=per_second,
        services_cpu_ms=services,
        broker_cpu_ms=broker,
        cpu_ms=services + broker,
        client_cpu_ms=1.0,
        elsewhere_cores=0.5,
    )


ROUNDS = (
    {OURS: measured(100, 4, 2), THEIRS: measured(50, 8, 2)},
    {OURS: measured(90, 5, 1), THEIRS: measured(60, 5, 2)},
    {OURS: measured(40, 6, 3), THEIRS: measured(80, 4, 4)},
)


def test_of_each_round_the_ratio_is_taken_and_of_the_ratios_the_median() -> None:
    found = {figure.name: (figure.value, list(figure.runs)) for figure in Comparison("sagas", ROUNDS).figures()}
    expected = {
        "sagas_ours_per_second": (90, [100, 90, 40]),
        "sagas_theirs_per_second": (60, [50, 60, 80]),
        "sagas_ours_to_theirs_per_second": (1.5, [2.0, 1.5, 0.5]),
        "sagas_ours_to_theirs_cpu_ms": (6 / 7, [0.6, 6 / 7, 1.125]),
    }
    assert {name: found[name] for name in expected} == expected
    assert {name for name in found if "client" in name} == {"sagas_ours_client_cpu_ms", "sagas_theirs_client_cpu_ms"}


class Idle:
    """A side that writes down its turns."""

    pids: frozenset[int] = frozenset()

    def __init__(self, name: str, turns: list[tuple[str, str]]) -> None:
        self._name, self._turns = name, turns

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It has nothing to end."""

    def work(self, tag: str, count: int, begin: Callable[[], Any]) -> float:
        begin()
        self._turns.append((self._name, tag))
        return float(count)


def test_both_sides_work_in_every_round_and_take_turns_in_who_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(used, "wait_until_quiet", lambda _pids, _within: None)
    turns: list[tuple[str, str]] = []
    told: list[str] = []
    running = {side: Idle(side, turns) for side in (OURS, THEIRS)}
    rounds = play(running, PrivateBroker(tmp_path), 10, 3, told.append)
    assert turns == [
        (OURS, "round-0"),
        (THEIRS, "round-0"),
        (THEIRS, "round-1"),
        (OURS, "round-1"),
        (OURS, "round-2"),
        (THEIRS, "round-2"),
    ]
    assert told == [side for side, _ in turns]
    assert [set(each) for each in rounds] == [{OURS, THEIRS}] * 3
