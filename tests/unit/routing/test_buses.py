"""All buses together, compared with the obvious way by random buses and events."""

import random
from hashlib import sha256
from typing import Any

import pytest

from shared.contracts.archive import ArchivedEvent
from shared.contracts.buses import BusTerms
from shared.routing import work
from shared.routing.bus import Bus, Routing, compiled
from shared.routing.buses import Buses, Undecided
from shared.rules.documents import document_of
from shared.rules.matching import matches
from shared.rules.parsing import parse
from tests.unit.routing.samples import ISSUED, a_rule, an_event, terms

HEAVY = {"data": {"a": [{"wildcard": "*a*b*c*d*"}, {"wildcard": "*b*c*d*e*"}, {"wildcard": "*c*d*e*f*"}]}}
LONG = {"a": ["x"] * 400_000}


def test_each_bus_that_admits_an_event_makes_its_own_copies() -> None:
    buses = Buses(
        [
            compiled("fuel", 1, terms(a_rule())),
            compiled("air", 2, terms(a_rule())),
            compiled("none", 3, terms(a_rule(), admits={"partner": ["other"]})),
            compiled("still", 4, terms(a_rule(), enabled=False)),
        ]
    )
    found = [each for each in buses.route(an_event()) if isinstance(each, Routing)]
    assert [(each.bus, each.revision, len(each.copies)) for each in found] == [("air", 2, 1), ("fuel", 1, 1)]
    assert len({copy.deliveryid for each in found for copy in each.copies}) == 2


def test_what_matches_nothing_is_nothing() -> None:
    assert Buses([compiled("fuel", 1, terms(a_rule()))]).route(an_event(kind="retail.other.v1")) == []
    assert Buses([]).route(an_event()) == []


@pytest.mark.parametrize("heavy", ["rules", "admits"])
def test_a_bus_with_too_much_work_costs_itself_alone(heavy: str) -> None:
    buses = Buses(
        [
            compiled("a", 1, terms(a_rule())),
            compiled("b", 2, terms(a_rule(when=HEAVY)) if heavy == "rules" else terms(a_rule(), admits=HEAVY)),
            compiled("c", 3, terms(a_rule())),
            compiled("d", 4, terms(a_rule(), admits={"partner": ["other"]})),
        ]
    )
    found = buses.route(an_event(data=LONG))
    assert [each.bus for each in found] == ["a", "b", "c"]
    assert found[1] == Undecided("b", 2)
    assert all(isinstance(each, Routing) and each.copies for each in (found[0], found[2]))


