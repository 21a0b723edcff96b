"""What is wrong with a bus's file, by pointer, all at once."""

from typing import Any

import pytest

from shared.contracts.buses import BusTerms
from shared.routing.bus import compiled
from shared.routing.compiling import rules_of
from shared.routing.trying import failing
from shared.routing.wrong import WrongBus
from tests.unit.routing.samples import ISSUED, a_rule, terms


def faults(told: BusTerms, name: str = "fuel") -> list[str]:
    with pytest.raises(WrongBus) as wrong:
        compiled(name, 1, told)
    return [fault.pointer for fault in wrong.value.faults]


def test_all_that_is_wrong_is_told_at_once() -> None:
    told = terms(
        a_rule(to=("bi", "nowhere", "bi")),
        a_rule(when={"type": "x"}),
        a_rule("c", template={"$no": 1}),
        a_rule("d", when={"data": {"a": [{"like": 1}]}, "$xor": []}),
        admits={"type": []},
        targets={"bi": {"queue": True}},
    )
    assert faults(told) == [
        "/rules/0/to/1",
        "/rules/0/to/2",
        "/rules/1/name",
        "/admits/type",
        "/rules/1/when/type",
        "/rules/2/template",
        "/rules/3/when/data/a/0/like",
        "/rules/3/when/$xor",
    ]


@pytest.mark.parametrize("name", ["", "Fuel", "a.b", "1st", "a" * 42])
def test_a_bus_has_a_name(name: str) -> None:
    assert faults(terms(), name) == [""]


@pytest.mark.parametrize(
    ("target", "kind", "is_wrong"),
    [
        ({"service": "desk"}, "desk.run.v1", False),
        ({"service": "desk"}, "payment.capture_card.v1", True),
        ({"service": "desk"}, "desk", True),
        ({"service": "desk"}, "desk.run", True),
        ({"queue": True}, "other.run.v1", False),
    ],
)
def test_a_service_is_given_a_type_of_its_own(target: dict[str, Any], kind: str, is_wrong: bool) -> None:
    told = terms(a_rule(to=("t",), **{"as": kind}), targets={"t": target})
    if is_wrong:
        assert faults(told) == ["/rules/0/as"]
    else:
        compiled("fuel", 1, told)


def test_rules_that_cost_too_much_are_refused_by_name() -> None:
    dear = {"type": [ISSUED], "data": {"a": [{"wildcard": "*a*"}] * 90}}
    with pytest.raises(WrongBus) as wrong:
        compiled("fuel", 1, terms(*(a_rule(f"r{n}", when=dear) for n in range(20))))
    assert wrong.value.code == "rule_too_costly"
    assert wrong.value.rule.startswith("r")
    (fault,) = wrong.value.faults
    assert fault.pointer == f"/rules/{wrong.value.rule[1:]}"


def test_what_a_bus_admits_costs_as_well() -> None:
    rules = [a_rule(f"r{n}", when={"type": [ISSUED], "data": {"a": [{"wildcard": "*a*"}] * 54}}) for n in range(10)]
    compiled("fuel", 1, terms(*rules))
    with pytest.raises(WrongBus) as wrong:
        compiled("fuel", 1, terms(*rules, admits={"source": [{"wildcard": "*a*"}] * 90}))
    assert (wrong.value.code, wrong.value.rule) == ("rule_too_costly", "admits")


def test_too_many_rules_without_an_exact_value_are_refused() -> None:
    rules = [a_rule(f"r{n}", when={"type": [{"prefix": "a"}]}) for n in range(51)]
    compiled("fuel", 1, terms(*rules[:50]))
    with pytest.raises(WrongBus) as wrong:
        compiled("fuel", 1, terms(*rules))
    assert (wrong.value.code, wrong.value.rule) == ("rule_without_anchor", "r50")


@pytest.mark.parametrize(
    ("when", "examples", "count"),
    [
        ({"type": [ISSUED]}, {ISSUED: [{"id": 1}]}, 0),
        ({"type": [ISSUED]}, {ISSUED: [{"id": 1}, {}]}, 1),
        ({"type": [ISSUED], "data": {"id": [{"exists": True}]}}, {ISSUED: [{}]}, 0),
        ({"type": [ISSUED], "source": ["/only/there"]}, {ISSUED: [{}]}, 1),
        ({"type": [ISSUED]}, {"another.v1": [{}]}, 0),
        ({"data": {"id": [1]}}, {ISSUED: [{}]}, 0),
    ],
)
def test_a_template_is_tried_on_the_examples_that_its_rule_matches(
    when: dict[str, Any], examples: dict[str, list[Any]], count: int
) -> None:
    told = terms(a_rule(when=when, template={"$": "/data/id", "required": True}))
    found = failing(told, rules_of("fuel", told), examples)
    assert [fault.pointer for fault in found] == ["/rules/0/template"] * count
