"""An event is explained as it is routed: rule by rule, with the clause that decided."""

import random
from typing import Any

import pytest

from shared.routing.bus import Bus, compiled
from shared.routing.copying import Original
from shared.routing.explaining import explained
from tests.unit.routing.samples import ISSUED, a_rule, an_event, terms
from tests.unit.rules.chance import a_pattern, some_events

LARGE = {"data": {"total": [{"numeric": [">=", 4000]}]}}


def bus(*rules: dict[str, Any], **more: Any) -> Bus:
    return compiled("fuel", 3, terms(*rules, **more))


def test_each_rule_says_what_it_does_and_the_clause_that_decided() -> None:
    rules = a_rule(), a_rule("dark", mode="shadow"), a_rule("large", when=LARGE), a_rule("old", mode="off")
    found = explained(bus(*rules), an_event())
    assert [(each.rule, each.state) for each in found.rules] == [
        ("all", "sends"),
        ("dark", "counts"),
        ("large", "does_not_match"),
        ("old", "off"),
    ]
    assert str(found.rules[0].why) == f"/type: '{ISSUED}' is what /type/0 asks"
    assert str(found.rules[2].why) == "/data/total: 3000 is not what /data/total asks"
    assert found.rules[3].why is None


def test_what_is_not_admitted_is_tried_by_no_rule() -> None:
    found = explained(bus(a_rule(), admits={"source": [{"prefix": "/aldi/"}]}), an_event())
    assert (found.admits.holds, found.rules) == (False, ())
    assert "/source: '/coles/tills/7' is not what" in str(found.admits)
    foreign = explained(bus(a_rule()), an_event(partner="aldi"))
    assert "/partner: 'aldi' is not what" in str(foreign.admits)
    assert not explained(bus(a_rule(), enabled=False), an_event()).enabled


@pytest.mark.parametrize("seed", range(200))
def test_what_is_explained_is_what_is_routed(seed: int) -> None:
    chance = random.Random(seed)
    data = some_events(chance, 4)
    patterns = [{"type": [ISSUED], "data": a_pattern(chance, data[0])} for _ in range(6)]
    modes, shares = ("on", "on", "shadow", "off"), (100, 100, 50)
    rules = [
        a_rule(f"r{n}", when=when, mode=chance.choice(modes), share=chance.choice(shares))
        for n, when in enumerate(patterns)
    ]
    tried = bus(*rules)
    for number, each in enumerate(data):
        event = an_event(f"0195-{seed}-{number}", data=each)
        matches = {match.rule: match.mode for match in tried.route(event).matches}
        asking = {rule.name for rule in tried.asking(Original(event))}
        for rule in explained(tried, event).rules:
            mode = matches.get(rule.rule)
            assert (rule.state == "sends") == (mode == "on")
            assert (rule.state == "counts") == (mode == "shadow")
            assert (rule.state == "left_out") == (rule.rule in asking - set(matches))
            assert (rule.state in {"does_not_match", "off"}) == (rule.rule not in asking)