def test_all_buses_of_a_partner_together_have_a_few_times_the_work_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is within its limits; a partner with fifty would stop a process for minutes by one event."""
    monkeypatch.setattr(work, "STEPS", 100)
    monkeypatch.setattr(work, "OF_A_PARTNER", 250)
    looking = a_rule(when={"data": {"a": [{"numeric": [">", 1]}]}})
    theirs = {"partner": "qf", "publishers": ["coles"]}
    buses = Buses([
        *(compiled(f"b{number}", 1, terms(looking)) for number in range(6)),
        compiled("other", 1, terms(looking, **theirs)),
        compiled("plain", 1, terms(a_rule())),
    ])  # fmt: skip
    found = buses.route(an_event(data={"a": [1] * 59 + [2]}))
    assert [each.bus for each in found if isinstance(each, Undecided)] == ["b4", "b5"]
    assert [each.bus for each in found if isinstance(each, Routing)] == ["b0", "b1", "b2", "b3", "other", "plain"]


NAMES = ("a", "b")
TYPES = (ISSUED, "retail.other.v1", "air.flown.v1")
PATTERNS: tuple[dict[str, Any], ...] = (
    {"type": [ISSUED]},
    {"type": [{"prefix": "retail."}]},
    {"type": [ISSUED, "air.flown.v1"], "data": {"total": [{"numeric": [">=", 2]}]}},
    {"data": {"total": [1, 3]}},
    {"$not": {"data": {"total": [1]}}},
    {"partner": ["coles"]},
    {"$or": [{"partner": ["qf"]}, {"data": {"total": [2]}}]},
)


def random_terms(chance: random.Random) -> BusTerms:
    rules = [
        {
            "name": f"r{number}",
            "when": chance.choice(PATTERNS),
            "to": chance.sample(("x", "y", "z"), chance.randint(1, 3)),
            "mode": chance.choice(("on", "on", "shadow", "off")),
            "share": chance.choice((100, 100, 50)),
            "template": chance.choice((None, {"n": number}, {"t": {"$": "/data/total", "required": True}})),
        }
        for number in range(chance.randint(0, 4))
    ]
    told = {
        "partner": "coles",
        "publishers": chance.choice(((), ("qf",), ("*",))),
        "admits": chance.choice(({}, *PATTERNS)),
        "rules": rules,
        "targets": {name: {"queue": True} for name in ("x", "y", "z")},
        "enabled": chance.random() < 0.9,
    }
    return BusTerms.model_validate(told)


def random_event(chance: random.Random) -> ArchivedEvent:
    data = chance.choice(({"total": 1}, {"total": 2}, {"total": 3}, {}, {"total": [1, 2]}))
    hubid = f"0195-{chance.randrange(10_000)}"
    return an_event(hubid, chance.choice(TYPES), chance.choice(("coles", "qf")), data=data)


def obvious(bus: Bus, event: ArchivedEvent, half: set[str]) -> dict[str, tuple[Any, ...]]:
    """By target: the rules asked, whether each was only counted, and which one decides, rule by rule in their order.
    `half` are the events that a share of 50 has."""
    document = document_of(event.event, event.partner)
    found: dict[str, tuple[Any, ...]] = {}
    terms = bus.terms
    if event.partner != "coles" and not terms.publishers:
        return found
    if not terms.enabled or (terms.admits and not matches(parse(terms.admits), document)):
        return found
    for mode in ("on", "shadow"):
        for rule in terms.rules:
            in_share = rule.share == 100 or event.hubid in half
            if rule.mode == mode and in_share and matches(parse(rule.when), document):
                for target in rule.to:
                    found[f"{target} {mode}"] = (*found.get(f"{target} {mode}", ()), rule.name)
    return found


def in_half(event: ArchivedEvent) -> bool:
    return int(sha256(event.hubid.encode()).hexdigest()[:16], 16) % 100 < 50


def judge(seed: int) -> None:
    chance = random.Random(seed)
    buses = [compiled(name, number, random_terms(chance)) for number, name in enumerate(NAMES, start=1)]
    together = Buses(buses)
    for _ in range(5):
        event = random_event(chance)
        half = {event.hubid} if in_half(event) else set()
        routed = {each.bus: each for each in together.route(event) if isinstance(each, Routing)}
        for bus in buses:
            _compare(bus, routed.get(bus.name) or Routing(bus.name, bus.revision), obvious(bus, event, half), event)


def _compare(bus: Bus, routing: Routing, expected: dict[str, tuple[Any, ...]], event: ArchivedEvent) -> None:
    told = {f"{each.target} {'shadow' if each.shadow else 'on'}": each.rules for each in routing.records}
    assert told == expected
    assert {match.rule for match in routing.matches} == {rule for rules in expected.values() for rule in rules}
    assert routing == bus.route(event)
    made = [*routing.copies, *(each.copy for each in routing.broken)]
    assert {copy.target: copy.rule for copy in made} == {
        name.removesuffix(" on"): rules[0] for name, rules in expected.items() if name.endswith(" on")
    }
    assert len({copy.deliveryid for copy in made}) == len(made)
    has_total = "total" in event.event["data"]
    for copy in routing.copies:
        template = next(rule.template for rule in bus.terms.rules if rule.name == copy.rule)
        assert has_total or template is None or "t" not in template
    assert not routing.broken or not has_total


@pytest.mark.parametrize("start", range(0, 400, 100))
def test_random_buses_do_what_the_obvious_way_does(start: int) -> None:
    for seed in range(start, start + 100):
        judge(seed)
