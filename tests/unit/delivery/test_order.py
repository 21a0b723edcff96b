"""How far a lane has come at a target."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.delivery.domain import order
from services.delivery.domain.order import LIFE, MOST_RANGES, REPLAYED_LIFE, Progress
from services.delivery.domain.patience import waiting_tier
from shared.contracts.copies import Copy

NOW = datetime(2027, 1, 20, 12, tzinfo=UTC)
LANE = "coles:4711:5f0c2b7a91d4"
REPLAYED = "replay/0f3c:1:7"


def a_copy(number: int, lane: str = LANE) -> Copy:
    return Copy(
        hubid="0190", accepted_at=NOW, partner="coles", bus="fuel", target="bi", rule="all",
        deliveryid=f"msg_{number}", attributes={}, body=b"", lane=lane, laneseq=number,
    )  # fmt: skip


def at(done: int) -> Progress:
    return order.done(order.first("fuel/bi", LANE, NOW), done, NOW)


@pytest.mark.parametrize(("number", "stand"), [(1, "past"), (3, "past"), (4, "next"), (5, "waits")])
def test_a_copy_goes_when_the_one_before_it_is_done(number: int, stand: str) -> None:
    assert order.stand(at(3), a_copy(number)) == stand


def test_what_is_done_is_never_undone() -> None:
    assert order.done(at(3), 2, NOW) == at(3)
    assert order.blocked(at(3), a_copy(3), NOW) == at(3)
    assert order.blocked(at(3), a_copy(5), NOW) == at(3)


def test_a_lane_stands_before_a_dead_copy_until_it_is_done_without() -> None:
    stands = order.blocked(at(3), a_copy(4), NOW)
    assert (stands.blocked, stands.blocks, order.wakes(stands)) == ("msg_4", "fuel/bi", None)
    assert order.blocked(stands, a_copy(4), NOW + timedelta(days=1)) is stands
    assert order.stand(stands, a_copy(5)) == "waits"
    goes_on = order.done(stands, 4, NOW)
    assert (goes_on.blocked, goes_on.blocks, order.wakes(goes_on)) == (None, None, NOW + LIFE)
    assert order.stand(goes_on, a_copy(5)) == "next"


def test_what_a_person_did_not_wait_for_is_sent_when_it_comes() -> None:
    skipped = order.skipped(at(3), 6, NOW)
    stands = [order.stand(skipped, a_copy(number)) for number in range(3, 9)]
    assert stands == ["past", "late", "late", "late", "next", "waits"]
    assert order.skipped(skipped, 6, NOW) is skipped


def test_where_too_much_was_skipped_what_lies_between_is_sent_again_rather_than_not_at_all() -> None:
    progress = order.first("fuel/bi", LANE, NOW)
    for number in range(2, 4 * MOST_RANGES, 2):
        progress = order.done(order.skipped(progress, number - 1, NOW), number, NOW)
    assert len(progress.skipped) == MOST_RANGES
    assert {order.stand(progress, a_copy(number)) for number in range(1, progress.done, 2)} == {"late"}
    assert order.stand(progress, a_copy(progress.done)) == "past"


def test_what_went_while_there_was_no_order_is_not_waited_for_when_there_is_one_again() -> None:
    progress = order.went(order.blocked(at(3), a_copy(4), NOW), 7, NOW)
    assert (progress.done, progress.blocked) == (7, None)
    stands = [order.stand(progress, a_copy(number)) for number in (3, 4, 6, 7, 8)]
    assert stands == ["past", "late", "late", "past", "next"]
    assert order.went(progress, 5, NOW) is progress


def test_of_a_replay_what_comes_under_a_used_number_is_sent() -> None:
    progress = order.done(order.first("fuel/bi", REPLAYED, NOW), 3, NOW)
    assert [order.stand(progress, a_copy(number, REPLAYED)) for number in (2, 3, 4, 5)] == [
        "late", "late", "next", "waits",
    ]  # fmt: skip
    assert order.wakes(progress) == NOW + REPLAYED_LIFE


def test_whoever_waits_long_comes_seldom() -> None:
    tiers = [waiting_tier(n, None, blocked=False) for n in (0, 1, 5, 6, 10, 11, 1_000)]
    assert tiers == ["1s", "1s", "1s", "5s", "5s", "30s", "30s"]
    assert waiting_tier(1, None, blocked=True) == "30s"


def test_whoever_knows_when_its_turn_comes_waits_until_then() -> None:
    told = [waiting_tier(50, timedelta(seconds=seconds), blocked=False) for seconds in (0, 4, 5, 29, 119, 120, 9_000)]
    assert told == ["1s", "1s", "5s", "5s", "30s", "2m", "2m"]


class Wrong(Exception):
    """Something happened that no history may contain."""


@dataclass
class World:
    """One lane's queue and dead letters, what a process keeps of it, and what the endpoint took."""

    chance: random.Random
    progress: Progress = field(default_factory=lambda: order.first("fuel/bi", LANE, NOW))
    queue: list[Copy] = field(default_factory=list)
    letters: list[Copy] = field(default_factory=list)
    redriven: set[str] = field(default_factory=set)
    taken: list[int] = field(default_factory=list)
    """Numbers, as the endpoint took them in their turn."""
    out_of_turn: set[int] = field(default_factory=set)
    discarded: set[int] = field(default_factory=set)

    def send(self, *, skips: bool, well: bool) -> None:
        """A consumer is given some copy of the queue: the broker keeps no order that counts."""
        copy = self.queue.pop(self.chance.randrange(len(self.queue)))
        stand = order.stand(self.progress, copy)
        if stand == "waits":
            self.queue.append(copy)
            return
        if stand == "past" and copy.deliveryid not in self.redriven:
            return
        dice = 1.0 if well else self.chance.random()
        if dice < 0.2:
            self.queue.append(copy)  # it failed, and waits in a tier
        elif dice < 0.35:
            self.letters.append(copy)
            if dice < 0.25:
                self.queue.append(copy)  # killed before that was on record: it comes again, and may die again
                return
            self.die(copy, skips=skips)
        else:
            self.take(copy, stand)
            if dice < 0.5:
                self.queue.append(copy)  # killed before that was on record
                return
            self.progress = order.done(self.progress, copy.laneseq, NOW)

    def die(self, copy: Copy, *, skips: bool) -> None:
        if not skips:
            self.progress = order.blocked(self.progress, copy, NOW)
        elif order.stand(self.progress, copy) == "next":
            self.progress = order.done(self.progress, copy.laneseq, NOW)

    def take(self, copy: Copy, stand: str) -> None:
        if stand == "next":
            self.taken.append(copy.laneseq)
        else:
            self.out_of_turn.add(copy.laneseq)

    def person(self, *, well: bool = False) -> None:
        """Settles a dead letter, or lets the lane go on."""
        if not well and self.chance.random() < 0.2:
            self.progress = order.skipped(self.progress, self.progress.done + self.chance.randint(1, 3), NOW)
        elif self.letters:
            letter = self.letters.pop()
            if not well and self.chance.random() < 0.3:
                self.discarded.add(letter.laneseq)
                if order.stand(self.progress, letter) == "next":
                    self.progress = order.done(self.progress, letter.laneseq, NOW)
                return
            again = replace(letter, deliveryid=f"{letter.deliveryid}+")
            self.redriven.add(again.deliveryid)
            self.queue.append(again)

    def check(self) -> None:
        firsts = list(dict.fromkeys(self.taken))
        if firsts != sorted(firsts):
            raise Wrong("copies changed places")


