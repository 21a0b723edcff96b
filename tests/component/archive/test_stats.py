"""The books of a time balance: each event, copy and end once, however often it was kept."""

from datetime import datetime, timedelta
from typing import Any

from services.archive.domain.segment import RECORDS_KEPT
from tests.component.archive.vault import Json, Vault, attempt, routed
from tests.kit.clock import HandClock

STATS = "/v1/hub/archive/stats"


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
