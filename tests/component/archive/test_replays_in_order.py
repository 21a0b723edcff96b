"""A replay's copies for a target that keeps keys in order have numbers, the same ones however often they are sent."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from services.archive.domain.lanes import lane_of
from shared.bus.outbox import NotPublished
from shared.contracts.archive import ArchivedEvent
from shared.contracts.messages import OutboxMessage
from shared.contracts.positions import Position
from tests.component.archive.desk import Desk, let_queues_grow
from tests.component.archive.vault import HubInMind, Vault
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.unit.routing.samples import a_rule, terms

HOOK = {"webhook": "https://bi.coles.example/hook"}
IN_ORDER = {"bi": {**HOOK, "order": "by-key"}}
KEYS = ("coles:1", "coles:2", "coles:1", "coles:3", "coles:1", "coles:2")


@pytest.fixture(params=["sqlite", "mongodb"])
async def desk(request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock, hub: HubInMind) -> AsyncIterator[Desk]:
    url = request.getfixturevalue("mongodb_url") if request.param == "mongodb" else None
    hub.put("fuel", terms(a_rule(), targets=IN_ORDER), bi=1)
    async with Vault.opened(tmp_path, clock, hub, url) as vault:
        let_queues_grow(vault)
        desk = Desk(vault, hub, clock)
        await keep(desk, *KEYS)
        yield desk


async def keep(desk: Desk, *keys: str) -> None:
    """A second after the other; an empty key: it has no place in any order."""
    for number, key in enumerate(keys, start=1):
        event: ArchivedEvent = desk.vault.event(total=number)
        position = Position(lane=key, epoch="e", number=number) if key else None
        await desk.vault.keep(event.model_copy(update={"position": position}))
        desk.clock.pass_by(seconds=1)
    desk.clock.pass_by(minutes=1)


def places(desk: Desk, keys: Sequence[str] = KEYS) -> list[tuple[str, int]]:
    """How copies of such keys are numbered."""
    return [(keys[int(each.attributes["id"][1:]) - 1], each.laneseq) for each in desk.sent()]


IN_FULL = [("coles:1", 1), ("coles:2", 1), ("coles:1", 2), ("coles:3", 1), ("coles:1", 3), ("coles:2", 2)]


async def test_each_lane_is_numbered_from_one(desk: Desk) -> None:
    done = await desk.replayed()
    assert len({lane_of(key) for key in KEYS}) == len(set(KEYS)), "these keys tell nothing if they share a lane"
    assert places(desk) == IN_FULL
    lanes = {each.lane for each in desk.sent()}
    assert lanes == {f"replay/{done['id']}:1:{lane_of(key)}" for key in KEYS}


async def test_what_is_sent_again_after_a_crash_has_the_number_that_it_had(desk: Desk) -> None:
    lose_an_answer(desk.vault)
    made = await desk.make()
    await desk.work()
    before = places(desk)
    assert 1 < len(before) <= len(KEYS)
    desk.clock.pass_by(seconds=10)
    await desk.work()
    assert (await desk.shown(made["id"]))["state"] == "done"
    assert places(desk)[len(before) :] == IN_FULL
    assert before == IN_FULL[: len(before)]


async def test_a_paused_one_leaves_no_gap_and_uses_no_number_twice(desk: Desk) -> None:
    desk.fill(96)
    made = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: len(desk.sent()) == 4)
    await desk.patch(made["id"], state="paused")
    await desk.vault.settled()
    desk.fill(0)
    await desk.patch(made["id"], state="running")
    await desk.work()
    assert places(desk) == IN_FULL


async def test_a_target_that_keeps_no_order_meanwhile_gets_its_copies_without_numbers(desk: Desk) -> None:
    desk.fill(97)
    made = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: len(desk.sent()) == 3)
    await desk.patch(made["id"], state="paused")
    await desk.vault.settled()
    desk.hub.put("fuel", terms(a_rule(), targets={"bi": HOOK}))
    desk.fill(98)
    await desk.patch(made["id"], state="running")
    await desk.vault.once("replays")
    await eventually(lambda: len(desk.sent()) == 5)
    await desk.patch(made["id"], state="paused")
    await desk.vault.settled()
    desk.hub.put("fuel", terms(a_rule(), targets=IN_ORDER), bi=3)
    desk.fill(0)
    await desk.patch(made["id"], state="running")
    await desk.work()
    assert places(desk) == [*IN_FULL[:3], ("coles:3", 0), ("coles:1", 0), ("coles:2", 1)]
    assert desk.sent()[-1].lane == f"replay/{made['id']}:3:{lane_of('coles:2')}"


async def test_what_was_accepted_without_an_order_has_no_number(desk: Desk) -> None:
    await keep(desk, "", "coles:3")
    await desk.replayed()
    assert places(desk, (*KEYS, "none", "coles:3"))[-2:] == [("none", 0), ("coles:3", 2)]


def lose_an_answer(vault: Vault) -> None:
    """The broker has what was published, and its answer is lost with the process."""
    recorder = vault.runtime.recorder
    publish = recorder.publish

    async def published(messages: Sequence[OutboxMessage], **more: Any) -> None:
        await publish(messages, **more)
        if sum(each.exchange == "" for each in recorder.entries) > 1:
            recorder.publish = publish  # type: ignore[method-assign]
            raise NotPublished("away")

    recorder.publish = published  # type: ignore[method-assign]
