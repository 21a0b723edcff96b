"""Which messages on the broker the hub wants to hear: as few as the buses and the partners ask for."""

import re
from collections.abc import Iterable
from typing import Final

from services.hub.domain.bus import OUR_OWN
from services.hub.domain.partner import TYPE, Partner
from shared.contracts import CATALOGUE
from shared.contracts.buses import BusTerms
from shared.routing.compiling import EVERYBODY

EVERYTHING = "#"
LONGEST_KEY: Final = 255
"""Characters of a routing key."""
OUR_WORDS: Final = frozenset(contract.owner() for contract in CATALOGUE.values())
"""What the types of our own messages begin with: those that a newer release has, too."""


def is_ours(kind: str) -> bool:
    """Whether the type, or what a glob says of types, begins as our own messages' do: no partner's event has it."""
    return kind.partition(".")[0] in OUR_WORDS


def of_our_own(buses: Iterable[BusTerms]) -> frozenset[str]:
    """Patterns of our own events' types that some bus may admit; none where no bus looks at them."""
    patterns = {pattern for terms in buses if _hears_us(terms) for pattern in _types(terms)}
    return frozenset({EVERYTHING}) if EVERYTHING in patterns else frozenset(patterns)


def of_partners(partners: Iterable[Partner]) -> frozenset[str]:
    """Patterns of the types that partners with a user on the broker may publish."""
    patterns = {_pattern(glob) for partner in partners if partner.broker_user for glob in partner.publishes}
    return frozenset({EVERYTHING}) if EVERYTHING in patterns else frozenset(patterns)


def _hears_us(terms: BusTerms) -> bool:
    return terms.enabled and not {OUR_OWN, EVERYBODY}.isdisjoint({terms.partner, *terms.publishers})


def _types(terms: BusTerms) -> list[str]:
    """What `admits` names exactly; everything where it does not. What is no type of a message never comes: to the
    broker it would be a pattern, or a key that it cannot have."""
    named = terms.admits.get("type")
    if isinstance(named, list) and all(isinstance(each, str) for each in named):
        return [each for each in named if len(each) <= LONGEST_KEY and re.fullmatch(TYPE, each)]
    return [EVERYTHING]


def _pattern(glob: str) -> str:
    """As AMQP has it: wider, where a glob ends within a word."""
    exact, star, _ = glob.partition("*")
    if not star:
        return glob
    words, dot, _ = exact.rpartition(".")
    return f"{words}.{EVERYTHING}" if dot else EVERYTHING
