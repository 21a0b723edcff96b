"""The books of a time balance: each event, copy and end once, however often it was kept."""

import random
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from services.archive.domain.segment import RECORDS_KEPT
from shared.segments.merging import Budget
from tests.component.archive.vault import HubInMind, Json, Vault, attempt, routed
from tests.kit.clock import HandClock

STATS = "/v1/hub/archive/stats"


def added(one: Any, other: Any) -> Any:
    """Two pages' counts together."""
    if one is None or other is None:
        return one or other
    if isinstance(one, dict):
        return {name: added(one.get(name), other.get(name)) for name in {**one, **other}}
    return one + other


async def pages(vault: Vault, **asked: Any) -> list[Json]:
    found: list[Json] = []
    cursor: Json = {}
    while True:
        found.append(await vault.get(STATS, **asked, **cursor))
        cursor = {"cursor": found[-1].pop("next_cursor")}
        if cursor["cursor"] is None:
            return found


async def balance(vault: Vault, start: Any, end: Any) -> Json:
    found: Json = (await vault.get(STATS, **{"from": start.isoformat(), "to": end.isoformat()}))["balance"]
    return found


async def test_what_was_kept_twice_is_counted_once(vault: Vault, clock: HandClock) -> None:
    start = clock.now()
    delivered, dead, tried, waits = (vault.event() for _ in range(4))
    other = vault.event(kind="retail.other.v1", partner="aldi")
    for _ in range(2):
        await vault.keep(delivered, dead, tried, waits, other)
        await vault.record(*(routed(each) for each in (delivered, dead, tried, waits)))
        await vault.record(routed(delivered, "seen", shadow=True))
        await vault.record(attempt(delivered, "failed"), attempt(delivered, "delivered", 2))
        await vault.record(attempt(dead, "dead", 6), attempt(tried, "refused"))
    clock.pass_by(seconds=1)
    found = await balance(vault, start, clock.now())
    assert found["events"] == {"coles": {"retail.receipt.issued.v1": 4}, "aldi": {"retail.other.v1": 1}}
    assert found["copies"] == {"fuel/bi": 4}
    assert found["outcomes"] == {"fuel/bi": {"delivered": 1, "dead": 1, "retrying": 1, "waiting": 1}}
    assert found["counted_only"] == {"fuel/seen": 1}
    assert found["replayed"] == {}


async def test_a_replays_copies_do_not_count_as_those_that_were_routed(vault: Vault, clock: HandClock) -> None:
    start = clock.now()
    (event,) = await vault.keep(vault.event())
    again = attempt(event, "dead").model_copy(update={"replay": "r1", "deliveryid": "msg_again"})
    await vault.record(routed(event), attempt(event), again)
    clock.pass_by(seconds=1)
    found = await balance(vault, start, clock.now())
    assert (found["outcomes"], found["replayed"]) == ({"fuel/bi": {"delivered": 1}}, {"fuel/bi": {"dead": 1}})


async def test_times_that_meet_share_nothing_and_leave_nothing_out(vault: Vault, clock: HandClock) -> None:
    start = clock.now()
    for _ in range(5):
        await vault.keep(vault.event())
        clock.pass_by(seconds=1)
    middle = start + timedelta(seconds=2)
    counts = [
        (await balance(vault, *times))["events"]["coles"]["retail.receipt.issued.v1"]
        for times in ((start, middle), (middle, clock.now()))
    ]
    assert counts == [2, 3]


async def test_a_time_longer_than_records_are_kept_is_refused(vault: Vault, clock: HandClock) -> None:
    times: Json = {"from": (clock.now() - RECORDS_KEPT - timedelta(days=2)).isoformat(), "to": clock.now().isoformat()}
    assert (await vault.ask("GET", STATS, **times)).status_code == 422


async def test_counts_of_all_partners_are_for_operators(vault: Vault) -> None:
    answer = await vault.ask("GET", STATS, scope="archive:read", subject="coles-tills")
    assert answer.status_code == 403


async def test_minutes_are_counted_by_class_of_keeping_and_each_event_once(vault: Vault, clock: HandClock) -> None:
    start = clock.now()
    for n in range(3):
        page = [vault.event() for _ in range(n + 1)]
        for _ in range(2):
            await vault.keep(*page)
        await vault.keep(vault.event(partner="aldi"), keep="P400D")
        clock.pass_by(minutes=1)
    times: Json = {"from": start.isoformat(), "to": clock.now().isoformat()}
    shown = (await vault.get(STATS, **times, by_minute="true"))["balance"]["minutes"]
    assert [(each["partner"], each["keep"], each["events"]) for each in shown] == [
        ("aldi", "P400D", 1),
        ("aldi", "P400D", 1),
        ("aldi", "P400D", 1),
        ("coles", "forever", 1),
        ("coles", "forever", 2),
        ("coles", "forever", 3),
    ]
    minutes = [datetime.fromisoformat(each["minute"]) for each in shown[3:]]
    assert minutes == [start.replace(second=0, microsecond=0) + n * timedelta(minutes=1) for n in range(3)]
    assert (await vault.get(STATS, **times))["balance"]["minutes"] == []


async def test_minutes_of_more_than_a_day_are_refused(vault: Vault, clock: HandClock) -> None:
    times: Json = {"from": (clock.now() - timedelta(days=1, seconds=1)).isoformat(), "to": clock.now().isoformat()}
    answer = await vault.ask("GET", STATS, **times, by_minute="true")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "to")


