"""A candidate's rules on events of the past, beside those of the revision in force. Nothing is sent."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from time import perf_counter
from typing import ClassVar, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, computed_field

from shared.contracts.archive import ArchivedEvent
from shared.contracts.buses import BusTerms
from shared.routing.bus import Bus
from shared.rules.looking import TooMuchWork
from shared.segments.lines import Line

MOST_IDS: Final = 1_000
"""Of gained and of lost events of a rule, that are named; all are counted."""
MOST_IDS_IN_ALL: Final = 100_000
"""Over all rules: a result is one document, some megabytes of it."""
EVERYTHING: Final = 100
"""Per cent."""
LEASE: Final = timedelta(seconds=10)
REMEMBERED: Final = timedelta(days=7)
MOST_OPEN: Final = 20
"""Back-tests of one owner, nearly, that are not over: each of them has the archive read."""


class RuleResult(BaseModel):
    """What one rule does: `matched` by the candidate; `gained` are matched by it alone, `lost` by the rule of that name
    in force alone."""

    matched: int = 0
    gained: int = 0
    lost: int = 0
    gained_ids: list[str] = []
    lost_ids: list[str] = []


class Result(BaseModel):
    """Of all rules of both files, by name."""

    events: int = 0
    undecided: int = 0
    rules: dict[str, RuleResult] = {}
    microseconds: float = 0.0
    """Of matching one event by the candidate, on average."""
    revision: int | None = None
    """In force, that it was compared with; None where there is no such bus yet."""


class Backtest(BaseModel):
    """One back-test."""

    model_config = ConfigDict(frozen=True)
    schema_version: ClassVar[int] = 1

    id: str
    owner: str
    by: str
    bus: str
    terms: BusTerms
    start: AwareDatetime
    end: AwareDatetime
    share: int
    against: int | None = None
    """The revision that it is compared with; None for the one in force."""
    made_at: AwareDatetime
    state: Literal["running", "done", "failed"] = "running"
    reason: str = ""
    result: Result | None = None
    ended_at: AwareDatetime | None = None
    held_until: AwareDatetime | None = None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def open(self) -> str | None:
        """Its owner, until it is over: such ones are counted by it."""
        return self.owner if self.ended_at is None else None

    @property
    def wake_at(self) -> datetime:
        return self.ended_at + REMEMBERED if self.ended_at else self.held_until or self.made_at


class Comparing:
    """Event by event. `before` is the revision in force, where there is one."""

    def __init__(self, candidate: Bus, before: Bus | None, share: int) -> None:
        self._candidate = candidate
        self._before = before
        self._share = share
        self._spent = 0.0
        known = {rule.name for bus in (candidate, before) if bus for rule in bus.terms.rules}
        self._rules = {name: RuleResult(gained_ids=[], lost_ids=[]) for name in sorted(known)}
        self._events = self._undecided = 0
        self._named = 0

    def adding(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Each of them when it is added."""
        for line in lines:
            self.add(line)
            yield line

    def add(self, line: Line) -> None:
        if self._share < EVERYTHING and not _has_share(line.id, self._share):
            return
        event = ArchivedEvent.model_validate_json(line.text)
        self._events += 1
        try:
            begun = perf_counter()
            now = _matched(self._candidate, event)
            self._spent += perf_counter() - begun
            before = _matched(self._before, event) if self._before else frozenset()
        except TooMuchWork:
            self._undecided += 1
            return
        for name in now | before:
            self._note(self._rules[name], line.id, is_now=name in now, was=name in before)

    @property
    def result(self) -> Result:
        return Result(
            events=self._events,
            undecided=self._undecided,
            rules=self._rules,
            microseconds=round(1e6 * self._spent / self._events, 1) if self._events else 0.0,
            revision=self._before.revision if self._before else None,
        )

    def _note(self, rule: RuleResult, hubid: str, *, is_now: bool, was: bool) -> None:
        rule.matched += is_now
        if is_now and not was:
            rule.gained += 1
            self._name(rule.gained_ids, hubid)
        elif was and not is_now:
            rule.lost += 1
            self._name(rule.lost_ids, hubid)

    def _name(self, ids: list[str], hubid: str) -> None:
        if len(ids) < MOST_IDS and self._named < MOST_IDS_IN_ALL:
            self._named += 1
            ids.append(hubid)


def _matched(bus: Bus, event: ArchivedEvent) -> frozenset[str]:
    return frozenset(match.rule for match in bus.route(event, only=()).matches)


def _has_share(hubid: str, share: int) -> bool:
    """By the event alone, so that the same back-test sees the same events; not as rules' shares are taken."""
    return int.from_bytes(sha256(f"backtest {hubid}".encode()).digest()[:8]) % EVERYTHING < share
