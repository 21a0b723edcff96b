"""A bus in force: which copies it makes of an event. Live traffic, replays and back-tests all ask this one."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Final

from shared.contracts.archive import ArchivedEvent, RoutedCopy
from shared.contracts.buses import BusTerms, RuleTerms, TargetTerms
from shared.contracts.copies import Copy
from shared.routing.compiling import Rule, Rules, rules_of
from shared.routing.copying import TEMPLATE_FAILED, TOO_MANY_COPIES, Broken, Original, Place
from shared.rules.index import Index
from shared.rules.looking import Look
from shared.rules.matching import Clause
from shared.rules.matching import compiled as clause_of
from shared.rules.templates import TemplateFailed

MOST_COPIES: Final = 50
"""Of one event on one bus; the targets beyond, in the file's order, have a dead letter each."""
ON: Final = "on"
SHADOW: Final = "shadow"
OFF: Final = "off"


@dataclass(frozen=True, slots=True)
class Match:
    """A rule that an event was matched by, and that did not leave it out by its share."""

    rule: str
    mode: str
    to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routing:
    """What one bus makes of one event: nothing at all, where `matches` is empty.

    `copies` are to be sent, `broken` to be put into the dead letters of their targets; `records` say which rules asked
    for which target, also of what was only counted.
    """

    bus: str
    revision: int
    matches: tuple[Match, ...] = ()
    copies: tuple[Copy, ...] = ()
    broken: tuple[Broken, ...] = ()
    records: tuple[RoutedCopy, ...] = ()


@dataclass(frozen=True)
class Bus:
    """One revision of a bus, compiled. It never changes, and any number of threads may share it."""

    name: str
    revision: int
    terms: BusTerms
    rules: Rules = field(repr=False)
    _admits: Clause = field(repr=False)
    _index: Index[Rule] = field(repr=False)
    ordered: Mapping[str, int] = field(default_factory=dict)
    """Targets that keep keys in order, with the revision since which they do."""

    def admits_it(self, original: Original, look: Look | None = None) -> bool:
        """Does it look at the event at all? Raises TooMuchWork."""
        return self.terms.enabled and self._admits(original.document, look or Look(original.document))

    def route(self, event: ArchivedEvent, *, only: Container[str] | None = None, again: str = "") -> Routing:
        """`only`: copies for these targets; `again` names the replay that they are for. Raises TooMuchWork: then nobody
        knows which rules match."""
        original = Original(event)
        return self.matched(original, only=only, again=again) if self.admits_it(original) else self._nothing()

    def matched(
        self,
        original: Original,
        *,
        only: Container[str] | None = None,
        again: str = "",
        look: Look | None = None,
    ) -> Routing:
        """The same of an event that is admitted. Raises TooMuchWork."""
        found = self._index.match(original.document, look)
        rules = [rule for rule in found if _has_share(rule, original.accepted.hubid)]
        if not rules:
            return self._nothing()
        wanted = _by_target(rule for rule in rules if rule.terms.mode == ON)
        counted = _by_target(rule for rule in rules if rule.terms.mode == SHADOW)
        copies, broken = self._made(original, wanted, only, again)
        return Routing(
            self.name,
            self.revision,
            tuple(Match(rule.terms.name, rule.terms.mode, rule.terms.to) for rule in rules),
            tuple(copies),
            tuple(broken),
            (*self._records(original, wanted, only), *self._records(original, counted, only, shadow=True)),
        )

    def asking(self, original: Original, look: Look | None = None) -> list[RuleTerms]:
        """The rules that match an event, whatever their share: what `route` would try. Raises TooMuchWork."""
        if not self.admits_it(original, look):
            return []
        return [rule.terms for rule in self._index.match(original.document, look)]

    def copy(self, event: ArchivedEvent, target: str, again: str) -> Copy:
        """For a replay of all events, whatever the rules say: as they are, under the rule's name `replay`."""
        return Original(event).copy(Place(self.name, target, again), "replay")

    def target(self, name: str) -> TargetTerms:
        return self.terms.targets[name]

    @property
    def anchors(self) -> list[tuple[str, str | None]]:
        """Each rule that is not off, with the pointer that it is found by; None where it is tried on every event."""
        return [(rule.terms.name, pointer) for rule, pointer in self._index.anchors]

    def _nothing(self) -> Routing:
        return Routing(self.name, self.revision)

    def _made(
        self, original: Original, wanted: dict[str, list[Rule]], only: Container[str] | None, again: str
    ) -> tuple[list[Copy], list[Broken]]:
        copies: list[Copy] = []
        broken: list[Broken] = []
        for number, (target, rules) in enumerate(wanted.items(), start=1):
            if only is not None and target not in only:
                continue
            first, place = rules[0], Place(self.name, target, again)
            name, as_type = first.terms.name, first.terms.as_type
            if number > MOST_COPIES:
                detail = f"an event has at most {MOST_COPIES} copies on a bus"
                broken.append(original.broken(place, name, as_type, TOO_MANY_COPIES, detail))
                continue
            try:
                copies.append(original.copy(place, name, first.template, as_type))
            except TemplateFailed as failed:
                broken.append(original.broken(place, name, as_type, TEMPLATE_FAILED, str(failed)))
        return copies, broken

    def _records(
        self, original: Original, rules: dict[str, list[Rule]], only: Container[str] | None, *, shadow: bool = False
    ) -> list[RoutedCopy]:
        return [
            RoutedCopy(
                hubid=original.accepted.hubid,
                bus=self.name,
                revision=self.revision,
                rules=tuple(rule.terms.name for rule in asking),
                target=target,
                shadow=shadow,
            )
            for target, asking in rules.items()
            if only is None or target in only
        ]


def compiled(name: str, revision: int, terms: BusTerms, ordered: Mapping[str, int] | None = None) -> Bus:
    """The bus as it routes. Raises WrongBus, with all that is wrong with it."""
    return replace(bus_of(name, revision, terms, rules_of(name, terms)), ordered=ordered or {})


def bus_of(name: str, revision: int, terms: BusTerms, rules: Rules) -> Bus:
    """The same, of rules that are read already."""
    index = Index([(rule, rule.when) for rule in rules.rules if rule.terms.mode != OFF])
    return Bus(name, revision, terms, rules, clause_of(rules.admits), index)


def _by_target(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """The rules that ask for each target, in the file's order."""
    found: dict[str, list[Rule]] = {}
    for rule in rules:
        for target in rule.terms.to:
            found.setdefault(target, []).append(rule)
    return found


def _has_share(rule: Rule, hubid: str) -> bool:
    """By the event alone: a larger share has all events of a smaller one, and whoever asks again gets the same."""
    if rule.terms.share == 100:  # noqa: PLR2004 - per cent
        return True
    return int.from_bytes(sha256(hubid.encode()).digest()[:8]) % 100 < rule.terms.share