async def random_history(folder: Path, clock: HandClock, hub: HubInMind, chance: random.Random) -> Json:
    """Of several processes, one after the other, what was kept late, and twice; and what it adds up to."""
    made: Json = {"events": Counter(), "delivered": 0, "waiting": 0}
    late: list[Any] = []
    for _ in range(4):
        async with Vault.opened(folder, clock, hub) as vault:
            vault.skip_numbers(made["events"].total())
            for _ in range(chance.randrange(1, 5)):
                events = [vault.event(partner=chance.choice(["coles", "aldi"])) for _ in range(chance.randrange(1, 9))]
                made["events"].update(each.partner for each in events)
                keep = chance.choice(["forever", "P400D"])
                late = [*late, (keep, events)]
                for again in chance.choices(late, k=2):
                    await vault.keep(*again[1], keep=again[0])
                for each in events:
                    is_delivered = chance.random() < 0.5
                    made["delivered" if is_delivered else "waiting"] += 1
                    await vault.record(routed(each), *([attempt(each)] if is_delivered else []))
                clock.pass_by(seconds=chance.randrange(1, 100))
            for keep, events in late:
                await vault.keep(*events, keep=keep)
    return made


@pytest.mark.parametrize("seed", range(4))
async def test_the_counts_of_all_pages_are_those_of_the_whole(
    tmp_path: Path, clock: HandClock, hub: HubInMind, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    made = await random_history(tmp_path, clock, hub, random.Random(seed))
    times: Json = {"from": start.isoformat(), "to": clock.now().isoformat(), "by_minute": "true"}
    async with Vault.opened(tmp_path, clock, hub) as vault:
        whole = await pages(vault, **times)
        monkeypatch.setattr("services.archive.cases.balancing.A_PAGE", 1)
        monkeypatch.setattr("services.archive.cases.balancing.SEGMENTS", 3)
        paged = await pages(vault, **times)
    assert len(whole) == 1
    assert len(paged) > 3
    total, parts = whole[0], paged[0]
    for page in paged[1:]:
        parts = added(parts, page)
    for shown in (total, parts):
        counts = Counter[str]()
        for each in shown["balance"].pop("minutes"):
            counts[each["partner"]] += each["events"]
        assert counts == made["events"]
    assert parts == total
    assert total["balance"]["outcomes"] == {"fuel/bi": {n: made[n] for n in ("delivered", "waiting") if made[n]}}
    assert {partner: sum(kinds.values()) for partner, kinds in total["balance"]["events"].items()} == made["events"]


async def test_a_page_reads_no_more_than_it_may(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = clock.now()
    for _ in range(20):
        await vault.keep(*(vault.event() for _ in range(10)))
        clock.pass_by(seconds=1)
    times: Json = {"from": start.isoformat(), "to": clock.now().isoformat()}
    monkeypatch.setattr("services.archive.cases.balancing.A_PAGE", 350)  # looking into a segment counts as 250
    spent: list[int] = []
    spend = Budget.spend

    def counted(budget: Budget, lines: int) -> None:
        spent.append(lines)
        spend(budget, lines)

    monkeypatch.setattr(Budget, "spend", counted)
    counts = [page["balance"]["events"]["coles"] for page in await pages(vault, **times)]
    assert counts == [{"retail.receipt.issued.v1": 100}] * 2
    assert spent == [250] + 10 * [10] + [250] + 10 * [10]


async def test_events_of_whose_routing_nothing_is_on_record_are_named(vault: Vault, clock: HandClock) -> None:
    """Their page came to the archive, and its other message did not come to the router."""
    start = clock.now()
    wanted, unwanted, lost, replayed = await vault.keep(*(vault.event() for _ in range(4)))
    (also,) = await vault.keep(vault.event(partner="aldi"), keep="P400D")
    await vault.record(routed(wanted), attempt(replayed).model_copy(update={"replay": "r1"}))
    await vault.record_unwanted(unwanted)
    clock.pass_by(seconds=1)
    found = await balance(vault, start, clock.now())
    assert [(each["hubid"], each["partner"], each["id"]) for each in found["unrouted"]] == [
        (each.hubid, each.partner, each.event["id"]) for each in (lost, replayed, also)
    ]
    assert found["counted_only"] == {}
    await vault.record(routed(lost))
    await vault.record_unwanted(replayed, also)
    assert (await balance(vault, start, clock.now()))["unrouted"] == []


async def test_a_page_ends_where_many_events_were_not_routed(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.archive.domain.balance.MOST_UNROUTED", 3)
    start = clock.now()
    events = [vault.event() for _ in range(8)]
    await vault.keep(*events)
    clock.pass_by(seconds=1)
    shown = await pages(vault, **{"from": start.isoformat(), "to": clock.now().isoformat()})
    named = [[each["hubid"] for each in page["balance"]["unrouted"]] for page in shown]
    hubids = [each.hubid for each in events]
    assert named == [hubids[:3], hubids[3:6], hubids[6:]]


async def test_events_that_are_older_than_records_are_not_judged(vault: Vault, clock: HandClock) -> None:
    start = clock.now()
    await vault.keep(vault.event())
    clock.pass_by(days=28)
    assert len((await balance(vault, start, clock.now()))["unrouted"]) == 1
    clock.pass_by(days=2)
    assert (await balance(vault, start, clock.now()))["unrouted"] == []