COPIES = 8


def history(seed: int) -> World:
    world = World(random.Random(seed))
    skips = bool(seed % 2)
    world.queue = [a_copy(number) for number in range(1, COPIES + 1)]
    world.chance.shuffle(world.queue)
    for _ in range(120):
        if world.chance.random() < 0.15:
            world.person()
        elif world.queue:
            world.send(skips=skips, well=False)
        world.check()
    for _ in range(2_000):  # from here on all is well, and letters are redriven
        if not (world.queue or world.letters):
            break
        world.person(well=True)
        if world.queue:
            world.send(skips=skips, well=True)
        world.check()
    arrived = {*world.taken, *world.out_of_turn, *world.discarded}
    if arrived != set(range(1, COPIES + 1)):
        raise Wrong(f"{set(range(1, COPIES + 1)) - arrived} never arrived")
    return world


def all_of_them() -> list[World]:
    return [history(seed) for seed in range(400)]


def test_every_copy_of_a_lane_arrives_in_its_turn_whatever_dies() -> None:
    worlds = all_of_them()
    assert any(world.out_of_turn for world in worlds)
    assert any(world.discarded for world in worlds)
    assert any(len(world.taken) > COPIES for world in worlds), "nothing was taken twice"


def replayed(seed: int) -> list[str]:
    """A replay whose runners die: whoever goes on begins again where it was noted, by other rules, so that other events
    come under the same numbers. Returns what the endpoint took."""
    chance = random.Random(seed)
    events = list("abcdefghij")
    progress, taken, wanted = order.first("fuel/bi", REPLAYED, NOW), list[str](), set[str]()
    queue: list[Copy] = []
    noted = given = 0
    while noted < len(events):
        end = min(len(events), noted + chance.randint(1, 4))
        chosen = [event for event in events[noted:end] if chance.random() < 0.8]
        wanted |= set(chosen)
        queue += [replace(a_copy(given + at, REPLAYED), deliveryid=event) for at, event in enumerate(chosen, start=1)]
        if chance.random() < 0.6:  # else it dies before it has noted that
            noted, given = end, given + len(chosen)
    chance.shuffle(queue)
    for _ in range(400):
        if not queue:
            break
        copy = queue.pop(0)
        if (stand := order.stand(progress, copy)) == "waits":
            queue.append(copy)
        elif stand != "past":
            taken.append(copy.deliveryid)
            progress = order.done(progress, copy.laneseq, NOW)
    if queue or set(taken) != wanted:
        raise Wrong(f"{wanted - set(taken)} never arrived")
    return taken


@pytest.mark.parametrize("seed", range(200))
def test_a_replay_that_changes_in_the_middle_loses_nothing_and_stands_nowhere(seed: int) -> None:
    assert replayed(seed)


def _sends_no_number_twice(lane: str) -> bool:
    return False


def test_a_used_number_of_a_replay_must_not_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, "is_replays", _sends_no_number_twice)
    with pytest.raises(Wrong):
        [replayed(seed) for seed in range(20)]


def _nothing_is_late(progress: Progress, copy: Copy) -> str:
    found = STAND(progress, copy)
    return "past" if found == "late" else found


def _does_not_wait(progress: Progress, copy: Copy) -> str:
    found = STAND(progress, copy)
    return "next" if found == "waits" else found


def _done_for_good(progress: Progress, *_: object) -> Progress:
    return progress


STAND = order.stand


@pytest.mark.parametrize(
    ("rule", "broken"), [("stand", _nothing_is_late), ("stand", _does_not_wait), ("done", _done_for_good)]
)
def test_each_rule_is_needed(rule: str, broken: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order, rule, broken)
    with pytest.raises(Wrong):
        all_of_them()
