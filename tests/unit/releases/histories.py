"""Random histories of requests by seed, and what must hold of every log, read as somebody would who knows no fold."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

from services.releases.domain import commands as said
from services.releases.domain.happenings import Entry
from services.releases.domain.policy import Matching
from services.releases.domain.windows import Span
from shared.kernel.values import changed
from tests.unit.releases.places import DAY, DIGEST, HOUR, MINUTE, OTHER, PEOPLE, RULES, SECOND, Place, by

STEPS = 60
PERSONS = ("ana", "bia", "caio", "davi", "eva", "robot", "stranger-1")
GROUPS = {each.id: set(each.groups) for each in PEOPLE.person}
NEEDS = {"production": ["sre", "owners"], "night": ["sre", "sre"]}
PAUSES = (
    timedelta(),
    timedelta(),
    timedelta(),
    SECOND,
    SECOND,
    MINUTE,
    MINUTE,
    5 * MINUTE,
    11 * MINUTE,
    HOUR,
    3 * HOUR,
)
ENDS = ("denied", "expired", "withdrawn", "superseded", "revoked", "grant_lapsed")


class Broken(AssertionError):
    """The log tells of something that must not happen."""


def history(seed: int) -> Place:
    """Live through one; what the log tells is judged at every step."""
    chance = random.Random(seed)
    place = Place()
    chances = Chances(chance, place)
    seen = 1
    for _ in range(STEPS):
        command, request = chances.next()
        place.command(command, request)
        for n in range(seen, len(place.entries)):
            judge(place.entries[: n + 1])
        seen = len(place.entries)
        place.later(chance.choice(PAUSES))
    return place


class Chances:
    """What people come up with: the right thing mostly, often at the wrong time."""

    def __init__(self, chance: random.Random, place: Place) -> None:
        self._chance = chance
        self._place = place
        self._count = 0
        self._freezes: list[str] = []

    def next(self) -> tuple[said.Command, str]:
        """A command, and the request that it is for."""
        kinds: list[tuple[Callable[[str], said.Command], int]] = [
            (self._ask, 6),
            (self._approve, 16),
            (self._grant, 8),
            (self._redeem, 10),
            (self._outcome, 4),
            (self._deny, 1),
            (self._withdraw, 1),
            (self._revoke, 1),
            (self._break, 6),
            (self._look, 3),
            (lambda _: said.Tick(), 4),
            (self._freeze, 1),
            (self._thaw, 1),
            (self._deactivate, 3),
        ]
        newest = self._place.entries[-1]
        if newest.kind == "granted" and self._chance.random() < 0.3:
            return self._chance.choice((self._freeze, self._deactivate))(newest.request), newest.request
        if newest.kind in {"frozen", "deactivated"} and self._chance.random() < 0.5:
            request = self._place.entries[-2].request or "r-none"
            return self._redeem(request), request
        made = self._chance.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]
        waiting = list(self._place.requests)[-3:]
        request = self._chance.choice(waiting) if waiting else "r-none"
        return made(request), request

    def _name(self, what: str) -> str:
        self._count += 1
        return f"{what}-{self._count}"

    def _by(self) -> said.By:
        return said.By(self._chance.choice(PERSONS), self._chance.choice(("chat", "http")))

    def _digest(self) -> str:
        return OTHER if self._chance.random() < 0.1 else DIGEST

    def _asker(self, request: str) -> said.By:
        found = self._place.requests.get(request)
        return by(found.requester, "http") if found and self._chance.random() < 0.8 else self._by()

    def _ask(self, _: str) -> said.Command:
        chance, now = self._chance, self._place.now
        waits = list(self._place.standing.lanes.values())
        person = chance.choice(PERSONS)
        span = Span(start=now + chance.choice((-HOUR, MINUTE)), end=now + chance.choice((2 * MINUTE, DAY)))
        return said.Ask(
            id=self._name("r"),
            by=by(person, "http"),
            action="deploy",
            environment=chance.choice(("production", "production", "night")),
            target="checkout",
            digest=DIGEST,
            asked=self._name("asked"),
            initiator="ana" if person == "robot" and chance.random() < 0.7 else "",
            authors=tuple(chance.sample(PERSONS[:5], chance.choice((0, 0, 0, 1)))),
            window=span if chance.random() < 0.2 else Span(),
            replaces=chance.choice(waits) if waits and chance.random() < 0.3 else "",
        )

    def _approve(self, _: str) -> said.Command:
        return said.Approve(self._by(), self._digest())

    def _deny(self, _: str) -> said.Command:
        return said.Deny(self._by(), self._digest(), "no")

    def _withdraw(self, request: str) -> said.Command:
        return said.Withdraw(self._asker(request))

    def _revoke(self, _: str) -> said.Command:
        return said.Revoke(self._by(), "no")

    def _grant(self, request: str) -> said.Command:
        return said.AskForGrant(self._asker(request), self._digest(), self._name("j"))

    def _redeem(self, request: str) -> said.Command:
        told = [each.facts["jti"] for each in self._place.entries if each.kind == "granted"]
        found = self._place.requests.get(request)
        newest = found.jti if found and self._chance.random() < 0.7 else ""
        jti = newest or (self._chance.choice(told[-3:]) if told else "j-none")
        key = self._chance.choice(("k-1", "k-2"))
        target = "portal" if self._chance.random() < 0.05 else "checkout"
        return said.Redeem(self._asker(request), jti, self._digest(), target, key, self._name("x"))

    def _outcome(self, request: str) -> said.Command:
        found = self._place.requests.get(request)
        person = self._by() if self._chance.random() < 0.3 else self._asker(request)
        return said.Outcome(person, found.execution if found else "x", self._chance.choice((0, 1)))

    def _break(self, _: str) -> said.Command:
        person = self._by() if self._chance.random() < 0.3 else by("eva")
        return said.BreakTheGlass(person, self._digest(), "INC", "", self._name("j"))

    def _look(self, _: str) -> said.Command:
        return said.Look(self._by(), self._chance.choice(("accepted", "rejected")), "")

    def _freeze(self, _: str) -> said.Command:
        name = self._name("f")
        self._freezes.append(name)
        now = self._place.now
        matching = Matching(environment=self._chance.choice(("production", "*")))
        return said.SetFreeze(by("eva"), name, matching, now, now + self._chance.choice((MINUTE, HOUR)), "")

    def _thaw(self, _: str) -> said.Command:
        return said.Thaw(by("eva"), self._chance.choice([*self._freezes, "f-none"]))

    def _deactivate(self, request: str) -> said.Command:
        rules = self._place.rules
        found = self._place.requests.get(request)
        if found and found.approvals and self._chance.random() < 0.6:
            return said.Deactivate(by("eva"), self._chance.choice(found.approvals), "")
        if self._chance.random() < 0.5:
            version = rules.people.version + 1
            people = changed(PEOPLE, version=version)
            self._place.rules = changed(RULES, people=people, people_digest=f"sha256:people-{version}")
            return said.ReadRules()
        return said.Deactivate(by("eva"), self._chance.choice(PERSONS[:5]), "")


def judge(log: list[Entry]) -> None:
    """Is the last entry as it may be, after all that came before?"""
    entry, before = log[-1], log[:-1]
    if before and entry.at < before[-1].at:
        raise Broken("time runs backwards")
    own = [each for each in before if each.request == entry.request]
    if entry.request and entry.kind != "requested" and not own:
        raise Broken(f"{entry.kind} of what nobody asked for")
    if entry.kind in JUDGES:
        JUDGES[entry.kind](entry, own, before)


def _requested(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    _must(not own, "asked twice")
    lane = (entry.facts["action"], entry.facts["environment"], entry.facts["target"])
    for other in before:
        if (
            other.kind == "requested"
            and (other.facts["action"], other.facts["environment"], other.facts["target"]) == lane
        ):
            others = [each for each in before if each.request == other.request]
            _must(_is_over(others) or any(each.kind == "executing" for each in others), "two wait in one lane")
    able = [each for each in GROUPS if each not in _concerned(entry) and _has_power(each, before)]
    _must(_fills(able, entry), "nobody could approve it")
    end = entry.facts["window_end"]
    _must(end is None or datetime.fromisoformat(end) > entry.at, "its window is over")
    _must(_has_power(entry.actor, before), "asked without power")
    _must(entry.actor != "robot" or entry.facts["initiator"], "a robot for nobody")


def _approval(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    _may_judge(entry, own, before)
    _must(entry.actor not in {each.actor for each in own if each.kind == "approval"}, "agreed twice")
    _must(not _is_over(own) and not _runs(own), "agreed to what is over")
    _must(entry.facts["digest"] == own[0].facts["digest"], "agreed to something else")
    in_time = entry.at < datetime.fromisoformat(own[0].facts["ask_until"])
    _must(in_time or _any(own, "approved") or _any(own, "broke_glass"), "agreed too late")


def _objected(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    _may_judge(entry, own, before)
    _must(not _is_over(own) and not _runs(own), "objected to what is over")


def _withdrawn(entry: Entry, own: list[Entry], _: list[Entry]) -> None:
    _must(not _is_over(own) and not _runs(own), "withdrew what is over")
    _must(entry.actor in _askers(own), "withdrew what is another's")


def _approved(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    _must(_fills(_agreed(own, before), own[0]), "not enough agreed")
    _must(not _any(own, "approved"), "approved twice")
    _must(datetime.fromisoformat(entry.facts["use_until"]) > entry.at, "approved for no time")


def _granted(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    until = datetime.fromisoformat(entry.facts["until"])
    _must(entry.at < until <= entry.at + 10 * MINUTE, "a grant's life")
    _must(not _is_over(own) and not _runs(own), "granted what is over")
    _must(entry.facts["digest"] == own[0].facts["digest"], "granted something else")
    _must(entry.actor in _askers(own), "granted to another")
    _must(_has_power(entry.actor, before), "granted to one without power")
    broke = [each for each in own if each.kind == "broke_glass"]
    if broke:
        _must(until <= datetime.fromisoformat(broke[-1].facts["use_until"]), "granted too late")
        return
    _must(_any(own, "approved"), "granted what was not approved")
    _must(
        until <= datetime.fromisoformat([each for each in own if each.kind == "approved"][-1].facts["use_until"]),
        "late",
    )
    _must(_fills(_agreed(own, before), own[0]), "not enough still agree")
    _must(not _frozen(own[0], before, entry.at), "granted in a freeze")
    _must(_in_window(own[0], entry.at) and _in_window(own[0], until - SECOND), "granted outside of its window")


def _executing(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    grants = [each for each in own if each.kind == "granted"]
    _must(bool(grants) and grants[-1].facts["jti"] == entry.facts["jti"], "not the newest grant")
    _must(not _is_over(own[own.index(grants[-1]) :]), "the grant is void")
    _must(entry.at < datetime.fromisoformat(grants[-1].facts["until"]), "the grant has expired")
    _must(not _runs(own), "it runs twice")
    _must(entry.facts["digest"] == own[0].facts["digest"], "something else runs")
    if _any(own, "broke_glass"):
        return
    _must(_fills(_agreed(own, before), own[0]), "not enough still agree")
    _must(not _frozen(own[0], before, entry.at), "it runs in a freeze")
    _must(_has_power(own[0].actor, before), "whoever asked has no power any more")


def _told_outcome(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    began = [each for each in own if each.kind == "executing"]
    _must(bool(began), "what was not begun has ended")
    looked = _any(own, "silent") and entry.actor in GROUPS and _has_power(entry.actor, before)
    _must(began[-1].actor == entry.actor or looked, "another tells how it ended")
    _must(not _any(own, "outcome"), "ended twice")


def _broke(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    _must("oncall" in GROUPS.get(entry.actor, ()), "may not break the glass")
    _must(_has_power(entry.actor, before), "broke the glass without power")
    _must(own[0].facts["environment"] == "production", "there is no glass")
    _must(not _is_over(own) and not _runs(own) and not _any(own, "broke_glass"), "broke what is over")
    for other in before:
        if other.kind == "broke_glass" and other.actor == entry.actor:
            due = datetime.fromisoformat(other.facts["review_due"])
            reviews = [each for each in before if each.request == other.request and each.kind == "reviewed"]
            _must(entry.at < due or bool(reviews), "a review is overdue")


def _reviewed(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    _may_judge(entry, own, before)
    _must(_any(own, "broke_glass") and not _any(own, "reviewed"), "nothing to review")
    _must(all(each.actor != entry.actor for each in own if each.kind == "broke_glass"), "reviewed his own")


def _expired(entry: Entry, own: list[Entry], _: list[Entry]) -> None:
    _must(not _runs(own), "expired while it ran")
    told = [each for each in own if each.kind in {"approved", "broke_glass"}]
    until = told[-1].facts["use_until"] if told else own[0].facts["ask_until"]
    _must(entry.at >= datetime.fromisoformat(until), "expired too early")


JUDGES: dict[str, Callable[[Entry, list[Entry], list[Entry]], None]] = {
    "requested": _requested,
    "approval": _approval,
    "denied": _objected,
    "revoked": _objected,
    "withdrawn": _withdrawn,
    "approved": _approved,
    "granted": _granted,
    "executing": _executing,
    "outcome": _told_outcome,
    "broke_glass": _broke,
    "reviewed": _reviewed,
    "expired": _expired,
}


def _must(holds: Any, what: str) -> None:
    if not holds:
        raise Broken(what)


def _any(own: list[Entry], kind: str) -> bool:
    return any(each.kind == kind for each in own)


def _is_over(own: list[Entry]) -> bool:
    return any(each.kind in ENDS and each.kind != "grant_lapsed" for each in own) or (
        len(own) > 1 and own[0].kind == "granted" and any(each.kind == "grant_lapsed" for each in own)
    )


def _runs(own: list[Entry]) -> bool:
    return _any(own, "executing")


def _concerned(asked: Entry) -> set[str]:
    return {asked.actor, asked.facts["initiator"], *asked.facts["authors"]}


def _askers(own: list[Entry]) -> set[str]:
    return {own[0].actor, own[0].facts["initiator"], *(each.actor for each in own if each.kind == "broke_glass")}


def _has_power(person: str, before: list[Entry]) -> bool:
    """The newest of a deactivation and of a newer file says."""
    for each in reversed(before):
        if each.kind == "rules":
            return True
        if each.kind == "deactivated" and each.facts["person"] == person:
            return False
    return True


def _agreed(own: list[Entry], before: list[Entry]) -> list[str]:
    told = {each.actor for each in own if each.kind == "approval"}
    return [each for each in told if each in GROUPS and each not in _concerned(own[0]) and _has_power(each, before)]


def _fills(people: list[str], asked: Entry) -> bool:
    """By trying everything."""
    need = NEEDS[asked.facts["environment"]]
    return any(
        all(group in GROUPS[person] for group, person in zip(need, order, strict=True))
        for order in permutations(people, len(need))
    )


def _may_judge(entry: Entry, own: list[Entry], before: list[Entry]) -> None:
    _must(entry.actor not in _concerned(own[0]), "judged his own")
    _must(_has_power(entry.actor, before), "judged without power")
    _must(GROUPS.get(entry.actor, set()) & set(NEEDS[own[0].facts["environment"]]), "judged, and has no seat")
    _must(own[0].facts["environment"] != "night" or entry.via != "http", "judged by the wrong way")


def _frozen(asked: Entry, before: list[Entry], now: datetime) -> bool:
    lifted = {each.facts["id"] for each in before if each.kind == "thawed"}
    freezes = [each.facts for each in before if each.kind == "frozen" and each.facts["id"] not in lifted]
    return any(
        freeze["match"]["environment"] in {"*", asked.facts["environment"]}
        and datetime.fromisoformat(freeze["start"]) <= now < datetime.fromisoformat(freeze["end"])
        for freeze in freezes
    )


def _in_window(asked: Entry, now: datetime) -> bool:
    start, end = asked.facts["window_start"], asked.facts["window_end"]
    if start is not None and not datetime.fromisoformat(start) <= now < datetime.fromisoformat(end):
        return False
    return asked.facts["environment"] != "night" or 30 <= now.minute < 50
