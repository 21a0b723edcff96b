"""A bus as it is kept: the revision in force, who may change what of it, and what a change would do."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Final, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, computed_field

from shared.contracts.buses import BY_KEY, MOST_TARGETS, WITH_QUEUES, BusTerms, RuleTerms, mark_of
from shared.contracts.copies import dead_target_queue, target_queue
from shared.contracts.delivery import ConfigureTargets
from shared.kernel.values import changed
from shared.rules.faults import pointer_to
from shared.web.problems import Fault

MOST_QUEUED: Final = 2 * MOST_TARGETS
"""Targets of a bus that have queues, with those that it has left out: as many as two files may have."""
OUR_OWN: Final = "milesaga"
"""Whose our own events are."""


class KeptBus(BaseModel):
    """Its name is its id. Without `terms` it was deleted, and goes on counting if it is made again.

    `left` are targets that were there before, since when they are not: their queues are taken away when they have long
    been empty.
    """

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    revision: int
    terms: BusTerms | None
    owner: str
    """Its partner, or the one that it had when it was deleted."""
    by: str
    at: AwareDatetime
    left: dict[str, AwareDatetime] = {}
    going: dict[str, AwareDatetime] = {}
    """Those of the left whose queues are taken away at this moment, since then."""
    ordered: dict[str, int] = {}
    """Targets that keep keys in order, with the revision since which they do."""
    owned_since: int | None = None
    owned_at: AwareDatetime | None = None
    """By which revision, and when, it became its owner's; None where an earlier release saved that one."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def mark(self) -> str:
        """What changes with every revision: replicas look at it alone."""
        return mark_of(self.id, self.revision)

    @property
    def partner(self) -> str | None:
        return self.terms.partner if self.terms else None


class PastBus(BaseModel):
    """A revision that is not in force any more."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    bus: str
    revision: int
    terms: BusTerms | None
    by: str
    at: AwareDatetime

    @classmethod
    def of(cls, kept: KeptBus) -> Self:
        return cls(
            id=past_id(kept.id, kept.revision),
            bus=kept.id,
            revision=kept.revision,
            terms=kept.terms,
            by=kept.by,
            at=kept.at,
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that a revision does to a bus. `name` is that of the rule or target."""

    what: Literal["bus", "rule", "target"]
    name: str
    change: Literal["added", "changed", "removed", "moved"]


def past_id(bus: str, revision: int) -> str:
    return f"{bus}:{revision}"


def following(kept: KeptBus | None, name: str, terms: BusTerms | None, by: str, now: datetime) -> KeptBus:
    """The next revision."""
    here = queued(terms)
    gone = {**dict.fromkeys(queued(kept.terms), now), **kept.left} if kept else {}
    left = {target: since for target, since in gone.items() if target not in here}
    revision = kept.revision + 1 if kept else 1
    owner = terms.partner if terms else kept.owner if kept else ""
    before = kept.ordered if kept else {}
    ordered = {target: before.get(target, revision) for target in _ordered(terms)}
    stays = kept is not None and kept.owner == owner
    return KeptBus(
        id=name,
        revision=revision,
        terms=terms,
        owner=owner,
        by=by,
        at=now,
        left=left,
        ordered=ordered,
        owned_since=kept.owned_since if kept is not None and stays else revision,
        owned_at=kept.owned_at if kept is not None and stays else now,
    )


def queued(terms: BusTerms | None) -> list[str]:
    """Its targets that have queues, in the order of the file."""
    return [name for name, target in terms.targets.items() if target.kind in WITH_QUEUES] if terms else []


def names_too_many(kept: KeptBus | None, terms: BusTerms) -> bool:
    """Would there be queues of too many targets, by those that it names anew?"""
    there = {*queued(kept.terms), *kept.left} if kept else set()
    after = there.union(queued(terms))
    return len(after) > max(len(there), MOST_QUEUED)


