"""A bus's templates, tried on the examples of the types that its rules ask for, before any event comes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.contracts.buses import BusTerms
from shared.routing.compiling import Rule, Rules
from shared.rules.anchors import Anchors, anchors_of
from shared.rules.documents import document_of
from shared.rules.faults import Fault, pointer_to
from shared.rules.looking import TooMuchWork
from shared.rules.matching import matches
from shared.rules.pattern import Pattern
from shared.rules.scalars import key_of
from shared.rules.templates import TemplateFailed

Examples = Mapping[str, Sequence[Any]]
"""Data of events, by their type."""
TOLD_BY_EXAMPLES: Final = frozenset(("type", "data"))
TYPE: Final = ("type",)


def failing(terms: BusTerms, rules: Rules, examples: Examples) -> list[Fault]:
    """Templates that have no result for an example that their rule matches: an example is data alone, so what a rule
    asks of other attributes at its top is taken to hold."""
    return [fault for rule in rules.rules if rule.template is not None for fault in _of(terms, rules, rule, examples)]


def _of(terms: BusTerms, rules: Rules, rule: Rule, examples: Examples) -> Iterator[Fault]:
    asked = [_of_data(rules.admits), _of_data(rule.when)]
    for kind in _kinds(anchors_of(rules.admits), anchors_of(rule.when), examples):
        for place, example in enumerate(examples[kind]):
            event = {"specversion": "1.0", "id": "example", "source": "/example", "type": kind, "data": example}
            document = document_of(event, terms.partner)
            try:
                if all(matches(pattern, document) for pattern in asked) and rule.template is not None:
                    rule.template(document)
            except TooMuchWork:
                continue
            except TemplateFailed as failed:
                at = pointer_to(("rules", rule.place, "template"))
                yield Fault(at, f"a result for example {place} of {kind}", str(failed))


def _kinds(admits: Anchors, when: Anchors, examples: Examples) -> list[str]:
    """Those that the rule names. One that names none is not tried: nobody knows which types it is for."""
    named = [anchors[TYPE] for anchors in (admits, when) if TYPE in anchors]
    return sorted(kind for kind in examples if named and all(key_of(kind) in keys for keys in named))


def _of_data(pattern: Pattern) -> Pattern:
    return replace(pattern, fields=tuple(field for field in pattern.fields if field.name in TOLD_BY_EXAMPLES))
