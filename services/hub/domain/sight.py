"""Which types a partner may know of: those that it may publish, and those that its buses may bring it. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.hub.domain.bus import OUR_OWN
from services.hub.domain.listening import is_ours
from services.hub.domain.partner import Partner
from shared.contracts.buses import BusTerms
from shared.routing.compiling import EVERYBODY
from shared.rules.faults import Invalid
from shared.rules.matching import matches
from shared.rules.parsing import parse


def may_see(kind: str, partner: Partner, buses: Iterable[BusTerms], publishers: Mapping[str, Partner]) -> bool:
    """May it see a type of that name? `buses` are its own, `publishers` those that they name, as far as there are
    any."""
    return partner.may_publish(kind) or any(_brings(terms, kind, publishers) for terms in buses)


def _brings(terms: BusTerms, kind: str, publishers: Mapping[str, Partner]) -> bool:
    """May the bus look at others' events of this type, and one of its rules ask for them?"""
    if not any(_publishes(name, kind, publishers) for name in terms.publishers):
        return False
    return _asks_for(terms.admits, kind) and any(_asks_for(rule.when, kind) for rule in terms.rules)


def _publishes(name: str, kind: str, publishers: Mapping[str, Partner]) -> bool:
    if name == OUR_OWN:
        return is_ours(kind)
    return name == EVERYBODY or (name in publishers and publishers[name].may_publish(kind))


def _asks_for(pattern: Mapping[str, Any], kind: str) -> bool:
    """By what it says of types alone; whatever else it says may be so."""
    if "type" not in pattern:
        return True
    try:
        return matches(parse({"type": pattern["type"]}), {"type": kind})
    except Invalid:  # a release that reads it knows
        return False
