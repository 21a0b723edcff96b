"""A lane's rules, by random histories: processes die between any two steps, pages are closed, messages come again and
in any order, and each target's copies have every event once, in the order of their acceptance, without a gap.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.hub.domain import lane as rules
from services.hub.domain.lane import GIVES_UP, Lane
from shared.contracts.positions import Position

NOON = datetime(2027, 1, 20, 12, tzinfo=UTC)
FIRST = Position(lane="coles:4711", epoch="e", number=1)
WHERE = "fuel/bi@1"
SETTLES = timedelta(seconds=30)
TURNS = 80


class Wrong(Exception):
    """Something happened that no history may contain."""


@dataclass
class World:
    """The store: one lane, pages, and the messages that are on their way."""

    chance: random.Random
    now: datetime = NOON
    lane: Lane | None = None
    pages: dict[str, int] = field(default_factory=dict)
    """How many events each holds."""
    begun: dict[str, list[Position]] = field(default_factory=dict)
    """Pages that are in the making."""
    messages: list[tuple[str, Position]] = field(default_factory=list)
    copies: list[tuple[int, int]] = field(default_factory=list)
    """The number of each copy, and of its event."""
    lost: set[int] = field(default_factory=set)
    """Numbers of events that no router can read."""
    late: set[int] = field(default_factory=set)
    """Of those that others went on without."""
    pages_made: int = 0

    def accept_begins(self) -> None:
        self.pages_made += 1
        page, count = f"p{self.pages_made}", self.chance.randint(1, 3)
        self.lane = rules.given(self.lane, FIRST, page, count, self.now)
        if self.chance.random() < 0.2:  # the echo of one's own write
            self.lane = rules.given(self.lane, FIRST, page, count, self.now)
        self.begun[page] = rules.positions(self.lane, page)

    def accept_ends(self) -> None:
        page = self.chance.choice(list(self.begun))
        positions = self.begun.pop(page)
        if self.chance.random() < 0.3:
            return  # killed before the page was saved
        if self.pages.setdefault(page, len(positions)):
            self.messages += [(page, each) for each in positions]
            if self.chance.random() < 0.05:
                self.lost.add(positions[0].number)

    def merge(self) -> None:
        if self.lane is not None:
            self.lane = rules.merged(self.lane, frozenset(page for page, held in self.pages.items() if held))

    def route(self) -> None:
        """One router has one message in hand; what it read may be old when it saves."""
        page, position = self.chance.choice(self.messages)
        if position.number in self.lost:
            return
        assert self.lane is not None
        turn = rules.turn(self.lane, position, page)
        if turn == "waits":
            self.lane = self.settled(self.lane)
            return
        if turn == "loose":
            raise Wrong("a lane does not know its own")
        if turn in {"now", "late"}:
            numbered = rules.numbered(self.lane, WHERE, position.number, "s")
            if numbered is not None:
                self.lane, stream = numbered
                self.copies.append((stream.count, position.number))
                if turn == "late":
                    self.late.add(position.number)
                elif self.chance.random() < 0.2:
                    return  # killed between two saves of the copies of one event
            self.lane = rules.routed(self.lane, position.number, self.now)
        if self.chance.random() < 0.7:
            self.messages.remove((page, position))  # else it comes again

    def settled(self, lane: Lane) -> Lane:
        """What whoever waits finds out of the head."""
        head = lane.head
        assert head is not None
        if head.page:
            if head.page not in self.pages and rules.waited(lane, self.now) >= SETTLES:
                self.pages[head.page] = 0
            if head.page not in self.pages:
                return rules.waiting(lane, self.now)
            if not self.pages[head.page]:
                return rules.voided(lane, self.now)
        return rules.passed_over(rules.waiting(lane, self.now), self.now)

    def check(self) -> None:
        if [number for number, _ in self.copies] != list(range(1, len(self.copies) + 1)):
            raise Wrong("a target's copies have a gap")
        events = [event for _, event in self.copies]
        if len(set(events)) < len(events):
            raise Wrong("an event has two numbers")
        in_turn = [event for event in events if event not in self.late]
        if in_turn != sorted(in_turn):
            raise Wrong("events changed places")


def history(seed: int) -> World:
    world = World(random.Random(seed))
    for _ in range(TURNS):
        step = world.chance.choice([world.accept_begins, world.accept_ends, world.route, world.route, world.merge])
        if step == world.accept_ends and not world.begun:
            continue
        if step == world.route and not world.messages:
            continue
        if world.chance.random() < 0.15:
            world.now += world.chance.choice([timedelta(seconds=1), SETTLES])
        step()
        world.check()
    world.begun = {}  # from here on nobody dies, and what has not ended never does
    waiting = set(world.messages)
    for _ in range(len(waiting) * 200):
        if not {position.number for _, position in world.messages} - world.lost:
            break
        world.now += timedelta(seconds=1) if not world.lost else GIVES_UP / 4
        world.route()
        world.check()
    held = {each.number for page, each in waiting if world.pages[page]} - world.lost
    if missing := held - {event for _, event in world.copies}:
        raise Wrong(f"{missing} never came")
    return world


def all_of_them() -> list[World]:
    return [history(seed) for seed in range(300)]


@pytest.mark.parametrize("seed", range(300))
def test_every_event_has_its_copy_once_and_in_order(seed: int) -> None:
    history(seed)


def test_the_histories_go_everywhere() -> None:
    worlds = all_of_them()
    assert any(0 in world.pages.values() for world in worlds), "nobody closed a page"
    assert any(world.late for world in worlds), "nothing was passed over, and came after all"
    assert sum(len(world.copies) for world in worlds) > 2_000


def _never_voided(lane: Lane, _: datetime) -> Lane:
    return lane


def _does_not_wait(lane: Lane | None, position: Position, page: str) -> Any:
    found = TURN(lane, position, page)
    return "now" if found == "waits" else found


def _forgets_what_it_had(lane: Lane, where: str, number: int, new_id: str) -> Any:
    return NUMBERED(lane.model_copy(update={"passed": {number: ()}}), where, number, new_id)


def _forgets_its_echo(lane: Lane | None, position: Position, page: str, count: int, now: datetime) -> Lane:
    return GIVEN(None if lane is None else lane.model_copy(update={"spans": ()}), position, page, count, now)


TURN, NUMBERED, GIVEN = rules.turn, rules.numbered, rules.given


@pytest.mark.parametrize(
    ("rule", "broken"),
    [
        ("voided", _never_voided),
        ("turn", _does_not_wait),
        ("numbered", _forgets_what_it_had),
        ("given", _forgets_its_echo),
        ("passed_over", _never_voided),
    ],
)
def test_each_rule_is_needed(rule: str, broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, rule, broken)
    with pytest.raises((Wrong, ValueError)):
        all_of_them()


def test_a_lane_that_was_made_anew_does_not_know_old_numbers() -> None:
    lane = rules.given(None, FIRST, "p1", 1, NOON)
    assert rules.turn(lane, FIRST, "p1") == "now"
    assert rules.turn(lane, FIRST.model_copy(update={"epoch": "before"}), "p1") == "loose"
    assert rules.turn(lane, FIRST, "another page") == "loose"
    assert rules.turn(None, FIRST, "p1") == "loose"


def test_an_event_that_does_not_come_is_passed_over_after_an_hour_and_is_welcome_then() -> None:
    lane = rules.given(rules.given(None, FIRST, "p1", 1, NOON), FIRST, "p2", 1, NOON)
    second = rules.positions(lane, "p2")[0]
    waits = rules.waiting(lane, NOON)
    assert rules.passed_over(waits, NOON + GIVES_UP - timedelta(seconds=1)) is waits
    later = rules.passed_over(waits, NOON + GIVES_UP)
    assert (rules.turn(later, second, "p2"), rules.turn(later, FIRST, "p1")) == ("now", "late")
    done = rules.routed(rules.routed(later, 2, NOON), 1, NOON)
    assert (rules.turn(done, second, "p2"), rules.turn(done, FIRST, "p1")) == ("past", "past")
