"""A replay loses nothing and repeats little, whoever dies when, and whatever is asked of it meanwhile."""

import random
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta

import pytest

from services.archive.domain.jobs import ENDS, LEASE, Lost, NotPossible, claimed, let_go
from services.archive.domain.lanes import LANES, Given, Numbering, lane_of
from services.archive.domain.replay import (
    Counts,
    Replay,
    Sent,
    advanced,
    asked,
    begun,
    counted,
    ended,
    renewed,
    waiting,
)
from shared.contracts.copies import Copy
from tests.days import NOW
from tests.kit.clock import HandClock

EVENTS = [f"{number:04}" for number in range(30)]
KEYS = {event: f"coles:{place % 7}" for place, event in enumerate(EVENTS)}
BEFORE_A_SAVE = 3
"""Events that are sent between two notes, at most."""


def a_replay(**more: object) -> Replay:
    told = {"id": "r", "name": "n", "owner": "coles", "by": "ops", "start": NOW, "end": NOW, "targets": ("fuel/bi",)}
    return Replay.model_validate({**told, "rate": 10, "made_at": NOW, **more})


def running() -> Replay:
    held = counted(claimed(a_replay(), "one", NOW), "one", Counts())
    return begun(held, "one", NOW)


class Wrong(Exception):
    """Something happened that no history may contain."""


def a_copy(event: str) -> Copy:
    return Copy(
        hubid=event, accepted_at=NOW, partner="coles", bus="fuel", target="bi", rule="all", deliveryid=f"msg_{event}",
        attributes={}, body=b"", replayid="r",
    )  # fmt: skip


class World:
    """One document and its versions, the messages that were sent, the clock."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.replay = a_replay()
        self.sent: list[str] = []
        self.lanes: dict[str, dict[int, str]] = {}
        """Which event went under each number."""

    def change(self, edit: Callable[[Replay], Replay]) -> Replay:
        before = self.replay
        after = edit(before)
        check(before, after)
        self.replay = after
        return after

    def ask(self, wanted: str) -> None:
        self.change(lambda each: asked(each, wanted, None, self.clock.now()))

    def send(self, event: str, copy: Copy) -> None:
        """Whoever goes on after another one gives the same numbers; there is never a gap before a number."""
        lane = self.lanes.setdefault(copy.lane, {})
        if lane.setdefault(copy.laneseq, event) != event or copy.laneseq > len(lane):
            raise Wrong(f"{event} has the number {copy.laneseq} of {lane}")
        self.sent.append(event)


def check(before: Replay, after: Replay) -> None:
    """What holds of every change."""
    assert after.cursor >= before.cursor
    assert after.copies >= before.copies
    if before.state in ENDS:
        assert after.state == before.state
    assert (after.ended_at is not None) == (after.state in ENDS)
    if after.state in {"paused", "done", "failed"} and before.state not in {"running", "paused"}:
        assert after.holder == ""


def runner(world: World, name: str) -> Iterator[None]:
    """A runner's steps: it may die wherever it yields."""
    with suppress(Lost):
        replay = world.change(lambda each: claimed(each, name, world.clock.now()))
        yield
        if replay.state == "counting":
            yield
            world.change(lambda each: renewed(each, name, world.clock.now()))
            yield
            replay = world.change(lambda each: counted(each, name, Counts(events=len(EVENTS))))
            yield
        if replay.state == "ready":
            if replay.dry_run:
                return
            replay = world.change(lambda each: begun(each, name, world.clock.now()))
            yield
        since: list[str] = []
        numbering = Numbering(replay.id, replay.given)
        for event in [each for each in EVENTS if each > replay.cursor]:
            if len(since) == BEFORE_A_SAVE or world.replay.state != "running" or world.replay.holder != name:
                sent = Sent(since[-1] if since else "", numbering.given, len(since))
                world.change(lambda each, sent=sent: advanced(each, name, world.clock.now(), sent))  # type: ignore[misc]
                if world.replay.state != "running":
                    return
                since = []
                yield
            world.send(event, numbering.numbered(a_copy(event), KEYS[event], 1))
            since.append(event)
            yield
        sent = Sent(since[-1] if since else "", numbering.given, len(since))

        def done(each: Replay) -> Replay:
            after = advanced(each, name, world.clock.now(), sent)
            return ended(after, name, "done", world.clock.now()) if after.holder else after

        world.change(done)


def history(seed: int) -> tuple[World, int]:
    """Runners come, go on and die; clients ask; time passes. Returns how many of them died."""
    chance = random.Random(seed)
    world = World()
    runners: list[tuple[str, Iterator[None]]] = []
    died = names = 0
    for _ in range(2_000):
        if world.replay.state in ENDS:
            break
        match chance.randrange(20):
            case 0 | 1:
                names += 1
                runners.append((f"runner-{names}", runner(world, f"runner-{names}")))
            case 2 if runners:
                runners.pop(chance.randrange(len(runners)))
                died += 1
            case 3:
                with suppress(NotPossible):
                    world.ask(chance.choice(["paused", "running", "running"]))
            case 4:
                world.clock.pass_by(LEASE if chance.random() < 0.3 else timedelta(seconds=1))
                renew(world, runners)
            case _ if runners:
                place = chance.randrange(len(runners))
                if next(runners[place][1], "end") == "end":
                    runners.pop(place)
    return world, died


def renew(world: World, runners: list[tuple[str, Iterator[None]]]) -> None:
    """Who lives says so each second, before its lease ends."""
    if world.replay.holder in {name for name, _ in runners} and world.replay.state == "running":
        world.change(lambda each: each.model_copy(update={"held_until": world.clock.now() + LEASE}))


