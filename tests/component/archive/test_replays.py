"""Events of the past are sent once more: counted before, to their targets alone, in order, as far as is allowed."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.archive.cases.courtesy import Courtesy
from shared.bus.outbox import NotPublished, Unroutable
from shared.contracts.archive import ReplayEnded
from shared.contracts.messages import OutboxMessage
from tests.component.archive.desk import REPLAYS, Desk, let_queues_grow
from tests.component.archive.vault import HubInMind, Json, Vault
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.unit.routing.samples import a_rule, terms

LARGE = {"type": ["retail.receipt.issued.v1"], "data": {"total": [{"numeric": [">=", 100]}]}}


@pytest.fixture
def desk(vault: Vault, hub: HubInMind, clock: HandClock) -> Desk:
    hub.put("fuel", terms(a_rule(when=LARGE)))
    let_queues_grow(vault)
    return Desk(vault, hub, clock)


async def test_a_replay_brings_what_todays_rules_select_in_order_and_marked(desk: Desk) -> None:
    events = await desk.kept(100, 5, 200, 300)
    done = await desk.replayed()
    assert (done["state"], done["copies"], done["counts"]["total"]) == ("done", 3, 3)
    wanted = [events[0].hubid, events[2].hubid, events[3].hubid]
    assert [each.hubid for each in desk.sent()] == wanted
    assert {(each.replayid, each.target) for each in desk.sent()} == {(done["id"], "bi")}
    assert all(each.deliveryid.endswith(done["id"]) for each in desk.sent())
    entries = [each for each in desk.vault.runtime.recorder.entries if each.exchange == ""]
    assert {(each.routing_key, each.mandatory) for each in entries} == {("target.fuel.bi", True)}


async def test_a_dry_run_counts_and_sends_nothing_until_it_is_told_to(desk: Desk) -> None:
    events = await desk.kept(100, 5, 200)
    ready = await desk.replayed(dry_run=True, rate=2)
    assert (ready["state"], ready["seconds"]) == ("ready", 1.0)
    counts = ready["counts"]
    assert (counts["events"], counts["copies"]) == (2, {"fuel/bi": {"retail.receipt.issued.v1": 2}})
    assert counts["first"] == events[0].at.isoformat().replace("+00:00", "Z")
    assert not desk.sent()
    await desk.patch(ready["id"], state="running")
    await desk.work()
    assert len(desk.sent()) == 2


async def test_its_end_is_said(desk: Desk) -> None:
    await desk.kept(100)
    done = await desk.replayed()
    said: list[ReplayEnded] = []

    async def told() -> bool:
        said[:] = [each for each in desk.vault.runtime.recorder.said if isinstance(each, ReplayEnded)]
        return bool(said)

    await eventually(told)
    assert [(each.replay, each.state, each.copies) for each in said] == [(done["id"], "done", 1)]


async def test_only_the_time_and_the_pattern_that_were_named(desk: Desk) -> None:
    events = await desk.kept(100, 200, 300, 400)
    end = desk.start + timedelta(seconds=3)
    done = await desk.replayed(to=end.isoformat(), when={"data": {"total": [{"numeric": [">", 100]}]}})
    assert done["copies"] == 2
    assert [each.hubid for each in desk.sent()] == [events[1].hubid, events[2].hubid]


async def test_all_means_whatever_the_rules_say_but_no_others_events(desk: Desk) -> None:
    mine = await desk.kept(1, 2)
    await desk.vault.keep(desk.vault.event(desk.start, partner="aldi", total=3))
    assert (await desk.replayed(matching="all"))["copies"] == 2
    assert [each.hubid for each in desk.sent()] == [each.hubid for each in mine]


async def test_what_lies_in_several_segments_and_twice_comes_once_and_in_order(desk: Desk, replica: Vault) -> None:
    events = [desk.vault.event(desk.start + timedelta(seconds=number), total=100) for number in range(9)]
    await desk.vault.keep(events[8], events[1])
    await replica.keep(events[0], events[4], events[8])
    await replica.closed()
    await desk.vault.keep(*events[2:8])
    desk.clock.pass_by(minutes=1)
    await desk.replayed()
    assert [each.hubid for each in desk.sent()] == [each.hubid for each in events]


async def test_the_same_name_is_the_same_replay_and_another_under_it_is_refused(desk: Desk) -> None:
    await desk.kept(100)
    body = desk.body()
    first, again = [await desk.vault.ask("POST", REPLAYS, body) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    await desk.work()
    assert len(desk.sent()) == 1
    other = await desk.vault.ask("POST", REPLAYS, {**body, "matching": "all"})
    assert (other.status_code, other.json()["code"]) == (409, "name_taken")
    assert [each["pointer"] for each in other.json()["errors"]] == ["/matching"]


async def test_a_replay_that_is_asked_for_otherwise_says_in_what_and_what_to_do(desk: Desk) -> None:
    """Who reads 202 believes that it is sent, and so fast."""
    await desk.kept(100)
    ready = await desk.replayed(dry_run=True, rate=7)

    async def asked(**more: Any) -> tuple[str, dict[str, str]]:
        told = (await desk.vault.ask("POST", REPLAYS, desk.body(**more))).json()
        return told["code"], {each["pointer"]: each["detail"] for each in told["errors"]}

    code, faults = await asked(rate=8)
    assert code == "asked_otherwise"
    assert faults == {
        "/dry_run": "is true there, so nothing is sent: PATCH its `state` to `running`",
        "/rate": "is 7 there: PATCH its `rate`",
    }
    await desk.patch(ready["id"], state="running")
    assert await asked(dry_run=True, rate=7) == (
        "asked_otherwise",
        {"/dry_run": "is false there, so it sends: take another name to count only"},
    )
    assert (await desk.vault.ask("POST", REPLAYS, desk.body(rate=7))).json()["id"] == ready["id"]
    await desk.work()
    assert len(desk.sent()) == 1
    assert await asked(dry_run=True, rate=7) == ("name_taken", {"/dry_run": "differs from that one's"})


async def test_it_waits_while_the_targets_queue_holds_a_hundred(desk: Desk) -> None:
    await desk.kept(100, 200)
    desk.fill(100)
    made = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: is_in(desk, made["id"], "running"))
    assert not desk.sent()
    since = desk.clock.now()
    await eventually(lambda: is_held_up(desk, made["id"], "fuel/bi", since))
    desk.fill(99)
    await eventually(lambda: has_sent(desk, 1))
    desk.fill(0)
    await desk.vault.settled()
    assert len(desk.sent()) == 2
    await is_held_up(desk, made["id"], "", None)


async def is_held_up(desk: Desk, id_: str, target: str, since: datetime | None) -> bool:
    shown = await desk.shown(id_)
    at = datetime.fromisoformat(shown["waits_since"]) if shown["waits_since"] is not None else None
    assert (shown["waits_for"], at) == (target, since)
    return True


@pytest.mark.parametrize("act", ["paused", "cancelled"])
async def test_one_that_is_held_up_can_be_stopped_and_makes_way_for_another(desk: Desk, act: str) -> None:
    """Its target is paused for ever, say: whoever has it stopped is not held up himself."""
    await desk.kept(100, 200)
    desk.fill(100)
    held = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: is_held_up(desk, held["id"], "fuel/bi", desk.clock.now()))
    await desk.patch(held["id"], state=act)
    await desk.vault.settled()
    await is_held_up(desk, held["id"], "", None)
    desk.fill(0)
    assert (await desk.replayed(name="another"))["state"] == "done"


async def test_one_that_is_held_up_by_a_target_that_was_taken_away_ends_with_a_reason(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.archive.cases.sending.ASKS", 0.0)
    await desk.kept(100)
    desk.fill(100)
    made = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: is_in(desk, made["id"], "running"))
    desk.hub.put("fuel", terms(a_rule(when=LARGE, to=("other",))))
    await desk.vault.settled()
    failed = await desk.shown(made["id"])
    assert (failed["state"], failed["reason"]) == ("failed", "fuel/bi must be a target that there is")


async def test_the_queue_of_a_target_that_was_taken_away_is_not_made_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.kept(100)
    made = await desk.make()

    async def taken_away(_: Sequence[OutboxMessage]) -> None:
        desk.hub.put("fuel", terms(a_rule(when=LARGE, to=("other",))))
        raise Unroutable("no queue")

    monkeypatch.setattr(desk.vault.runtime.recorder, "publish", taken_away)
    await desk.work()
    assert (await desk.shown(made["id"]))["reason"] == "fuel/bi must be a target that there is"
    assert desk.queue not in desk.vault.runtime.standing.made


async def test_cancelled_means_no_further_copy(desk: Desk) -> None:
    await desk.kept(*range(100, 120))
    desk.fill(95)
    made = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: has_sent(desk, 5))
    assert (await desk.patch(made["id"], state="cancelled"))["state"] == "cancelled"
    await desk.vault.settled()
    sent = len(desk.sent())
    desk.fill(0)
    await desk.work()
    assert len(desk.sent()) == sent
    assert (await desk.shown(made["id"]))["copies"] == sent
    refused = await desk.vault.ask("PATCH", f"{REPLAYS}/{made['id']}", {"state": "running"}, headers={"If-Match": "*"})
    assert (refused.status_code, refused.json()["code"]) == (409, "not_possible")


async def test_a_paused_one_goes_on_from_where_it_was(desk: Desk) -> None:
    events = await desk.kept(*range(100, 110))
    desk.fill(97)
    made = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: has_sent(desk, 3))
    await desk.patch(made["id"], state="paused")
    await desk.vault.settled()
    desk.fill(0)
    await desk.work()
    paused = await desk.shown(made["id"])
    assert paused["state"] == "paused"
    assert paused["copies"] == len(desk.sent())
    await desk.patch(made["id"], state="running")
    await desk.work()
    assert [each.hubid for each in desk.sent()] == [each.hubid for each in events]


async def test_a_process_that_stops_leaves_it_to_another_at_once(desk: Desk, replica: Vault) -> None:
    events = await desk.kept(*range(100, 110))
    desk.fill(97)
    made = await desk.make()
    await desk.vault.once("replays")
    await eventually(lambda: has_sent(desk, 3))
    await desk.vault.stopped()
    other = Desk(replica, desk.hub, desk.clock)
    await other.work()
    assert (await other.shown(made["id"]))["state"] == "done"
    sent = [each.hubid for each in (*desk.sent(), *other.sent())]
    assert sent == [each.hubid for each in events]


async def test_a_process_that_stops_while_it_rests_has_noted_what_it_sent(
    desk: Desk, replica: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = await desk.kept(*range(100, 110))
    desk.fill(97)
    await desk.make()
    with monkeypatch.context() as patched:
        patched.setattr(Courtesy, "rest", lambda *_, computing=0.0, **__: 0.0 if computing else 3_600.0)
        await desk.vault.once("replays")
        await eventually(lambda: has_sent(desk, 3))
        await desk.vault.stopped()
    other = Desk(replica, desk.hub, desk.clock)
    await other.work()
    sent = [each.hubid for each in (*desk.sent(), *other.sent())]
    assert sent == [each.hubid for each in events]


async def test_a_broker_that_refuses_is_tried_again_when_the_lease_is_over(desk: Desk) -> None:
    await desk.kept(100, 200)
    refuse_once(desk.vault)
    made = await desk.make()
    await desk.work()
    assert not desk.sent()
    await desk.work()
    assert not desk.sent()
    desk.clock.pass_by(seconds=10)
    await desk.work()
    assert [each.attributes["id"] for each in desk.sent()] == ["e1", "e2"]
    assert (await desk.shown(made["id"]))["state"] == "done"


async def test_one_target_has_one_replay_at_a_time_and_four_run_in_all(desk: Desk) -> None:
    await desk.kept(100)
    for number in range(6):
        desk.hub.put(f"bus{number}", terms(a_rule(when=LARGE)))
        desk.fill(100, f"target.bus{number}.bi")
    ids = [(await desk.make(name=f"r{number}", targets=[f"bus{number}/bi"]))["id"] for number in range(5)]
    ids.append((await desk.make(name="same", targets=["bus0/bi", "bus5/bi"]))["id"])
    await desk.vault.once("replays")

    async def settled() -> bool:
        states = [(await desk.shown(id_))["state"] for id_ in ids]
        return sorted(states) == ["ready", "ready", *["running"] * 4]

    await eventually(settled)
    for queue in desk.vault.runtime.standing.waiting:
        desk.vault.runtime.standing.waiting[queue] = 0
    await desk.vault.settled()
    desk.clock.pass_by(seconds=2)

    async def over() -> bool:
        await desk.work()
        desk.clock.pass_by(seconds=2)
        return all([(await desk.shown(id_))["state"] == "done" for id_ in ids])

    await eventually(over)


async def test_a_partner_replays_to_its_own_targets_alone(desk: Desk) -> None:
    await desk.kept(100)
    coles: Json = {"scope": "archive:replay", "subject": "coles-tills"}
    aldi: Json = {"scope": "archive:replay", "subject": "aldi-tills"}
    body = desk.body()
    made = await desk.vault.ask("POST", REPLAYS, body, **coles)
    assert (made.status_code, made.json()["owner"]) == (202, "coles")
    path = f"{REPLAYS}/{made.json()['id']}"
    refused = await desk.vault.ask("POST", REPLAYS, body, **aldi)
    assert (refused.status_code, refused.json()["code"]) == (422, "unknown_target")
    assert (await desk.vault.ask("GET", path, **aldi)).status_code == 404
    cancelling = await desk.vault.ask("PATCH", path, {"state": "cancelled"}, headers={"If-Match": "*"}, **aldi)
    assert cancelling.status_code == 404
    assert (await desk.vault.ask("GET", REPLAYS, **aldi)).json()["replays"] == []
    assert [each["id"] for each in (await desk.vault.ask("GET", REPLAYS, **coles)).json()["replays"]] == [
        made.json()["id"]
    ]
    nobody = await desk.vault.ask("GET", REPLAYS, scope="archive:replay", subject="nobody")
    assert (nobody.status_code, nobody.json()["code"]) == (403, "unknown_partner")
    assert (await desk.vault.ask("GET", REPLAYS, scope="archive:read", subject="coles-tills")).status_code == 403


@pytest.mark.parametrize(
    ("more", "pointer"),
    [
        ({"to": "2000-01-01T00:00:00Z"}, "/to"),
        ({"to": "2900-01-01T00:00:00Z"}, "/to"),
        ({"targets": ["fuel/bi", "fuel/bi"]}, "/targets"),
        ({"targets": ["fuel/bi", "fuel/none"]}, "/targets/1"),
        ({"targets": ["none/bi"]}, "/targets/0"),
        ({"when": {"type": "scalar"}}, "/when/type"),
        ({"rate": 0}, "/rate"),
    ],
)
async def test_what_is_no_replay_is_refused_by_its_place(desk: Desk, more: Json, pointer: str) -> None:
    await desk.kept(100)
    answer = await desk.vault.ask("POST", REPLAYS, desk.body(**more))
    assert answer.status_code == 422, answer.text
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


async def test_a_pattern_that_says_a_name_twice_is_refused(desk: Desk) -> None:
    await desk.kept(100)
    twice = json.dumps(desk.body(when=LARGE)).replace('"when": {', '"when": {"type": ["x"], ').encode()
    answer = await desk.vault.ask("POST", REPLAYS, twice, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json"), answer.text
    assert answer.json()["errors"][0]["pointer"] == "/when/type"


async def test_a_bus_that_is_gone_ends_it_with_a_reason(desk: Desk) -> None:
    await desk.kept(100)
    made = await desk.make()
    del desk.hub.buses["fuel"]
    await desk.work()
    failed = await desk.shown(made["id"])
    assert (failed["state"], failed["reason"]) == ("failed", "fuel/bi must be a target that there is")


async def test_a_hub_that_is_away_is_waited_for(desk: Desk) -> None:
    await desk.kept(100)
    made = await desk.make()
    desk.hub.away = True
    await desk.work()
    assert (await desk.shown(made["id"]))["state"] == "counting"
    desk.hub.away = False
    desk.clock.pass_by(seconds=10)
    await desk.work()
    assert (await desk.shown(made["id"]))["state"] == "done"


async def test_a_segment_that_is_gone_ends_it_with_its_name(tmp_path: Path, clock: HandClock, hub: HubInMind) -> None:
    hub.put("fuel", terms(a_rule(when=LARGE)))
    async with Vault.opened(tmp_path, clock, hub) as vault:
        desk = Desk(vault, hub, clock)
        await desk.kept(100)
        body = desk.body()
    (path,) = (tmp_path / "archive").glob("*/*.zst")
    path.unlink()
    async with Vault.opened(tmp_path, clock, hub) as vault:
        desk = Desk(vault, hub, clock)
        answer = await vault.ask("POST", REPLAYS, body)
        await desk.work()
        failed = await desk.shown(answer.json()["id"])
        assert (failed["state"], failed["reason"]) == ("failed", f"the segment {path.stem}: it is gone")


async def is_in(desk: Desk, id_: str, state: str) -> bool:
    return bool((await desk.shown(id_))["state"] == state)


async def has_sent(desk: Desk, least: int) -> bool:
    await asyncio.sleep(0)
    return len(desk.sent()) >= least


def refuse_once(vault: Vault) -> None:
    recorder = vault.runtime.recorder
    publish = recorder.publish

    async def refused(messages: Sequence[OutboxMessage]) -> None:
        recorder.publish = publish  # type: ignore[method-assign]
        raise NotPublished("away")

    recorder.publish = refused  # type: ignore[method-assign]


async def test_what_may_not_be_archived_yet_is_waited_for(desk: Desk) -> None:
    await desk.kept(100)
    made = await desk.make(to=desk.clock.now().isoformat())
    await desk.work()
    assert (await desk.shown(made["id"]))["state"] == "counting"
    desk.clock.pass_by(seconds=5)
    await desk.work()
    assert (await desk.shown(made["id"]))["state"] == "done"


async def test_so_many_replays_of_one_owner_are_open_and_the_same_again_is_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.archive.cases.replaying.MOST_OPEN", 2)
    await desk.kept(100)
    first, _ = await desk.make(name="a"), await desk.make(name="b")
    refused = await desk.vault.ask("POST", REPLAYS, desk.body(name="c"))
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_jobs")
    assert (await desk.make(name="a"))["id"] == first["id"]
    await desk.patch(first["id"], state="cancelled")
    await desk.make(name="c")


async def test_so_many_are_counted_at_once_by_a_replica_and_the_others_after_them(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.archive.cases.running.COUNTS", 2)
    await desk.kept(100)
    made = [await desk.make(name=f"n{number}", dry_run=True) for number in range(5)]
    at_once = []
    for _ in range(3):
        await desk.vault.once("replays")
        at_once.append(len(desk.vault._task("replays")._page.__self__.jobs))
        await desk.vault.settled()
    assert at_once == [2, 2, 1]
    assert {(await desk.shown(each["id"]))["state"] for each in made} == {"ready"}


async def test_a_dry_run_that_nobody_wants_to_send_is_forgotten(desk: Desk, clock: HandClock) -> None:
    await desk.kept(100)
    ready = await desk.replayed(dry_run=True)
    clock.pass_by(days=89)
    await desk.work()
    assert (await desk.shown(ready["id"]))["state"] == "ready"
    clock.pass_by(days=2)
    await desk.work()
    assert (await desk.vault.ask("GET", f"{REPLAYS}/{ready['id']}")).status_code == 404
