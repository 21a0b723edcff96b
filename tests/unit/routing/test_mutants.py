"""The likeliest mistakes of routing are noticed by a random bus."""

from typing import Any

import pytest

from shared.routing import bus as buses
from shared.routing import compiling
from shared.routing.bus import Bus
from shared.rules.parsing import parse
from tests.unit.routing.test_buses import judge

_by_target, _made, _records = buses._by_target, Bus._made, Bus._records


def _last_rule_first(rules: Any) -> Any:
    return {target: asking[::-1] for target, asking in _by_target(rules).items()}


def _one_rule_a_target(rules: Any) -> Any:
    return {target: asking[:1] for target, asking in _by_target(rules).items()}


def _first_target_alone(rules: Any) -> Any:
    return dict(list(_by_target(rules).items())[:1])


def _twice(self: Bus, original: Any, wanted: Any, only: Any, again: str) -> Any:
    copies, broken = _made(self, original, wanted, only, again)
    return copies + copies, broken


def _sent_broken(self: Bus, original: Any, wanted: Any, only: Any, again: str) -> Any:
    copies, broken = _made(self, original, wanted, only, again)
    return [*copies, *(each.copy for each in broken)], []


def _forgets_what_is_counted(self: Bus, *told: Any, shadow: bool = False) -> Any:
    return [] if shadow else _records(self, *told)


MUTANTS: dict[str, tuple[object, str, Any]] = {
    "the last rule decides": (buses, "_by_target", _last_rule_first),
    "one rule asks": (buses, "_by_target", _one_rule_a_target),
    "one target": (buses, "_by_target", _first_target_alone),
    "each copy twice": (Bus, "_made", _twice),
    "what is broken is sent": (Bus, "_made", _sent_broken),
    "shadows are not told": (Bus, "_records", _forgets_what_is_counted),
    "shadows are sent": (buses, "ON", "shadow"),
    "off is on": (buses, "OFF", "none"),
    "no share": (buses, "_has_share", lambda *_: True),
    "shares of one rule": (buses, "_has_share", lambda rule, hubid: hash((rule.terms.name, hubid)) % 2 == 0),
    "everybody is heard": (compiling, "EVERYBODY", "qf"),
    "nobody else is heard": (compiling, "_of_publishers", lambda *_: parse({"partner": ["coles"]})),
    "everything is admitted": (Bus, "admits_it", lambda *_: True),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(*MUTANTS[name])
    with pytest.raises(AssertionError):
        _judge_many()


def _judge_many() -> None:
    for seed in range(300):
        judge(seed)
