"""What concerns all requests: the files in force, freezes, who lost his power, which lanes are taken, open reviews."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import AwareDatetime

from services.releases.domain.happenings import Entry
from services.releases.domain.policy import Matching, Rules
from services.releases.domain.request import CLOSED, Request, lane_of
from shared.kernel.acts import SINGLES, SINGLES_WITHIN, payload
from shared.kernel.digest import digest
from shared.kernel.values import Value, changed

LIFTING: Final = "releases.lift_freeze"
"""No freeze holds against the act that ends one, and none but it: whatever else is asked for under its name waits."""
FREEZES: Final = "/v1/releases/freezes"
MOST_FREEZES: Final = 100
MOST_WAITING: Final = 1_000
MOST_INACTIVE: Final = 1_000
MOST_REVIEWS: Final = 200
MOST_SINGLE_LANES: Final = 50
"""More than there are services; a stranger who invents others has them asked for."""


class Freeze(Value):
    """What matches is neither granted nor begun, from `start` to before `end`."""

    id: str
    match: Matching
    start: AwareDatetime
    end: AwareDatetime | None = None
    by: str
    reason: str = ""

    @property
    def lifted_by(self) -> str:
        """The digest of the request that ends it."""
        return digest(payload("DELETE", f"{FREEZES}/{self.id}", "", b""))


class Review(Value):
    """Somebody broke the glass, and nobody has agreed yet that it was right."""

    person: str
    due: AwareDatetime


class Standing(Value):
    """Folded from the whole log, and small: it stands in the log's head."""

    policy_version: int = 0
    policy_digest: str = ""
    people_version: int = 0
    people_digest: str = ""
    freezes: tuple[Freeze, ...] = ()
    inactive: Mapping[str, int] = {}
    """Persons, and the version of the file of people in which they stood when they lost their power: a later one, which
    somebody has reviewed, may give it back."""
    lanes: Mapping[str, str] = {}
    """The request that waits, by lane."""
    reviews: Mapping[str, Review] = {}
    """By request."""
    singles: Mapping[str, tuple[AwareDatetime, ...]] = {}
    """When single acts were done of late, by lane."""

    def knows(self, rules: Rules) -> bool:
        """Are these files the newest that the log has?"""
        return (self.policy_digest, self.people_digest) == (rules.policy_digest, rules.people_digest)

    def is_active(self, person: str, rules: Rules) -> bool:
        lost = self.inactive.get(person)
        return lost is None or lost < rules.people.version

    def frozen(self, request: Request, now: datetime) -> Freeze | None:
        """The freeze that holds now, if any."""
        action, environment, target = request.action, request.environment, request.target
        if action == LIFTING and any(request.digest == each.lifted_by for each in self.freezes):
            return None
        holds = (each for each in self.freezes if each.start <= now and (each.end is None or now < each.end))
        return next((each for each in holds if each.match.takes(action, environment, target)), None)

    def may_be_single(self, lane: str, now: datetime) -> bool:
        """Is one more act in the lane still a single one?"""
        recent = _recent(self.singles, now)
        if lane not in recent:
            return len(recent) < MOST_SINGLE_LANES
        return len(recent[lane]) < SINGLES

    def has_overdue_review(self, person: str, now: datetime) -> bool:
        return any(each.person == person and now >= each.due for each in self.reviews.values())


def folded(standing: Standing, entry: Entry) -> Standing:
    """How all stands after the entry."""
    if entry.kind in _FOLDS:
        return _FOLDS[entry.kind](standing, entry)  # type: ignore[no-any-return]
    if entry.kind in CLOSED or entry.kind == "executing":
        lanes = {lane: id_ for lane, id_ in standing.lanes.items() if id_ != entry.request}
        return changed(standing, lanes=lanes)
    return standing


def _rules(standing: Standing, entry: Entry) -> Standing:
    facts = entry.facts
    return changed(
        standing,
        policy_version=facts["policy_version"],
        policy_digest=facts["policy_digest"],
        people_version=facts["people_version"],
        people_digest=facts["people_digest"],
        inactive={id_: lost for id_, lost in standing.inactive.items() if lost >= facts["people_version"]},
    )


def _requested(standing: Standing, entry: Entry) -> Standing:
    facts = entry.facts
    lane = lane_of(facts["action"], facts["environment"], facts["target"])
    return changed(standing, lanes={**standing.lanes, lane: entry.request})


def _frozen(standing: Standing, entry: Entry) -> Standing:
    facts = entry.facts
    added = Freeze(
        id=facts["id"],
        match=Matching(**facts["match"]),
        start=facts["start"],
        end=facts["end"],
        by=entry.actor,
        reason=facts["reason"],
    )
    kept = tuple(each for each in standing.freezes if each.end is None or each.end > entry.at)
    return changed(standing, freezes=(*kept, added))


def _thawed(standing: Standing, entry: Entry) -> Standing:
    return changed(standing, freezes=tuple(each for each in standing.freezes if each.id != entry.facts["id"]))


def _deactivated(standing: Standing, entry: Entry) -> Standing:
    inactive = {**standing.inactive, str(entry.facts["person"]): int(entry.facts["people_version"])}
    return changed(standing, inactive=inactive)


def _broke_glass(standing: Standing, entry: Entry) -> Standing:
    due = datetime.fromisoformat(entry.facts["review_due"])
    return changed(standing, reviews={**standing.reviews, entry.request: Review(person=entry.actor, due=due)})


def _reviewed(standing: Standing, entry: Entry) -> Standing:
    """`last` is said where nobody else need look."""
    if not entry.facts["last"]:
        return standing
    return changed(standing, reviews={id_: each for id_, each in standing.reviews.items() if id_ != entry.request})


def _single(standing: Standing, entry: Entry) -> Standing:
    facts, recent = entry.facts, _recent(standing.singles, entry.at)
    lane = lane_of(facts["action"], facts["environment"], facts["target"])
    return changed(standing, singles={**recent, lane: (*recent.get(lane, ()), entry.at)})


def _recent(singles: Mapping[str, tuple[datetime, ...]], now: datetime) -> dict[str, tuple[datetime, ...]]:
    """Those that count still."""
    since = now - SINGLES_WITHIN
    left = {lane: tuple(at for at in times if at > since) for lane, times in singles.items()}
    return {lane: times for lane, times in left.items() if times}


_FOLDS: Final[dict[str, Any]] = {
    "rules": _rules,
    "requested": _requested,
    "frozen": _frozen,
    "thawed": _thawed,
    "deactivated": _deactivated,
    "broke_glass": _broke_glass,
    "reviewed": _reviewed,
    "single": _single,
}
