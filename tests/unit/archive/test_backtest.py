"""A back-test deals with each event once, whoever dies when, and whatever is asked of it meanwhile."""

import random
from contextlib import suppress
from datetime import timedelta

import pytest

from services.archive.domain.backtest import Backtest, Far, Result, asked, compared, failed, noted
from services.archive.domain.jobs import ENDS, LEASE, Lost, NotPossible, claimed, let_go
from tests.days import NOW
from tests.kit.clock import HandClock
from tests.unit.routing.samples import a_rule, terms

EVENTS = [f"{number:02}" for number in range(12)]
STATES = ("running", "paused", "cancelled")


def a_backtest(**more: object) -> Backtest:
    known = {"id": "b", "owner": "coles", "by": "ops", "bus": "fuel", "start": NOW, "end": NOW, "share": 100}
    return Backtest.model_validate({**known, "terms": terms(a_rule()), "made_at": NOW, **more})


class Runner:
    """Counts in memory, by what the document says when it begins."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.far: Far | None = None

    def begin(self, stored: Backtest, clock: HandClock) -> Backtest:
        after = claimed(stored, self.name, clock.now())
        self.far = after.far or Far(Result(), "")
        return after

    def deal_with_one(self) -> None:
        assert self.far is not None
        found, cursor = self.far
        left = [each for each in EVENTS if each > cursor]
        if left:
            self.far = Far(found.model_copy(update={"events": found.events + 1}), left[0])

    def word(self, stored: Backtest, clock: HandClock) -> Backtest:
        assert self.far is not None
        say = compared if self.far.cursor == EVENTS[-1] else noted
        after = say(stored, self.name, clock.now(), self.far)
        if not after.holder:
            self.far = None
        return after


class History:
    """Two replicas, clients, and time, in any order."""

    def __init__(self, seed: int) -> None:
        self.chance, self.clock = random.Random(seed), HandClock()
        self.stored, self.runners = a_backtest(), [Runner("one"), Runner("two")]

    def happen(self) -> None:
        act, times = self.chance.choice([(self.work, 3), (self.ask, 1), (self.leave, 1), (self.wait, 1)])
        for _ in range(times):
            with suppress(Lost, NotPossible):
                act(self.chance.choice(self.runners))

    def work(self, runner: Runner) -> None:
        if runner.far is None:
            self.stored = runner.begin(self.stored, self.clock)
        elif self.chance.random() < 0.7:
            runner.deal_with_one()
        else:
            try:
                self.stored = runner.word(self.stored, self.clock)
            except Lost:
                runner.far = None

    def ask(self, _: Runner) -> None:
        wanted = self.chance.choice(STATES if self.chance.random() < 0.05 else STATES[:2])
        self.stored = asked(self.stored, wanted, self.clock.now())

    def leave(self, runner: Runner) -> None:
        """In order, or by kill -9."""
        was, runner.far = runner.far, None
        if was is not None and self.chance.random() < 0.5:
            self.stored = let_go(self.stored, runner.name, self.clock.now())

    def wait(self, _: Runner) -> None:
        self.clock.pass_by(seconds=self.chance.choice([1, 11]))

    def end(self) -> None:
        """Those two never come back, and somebody else finishes it."""
        self.clock.pass_by(seconds=LEASE.total_seconds() + 1)
        if self.stored.state in ENDS:
            return
        last = Runner("last")
        self.stored = last.begin(asked(self.stored, "running", self.clock.now()), self.clock)
        for _ in EVENTS:
            last.deal_with_one()
        self.stored = last.word(self.stored, self.clock)


@pytest.mark.parametrize("seed", range(100))
def test_any_history_ends_with_each_event_counted_once(seed: int) -> None:
    history = History(seed)
    for _ in range(200):
        history.happen()
        stored = history.stored
        if stored.result is not None and stored.state != "done":
            assert stored.result.events == sum(each <= stored.cursor for each in EVENTS)
    history.end()
    assert history.stored.state in {"done", "cancelled"}
    assert history.stored.open is None
    if history.stored.state == "done":
        assert history.stored.result is not None
        assert history.stored.result.events == len(EVENTS)


def test_what_is_over_is_over() -> None:
    for state in ENDS:
        over = a_backtest(state=state, ended_at=NOW)
        for wanted in STATES:
            if wanted != state:
                with pytest.raises(NotPossible, match=f"a back-test that is {state} cannot be {wanted}"):
                    asked(over, wanted, NOW)
        assert failed(claimed_by(over), "one", NOW, "why").state == state


def test_nobody_takes_up_what_rests_and_it_is_forgotten_after_its_end_alone() -> None:
    paused = asked(a_backtest(), "paused", NOW)
    assert paused.wake_at is None
    with pytest.raises(Lost):
        claimed(paused, "one", NOW)
    ended = asked(paused, "cancelled", NOW)
    assert ended.wake_at == NOW + timedelta(days=7)
    assert (a_backtest().wake_at, asked(paused, "running", NOW).wake_at) == (NOW, NOW)


def claimed_by(backtest: Backtest) -> Backtest:
    return backtest.model_copy(update={"holder": "one"})