def leaving(kept: KeptBus, targets: Iterable[str], now: datetime) -> KeptBus:
    """With those of the targets to be taken away that it has not: their queues were made for nothing."""
    here = queued(kept.terms)
    return changed(kept, left={**{target: now for target in targets if target not in here}, **kept.left})


def left_by(kept: KeptBus | None, terms: BusTerms) -> list[str]:
    """Targets whose queues must be empty before the bus says that: what waits there would be nobody's; and where it
    becomes another partner's, that one would be sent, and could read, copies of what its former owner's bus looked at.
    """
    if kept is None:
        return []
    if kept.owner != terms.partner:
        return list(dict.fromkeys([*queued(kept.terms), *kept.left]))
    here = queued(terms)
    return [target for target in queued(kept.terms) if target not in here]


def _ordered(terms: BusTerms | None) -> list[str]:
    return [name for name, target in terms.targets.items() if target.order == BY_KEY] if terms else []


def targets_of(kept: KeptBus) -> ConfigureTargets:
    """What delivery is to know of it: without terms it has no targets."""
    targets = kept.terms.targets if kept.terms else {}
    return ConfigureTargets(bus=kept.id, revision=kept.revision, partner=kept.owner, targets=targets)


def queues_of(bus: str, targets: Iterable[str]) -> list[str]:
    """Two of each target."""
    return [queue for name in targets for queue in (target_queue(bus, name), dead_target_queue(bus, name))]


def same(one: BaseModel | None, other: BaseModel | None) -> bool:
    """Do they say the same? As they are written: to Python, 1 is true."""
    return one is other or (one is not None and other is not None and one.model_dump_json() == other.model_dump_json())


def changes(old: BusTerms | None, new: BusTerms | None) -> list[Change]:
    """What is different, and nothing where they are equal."""
    found: list[Change] = []
    if old is None or new is None:
        if old is not new:
            found.append(Change("bus", "", "added" if old is None else "removed"))
    elif not same(changed(old, rules=(), targets={}), changed(new, rules=(), targets={})):
        found.append(Change("bus", "", "changed"))
    before, after = _rules(old), _rules(new)
    found += [Change("rule", *each) for each in _different(before, after)]
    staying = [name for name in before if name in after]
    if staying != [name for name in after if name in before]:
        found.append(Change("rule", "", "moved"))  # the first of several rules decides what a target is sent
    targets = _different(old.targets if old else {}, new.targets if new else {})
    return [*found, *(Change("target", *each) for each in targets)]


def _rules(terms: BusTerms | None) -> dict[str, RuleTerms]:
    return {rule.name: rule for rule in terms.rules} if terms else {}


def _different(
    before: Mapping[str, BaseModel], after: Mapping[str, BaseModel]
) -> Iterator[tuple[str, Literal["added", "changed", "removed"]]]:
    yield from ((name, "removed") for name in before if name not in after)
    for name, thing in after.items():
        if name not in before:
            yield name, "added"
        elif not same(before[name], thing):
            yield name, "changed"


def for_operators(old: BusTerms | None, new: BusTerms) -> list[Fault]:
    """What of a file its partner may keep as an operator has written it, but neither write nor change: what speaks to
    services of the house, and whose events the bus looks at."""
    found = []
    if new.publishers != (old.publishers if old else ()):
        found.append(Fault("is for operators to say", pointer="/publishers"))
    targets = old.targets if old else {}
    for name, target in new.targets.items():
        if target.service is not None and not same(target, targets.get(name)):
            found.append(Fault("is for operators to say", pointer=pointer_to(("targets", name, "service"))))
    rules = old.rules if old else ()
    for place, rule in enumerate(new.rules):
        if _commands(rule, new) and not any(same(rule, each) for each in rules):
            found.append(Fault("speaks to a service: it is for operators", pointer=pointer_to(("rules", place))))
    return found


def _commands(rule: RuleTerms, terms: BusTerms) -> bool:
    to_service = any((target := terms.targets.get(name)) and target.service for name in rule.to)
    return rule.as_type is not None or bool(to_service)
