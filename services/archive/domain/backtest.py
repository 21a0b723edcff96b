"""A candidate's rules on events of the past, beside those of the revision in force. Nothing is sent.

A runner holds one by a lease. One that is paused keeps what was found until then, and goes on behind it; one whose
runner dies goes on from where it was paused last, or begins again.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import dropwhile
from time import perf_counter
from typing import ClassVar, Final, Literal, NamedTuple

from pydantic import AwareDatetime, BaseModel, computed_field

from services.archive.domain.jobs import ENDS, LEASE, Job, NotPossible, held
from shared.contracts.archive import ArchivedEvent
from shared.contracts.buses import BusTerms
from shared.kernel.values import changed
from shared.routing.bus import Bus
from shared.rules.looking import TooMuchWork
from shared.segments.lines import Line

MOST_IDS: Final = 1_000
"""Of gained and of lost events of a rule, that are named; all are counted."""
MOST_IDS_IN_ALL: Final = 100_000
"""Over all rules: a result is one document, some megabytes of it."""
EVERYTHING: Final = 100
"""Per cent."""
State = Literal["running", "paused", "done", "failed", "cancelled"]
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


class Far(NamedTuple):
    """How far one came: what was found, up to and with the event of this hubid."""

    result: Result
    cursor: str


class Backtest(Job):
    """One back-test; `revision` counts what clients asked for."""

    schema_version: ClassVar[int] = 1

    by: str
    bus: str
    terms: BusTerms
    start: AwareDatetime
    end: AwareDatetime
    share: int
    against: int | None = None
    """The revision that it is compared with; None for the one in force."""
    state: State = "running"
    revision: int = 1
    reason: str = ""
    result: Result | None = None
    """Of all, once it is done; before, of what is dealt with up to `cursor`."""
    cursor: str = ""
    ended_at: AwareDatetime | None = None

    @property
    def is_wanted(self) -> bool:
        return self.state == "running"

    @property
    def far(self) -> Far | None:
        """Where it goes on; None for one that begins."""
        return Far(self.result, self.cursor) if self.result else None

    @computed_field  # type: ignore[prop-decorator]
    @property
    def open(self) -> str | None:
        """Its owner, until it is over: such ones are counted by it."""
        return self.owner if self.ended_at is None else None

    @property
    def wake_at(self) -> datetime | None:
        if self.ended_at is not None:
            return self.ended_at + REMEMBERED
        return (self.held_until or self.made_at) if self.is_wanted else None


def noted(backtest: Backtest, holder: str, now: datetime, far: Far) -> Backtest:
    """Its runner lives. One that is not to go on keeps how far it came, and is let go of. Raises Lost."""
    held(backtest, holder)
    if backtest.is_wanted:
        return changed(backtest, held_until=now + LEASE)
    return changed(backtest, result=far.result, cursor=far.cursor, holder="", held_until=None)


def compared(backtest: Backtest, holder: str, now: datetime, far: Far) -> Backtest:
    """All of it is done; but who was paused or cancelled meanwhile stays that. Raises Lost."""
    after = noted(backtest, holder, now, far)
    if not backtest.is_wanted:
        return after
    return changed(after, state="done", result=far.result, ended_at=now, holder="", held_until=None)


def failed(backtest: Backtest, holder: str, now: datetime, reason: str) -> Backtest:
    """It would fail again. Raises Lost."""
    held(backtest, holder)
    let_go = changed(backtest, holder="", held_until=None)
    return let_go if let_go.state in ENDS else changed(let_go, state="failed", reason=reason, ended_at=now)


def asked(backtest: Backtest, wanted: str, now: datetime) -> Backtest:
    """What a client asks for: `running`, `paused` or `cancelled`. Who carries it out keeps it until that is noted.
    Raises NotPossible."""
    if wanted == backtest.state:
        return backtest
    if backtest.state in ENDS:
        raise NotPossible("back-test", backtest.state, wanted)
    ended_at = now if wanted == "cancelled" else None
    return changed(backtest, state=wanted, ended_at=ended_at, revision=backtest.revision + 1)


class Comparing:
    """Event by event, from where it was. `before` is the revision in force, where there is one."""

    def __init__(self, candidate: Bus, before: Bus | None, share: int, far: Far | None = None) -> None:
        self._candidate = candidate
        self._before = before
        self._share = share
        found, self._cursor = far or Far(Result(), "")
        self._events, self._undecided = found.events, found.undecided
        self._spent = found.microseconds * found.events / 1e6
        known = {rule.name for bus in (candidate, before) if bus for rule in bus.terms.rules}
        self._rules = {name: found.rules.get(name, RuleResult()).model_copy(deep=True) for name in sorted(known)}
        self._named = sum(len(rule.gained_ids) + len(rule.lost_ids) for rule in self._rules.values())

    def adding(self, lines: Iterable[Line]) -> Iterator[Line]:
        """Each of them when it is added; those that were added before are passed over."""
        for line in dropwhile(lambda each: each.id <= self._cursor, lines):
            self.add(line)
            self._cursor = line.id
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
    def far(self) -> Far:
        return Far(self._result(), self._cursor)

    def _result(self) -> Result:
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
