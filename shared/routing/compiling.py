"""From a bus's terms to its rules as they are tried. All that is wrong with a file is told at once, by pointer."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from shared.contracts.buses import NAME, BusTerms, RuleTerms, TargetTerms
from shared.routing.wrong import WrongBus
from shared.rules.costs import TooCostly, cost_of
from shared.rules.documents import PARTNER
from shared.rules.faults import Fault, Invalid, JsonPath, pointer_to
from shared.rules.limits import BUS_COST
from shared.rules.parsing import parse
from shared.rules.pattern import Pattern
from shared.rules.templates import Template, template_of

ADMITS: Final = "admits"
EVERYBODY: Final = "*"
TYPE: Final = re.compile(r"[a-z][a-z0-9_-]{0,60}(\.[a-z][a-z0-9_-]{0,60}){0,6}\.v[1-9][0-9]{0,5}")
"""Of what a copy may be called instead."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, ready; `place` is where it stands in the file."""

    place: int
    terms: RuleTerms
    when: Pattern
    template: Template | None


@dataclass(frozen=True, slots=True)
class Rules:
    """Of a bus: which events it looks at, and what it does with them. `cost` is that of what the file says."""

    admits: Pattern
    rules: tuple[Rule, ...]
    cost: int


def rules_of(name: str, terms: BusTerms) -> Rules:
    """Raises WrongBus."""
    faults = [*_wrong_names(name, terms), *_wrong_targets(terms)]
    admits = _parsed(terms.admits, (ADMITS,), faults) if terms.admits else Pattern()
    rules = [
        Rule(place, each, _parsed(each.when, ("rules", place, "when"), faults), _template(each, place, faults))
        for place, each in enumerate(terms.rules)
    ]
    if faults:
        raise WrongBus(faults)
    return Rules(_of_publishers(terms, admits), tuple(rules), _cost(admits, rules))


def _of_publishers(terms: BusTerms, admits: Pattern) -> Pattern:
    """A partner's bus never sees what others publish, whatever it admits, unless an operator has opened it."""
    if EVERYBODY in terms.publishers:
        return admits
    return Pattern(every=(parse({PARTNER: [terms.partner, *terms.publishers]}), admits))


def _cost(admits: Pattern, rules: list[Rule]) -> int:
    """Of rules that are off as well: whoever turns one on shall not be refused then. Raises WrongBus."""
    try:
        cost = admits.cost + cost_of([(rule.terms.name, rule.when) for rule in rules])
    except TooCostly as error:
        place = next(rule.place for rule in rules if rule.terms.name == error.rule)
        fault = Fault(pointer_to(("rules", place)), "a rule that costs less", error.detail)
        raise WrongBus([fault], error.code, error.rule) from error
    if cost > BUS_COST:
        found = f"{admits.cost}, {cost} with all rules"
        fault = Fault(pointer_to((ADMITS,)), f"at most {BUS_COST} for the whole bus", found)
        raise WrongBus([fault], "rule_too_costly", ADMITS)
    return cost


def _wrong_names(name: str, terms: BusTerms) -> Iterator[Fault]:
    if not re.fullmatch(NAME, name):
        yield Fault("", "a bus of a name that is one", name[:100])
    names: set[str] = set()
    for place, rule in enumerate(terms.rules):
        at = ("rules", place)
        if rule.name in names:
            yield Fault(pointer_to((*at, "name")), "a name that no other rule has", rule.name)
        names.add(rule.name)
        for number, target in enumerate(rule.to):
            if target not in terms.targets:
                yield Fault(pointer_to((*at, "to", number)), "the name of one of the targets", target)
            elif target in rule.to[:number]:
                yield Fault(pointer_to((*at, "to", number)), "each target once", target)


def _wrong_targets(terms: BusTerms) -> Iterator[Fault]:
    """`as` gives a service of the house a message of its own: it names that service's types alone."""
    for place, rule in enumerate(terms.rules):
        if rule.as_type is None:
            continue
        at = pointer_to(("rules", place, "as"))
        if not TYPE.fullmatch(rule.as_type):
            yield Fault(at, "a type such as desk.run.v1", rule.as_type[:100])
            continue
        for name in rule.to:
            target = terms.targets.get(name)
            if target is not None and not _may_be(target, rule.as_type):
                yield Fault(at, f"a type of the service {target.service}: {target.service}....", rule.as_type)


def _may_be(target: TargetTerms, kind: str) -> bool:
    return target.service is None or kind.startswith(f"{target.service}.")


def _parsed(data: object, at: JsonPath, faults: list[Fault]) -> Pattern:
    try:
        return parse(data)
    except Invalid as invalid:
        faults += _below(at, invalid)
        return Pattern()


def _template(rule: RuleTerms, place: int, faults: list[Fault]) -> Template | None:
    if rule.template is None:
        return None
    try:
        return template_of(rule.template)
    except Invalid as invalid:
        faults += _below(("rules", place, "template"), invalid)
        return None


def _below(at: JsonPath, invalid: Invalid) -> list[Fault]:
    return [Fault(pointer_to(at) + fault.pointer, fault.expected, fault.found) for fault in invalid.faults]
