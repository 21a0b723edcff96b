"""Why a bus makes the copies of an event that it makes: rule by rule, in the words of the rules' language."""

from dataclasses import dataclass
from typing import Literal

from shared.contracts.archive import ArchivedEvent
from shared.routing.bus import OFF, SHADOW, Bus
from shared.routing.compiling import Rule
from shared.routing.copying import Original
from shared.rules.explaining import Finding, explain

State = Literal["sends", "counts", "left_out", "does_not_match", "off"]


@dataclass(frozen=True, slots=True)
class RuleExplained:
    """One rule: whether it `sends`, only `counts` (`shadow`), matches and leaves the event out by its share, does
    not match, or is off. `why` is None of what was not tried."""

    rule: str
    to: tuple[str, ...]
    state: State
    why: Finding | None


@dataclass(frozen=True, slots=True)
class Explained:
    """One event on one bus. `admits` is why the bus looks at it, or does not; then no rule was tried."""

    enabled: bool
    admits: Finding
    rules: tuple[RuleExplained, ...]


def explained(bus: Bus, event: ArchivedEvent) -> Explained:
    """By every rule, in the file's order. It costs far more than routing does. Raises TooMuchWork."""
    original = Original(event)
    admits = explain(bus.rules.admits, original.document)
    if not (bus.terms.enabled and admits.holds):
        return Explained(bus.terms.enabled, admits, ())
    matched = {match.rule for match in bus.matched(original).matches}
    return Explained(True, admits, tuple(_rule(rule, original, matched) for rule in bus.rules.rules))


def _rule(rule: Rule, original: Original, matched: set[str]) -> RuleExplained:
    terms = rule.terms
    if terms.mode == OFF:
        return RuleExplained(terms.name, terms.to, "off", None)
    why = explain(rule.when, original.document)
    state: State = "counts" if terms.mode == SHADOW else "sends"
    if terms.name not in matched:
        state = "left_out" if why.holds else "does_not_match"
    return RuleExplained(terms.name, terms.to, state, why)