@pytest.mark.parametrize("seed", range(300))
def test_every_event_is_sent_and_a_death_repeats_no_more_than_was_not_noted(seed: int) -> None:
    world, died = history(seed)
    if world.replay.state == "done":
        assert set(world.sent) == set(EVENTS)
    assert len(world.sent) - len(set(world.sent)) <= died * BEFORE_A_SAVE
    assert [event for event in EVENTS if event <= world.replay.cursor] == sorted(
        {event for event in world.sent if event <= world.replay.cursor}
    )


def test_a_key_keeps_its_order_within_its_lane() -> None:
    world = next(found for found, _ in map(history, range(40)) if found.replay.state == "done")
    assert {name.split(":")[0] for name in world.lanes} == {"replay/r"}
    assert sum(len(lane) for lane in world.lanes.values()) == len(EVENTS)
    for lane in world.lanes.values():
        assert [lane[number] for number in range(1, len(lane) + 1)] == sorted(lane.values())
    assert len({lane_of(key) for key in KEYS.values()}) == len(world.lanes)


def _counts_from_one(self: Numbering, replay: str, given: Given) -> None:
    INIT(self, replay, {})


def _keeps_the_cursor_alone(replay: Replay, *args: object) -> Replay:
    return ADVANCED(replay, *args).model_copy(update={"given": replay.given})  # type: ignore[arg-type]


INIT, ADVANCED = Numbering.__init__, advanced


@pytest.mark.parametrize(
    ("place", "name", "broken"),
    [(Numbering, "__init__", _counts_from_one), (sys.modules[__name__], "advanced", _keeps_the_cursor_alone)],
)
def test_each_rule_is_needed(place: object, name: str, broken: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, name, broken)
    with pytest.raises(Wrong):
        [history(seed) for seed in range(40)]


def test_keys_are_shared_out_over_all_lanes_and_each_has_one() -> None:
    found = [lane_of(f"coles:{number}") for number in range(2_000)]
    assert set(found) == set(range(LANES))
    assert lane_of("coles:7") == found[7]


def test_a_target_that_had_no_order_meanwhile_counts_anew_under_another_name() -> None:
    numbering = Numbering("r", {})
    before = [numbering.numbered(a_copy("1"), "coles:7", 3).laneseq for _ in range(2)]
    after = numbering.numbered(a_copy("2"), "coles:7", 5)
    assert (before, after.laneseq) == ([1, 2], 1)
    assert after.lane == f"replay/r:5:{lane_of('coles:7')}"
    assert numbering.numbered(a_copy("3"), "coles:7", 3).laneseq == 3


def test_one_of_a_release_that_numbered_nothing_goes_on() -> None:
    old = running().model_dump(mode="json", exclude={"given"})
    assert advanced(Replay.model_validate(old), "one", NOW, Sent("0003", {"fuel/bi@1": (1,)})).given


def test_most_histories_come_to_an_end() -> None:
    assert sum(history(seed)[0].replay.state == "done" for seed in range(40)) > 30


def test_who_holds_it_is_alone_until_its_lease_is_over() -> None:
    held = claimed(a_replay(), "one", NOW)
    with pytest.raises(Lost):
        claimed(held, "other", NOW + LEASE - timedelta(seconds=1))
    assert claimed(held, "other", NOW + LEASE).holder == "other"
    with pytest.raises(Lost):
        renewed(claimed(held, "other", NOW + LEASE), "one", NOW + LEASE)


def test_a_dry_run_ends_when_all_is_counted_and_runs_when_that_is_asked() -> None:
    dry = counted(claimed(a_replay(dry_run=True), "one", NOW), "one", Counts(events=3))
    assert (dry.state, dry.holder, dry.is_wanted) == ("ready", "", False)
    assert asked(dry, "running", None, NOW).is_wanted


def test_pausing_leaves_it_to_its_runner_to_note_how_far_it_came() -> None:
    paused = asked(running(), "paused", None, NOW)
    assert (paused.state, paused.holder, paused.is_wanted) == ("paused", "one", False)
    noted = advanced(paused, "one", NOW, Sent("0003", {}, 3))
    assert (noted.cursor, noted.copies, noted.holder, noted.state) == ("0003", 3, "", "paused")
    again = asked(noted, "running", None, NOW)
    assert claimed(again, "other", NOW).cursor == "0003"


def test_what_is_cancelled_stays_so_and_its_last_copies_are_noted() -> None:
    cancelled = asked(running(), "cancelled", None, NOW)
    assert cancelled.ended_at == NOW
    assert advanced(cancelled, "one", NOW, Sent("0003", {}, 3)).copies == 3
    for wanted in ("running", "paused"):
        with pytest.raises(NotPossible):
            asked(cancelled, wanted, None, NOW)
    with pytest.raises(NotPossible):
        asked(cancelled, None, 5, NOW)
    with pytest.raises(Lost):
        claimed(cancelled, "other", NOW + LEASE)


def test_what_is_so_already_is_no_change() -> None:
    replay = running()
    assert asked(replay, "running", 10, NOW) is replay
    assert asked(replay, None, 20, NOW).revision == replay.revision + 1


def test_one_that_waits_for_its_turn_looks_again_soon() -> None:
    held = counted(claimed(a_replay(), "one", NOW), "one", Counts())
    waits = waiting(held, "one", NOW)
    assert waits.wake_at is not None
    assert NOW < waits.wake_at <= NOW + timedelta(seconds=2)


def test_one_that_is_let_go_of_is_taken_up_at_once() -> None:
    assert claimed(let_go(running(), "one", NOW), "other", NOW).state == "running"
