"""The likeliest mistakes are noticed: by a cell of the table, a value at its limit, or a random rule."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from shared.rules.matching import matches
from shared.rules.operators.parsing import OPERATORS
from shared.rules.parsing import parse
from tests.unit.rules.mutants import MUTANTS
from tests.unit.rules.test_chance import judge, judge_many
from tests.unit.rules.test_truth_table import LIMITS, ROWS
from tests.unit.rules.truth import VALUES, event_with, pattern_for

SEEDS = 2_000
SEEDS_OF_MANY = 200


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for mutation in MUTANTS[name]:
        monkeypatch.setattr(*mutation)
    assert (
        _is_missed(_check_limit, LIMITS)
        or _is_missed(_check_row, ROWS)
        or _is_missed(judge, range(SEEDS))
        or _is_missed(judge_many, range(SEEDS_OF_MANY))
    ), f"nothing notices {name}"


def test_without_a_mistake_nothing_is_noticed() -> None:
    assert not _is_missed(_check_limit, LIMITS)
    assert not _is_missed(_check_row, ROWS)


def test_every_operator_has_a_mistake() -> None:
    assert set(OPERATORS) <= {name.partition(":")[0] for name in MUTANTS}


def _check_limit(limit: tuple[Any, Any, bool]) -> None:
    test, value, verdict = limit
    assert matches(parse({"f": [test]}), event_with(value)) is verdict


def _check_row(row: tuple[Any, dict[str, bool]]) -> None:
    wanted, cells = row
    pattern = parse(pattern_for(wanted))
    assert {name: matches(pattern, event_with(VALUES[name])) for name in cells} == cells


def _is_missed(check: Callable[[Any], object], about: Iterable[Any]) -> bool:
    return any(_fails(check, each) for each in about)


def _fails(check: Callable[[Any], object], about: Any) -> bool:
    try:
        check(about)
    except Exception:  # noqa: BLE001 - however it fails, it is noticed
        return True
    return False
