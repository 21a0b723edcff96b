"""What was routed and what was tried is kept, found by the event, and goes after thirty days."""

from pathlib import Path
from typing import Any

import pytest

from tests.component.archive.vault import HubInMind, Json, Vault, attempt, routed
from tests.kit.clock import HandClock


async def test_what_is_on_record_of_an_event_is_found_by_its_name(vault: Vault) -> None:
    one, other = vault.event(), vault.event()
    await vault.record(routed(one), routed(one, "till"), routed(other))
    await vault.record(attempt(one, "failed"), attempt(other), attempt(one, "delivered", 2))
    found = await vault.get(f"/internal/archive/records/{one.hubid}")
    assert [(each["bus"], each["target"], each["revision"], each["rules"]) for each in found["routed"]] == [
        ("fuel", "bi", 3, ["all"]),
        ("fuel", "till", 3, ["all"]),
    ]
    assert [(each["attempt"], each["outcome"]) for each in found["attempts"]] == [(1, "failed"), (2, "delivered")]


async def test_what_comes_twice_is_told_once(vault: Vault) -> None:
    event = vault.event()
    for _ in range(2):
        await vault.record(routed(event), attempt(event))
    found = await vault.get(f"/internal/archive/records/{event.hubid}")
    assert (len(found["routed"]), len(found["attempts"])) == (1, 1)


async def test_an_event_of_which_nothing_is_on_record_has_an_empty_one(vault: Vault) -> None:
    found = await vault.get(f"/internal/archive/records/{vault.event().hubid}")
    assert (found["routed"], found["undecided"], found["attempts"]) == ([], [], [])


async def test_records_that_say_nothing_of_an_event_are_taken(vault: Vault) -> None:
    await vault.record()


async def test_records_are_found_by_another_replica_while_they_are_written_and_after(
    vault: Vault, replica: Vault
) -> None:
    event = vault.event()
    await vault.record(routed(event))
    path = f"/internal/archive/records/{event.hubid}"
    assert len((await replica.get(path))["routed"]) == 1
    await vault.closed()
    assert len((await replica.get(path))["routed"]) == 1


async def test_records_are_no_events(vault: Vault) -> None:
    await vault.record(routed(vault.event()))
    (event,) = await vault.keep(vault.event())
    assert await vault.found() == [event.hubid]


async def test_records_go_after_thirty_days_and_events_stay(tmp_path: Path, clock: HandClock, hub: HubInMind) -> None:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        event = vault.event()
        await vault.keep(event)
        await vault.record(routed(event))
    async with Vault.opened(tmp_path, clock, hub) as vault:
        path = f"/internal/archive/records/{event.hubid}"
        clock.pass_by(days=29, hours=23)
        await vault.once("removing")
        assert len((await vault.get(path))["routed"]) == 1
        clock.pass_by(hours=1)
        await vault.once("removing")
        assert (await vault.get(path))["routed"] == []
        assert not list((vault.folder / "records").glob("*/*.zst"))
        assert await vault.found() == [event.hubid]


async def deliveries(vault: Vault, **wanted: Any) -> Json:
    body = {"bus": "fuel", "target": "bi", "first": "", "last": "g", "limit": 100} | wanted
    answer = await vault.ask("POST", "/internal/archive/deliveries", body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def test_deliveries_of_a_target_are_told_with_their_attempts_and_how_they_stand(vault: Vault) -> None:
    waits, retried, done, dead, others = (vault.event() for _ in range(5))
    await vault.record(
        routed(waits),
        routed(retried),
        routed(done),
        routed(done, "till"),
        routed(dead),
        routed(others, "till"),
        routed(others, bus="food"),
        routed(others, shadow=True),
    )
    await vault.record(
        attempt(retried, "failed"),
        attempt(done, "failed"),
        attempt(done, "delivered", 2),
        attempt(done, "delivered", target="till"),
        attempt(dead, "dead"),
        attempt(others, target="till"),
    )
    found = await deliveries(vault)
    assert [(each["hubid"], each["stands"], each["tries"]) for each in found["deliveries"]] == [
        (waits.hubid, "waiting", 0),
        (retried.hubid, "retrying", 1),
        (done.hubid, "delivered", 2),
        (dead.hubid, "dead", 1),
    ]
    assert found["after"] is None
    (only,) = (await deliveries(vault, stands="dead"))["deliveries"]
    assert (only["hubid"], only["rules"], only["revision"]) == (dead.hubid, ["all"], 3)
    (one,) = (await deliveries(vault, first=done.hubid, last=f"{done.hubid}."))["deliveries"]
    assert [each["outcome"] for each in one["attempts"]] == ["failed", "delivered"]


async def test_deliveries_come_page_by_page_each_once_in_the_order_of_acceptance(vault: Vault, replica: Vault) -> None:
    events = [vault.event() for _ in range(7)]
    await vault.record(*(routed(each) for each in events))
    await vault.closed()
    await replica.record(*(attempt(each) for each in reversed(events)))
    seen, after, pages = [], "", 0
    while True:
        page = await deliveries(replica, limit=3, after=after)
        seen += [(each["hubid"], each["stands"]) for each in page["deliveries"]]
        pages += 1
        if (after := page["after"]) is None:
            break
    assert (pages, seen) == (3, [(each.hubid, "delivered") for each in events])


async def test_a_page_that_finds_nothing_ends_and_says_where_to_go_on(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.archive.domain.deliveries.MOST_READ", 4)
    events = [vault.event() for _ in range(10)]
    await vault.record(*(routed(each) for each in events), attempt(events[-1], "dead"))
    first = await deliveries(vault, stands="dead")
    assert (first["deliveries"], first["after"]) == ([], events[3].hubid)
    found, after = list[Json](), first["after"]
    while after is not None:
        page = await deliveries(vault, stands="dead", after=after)
        found, after = found + page["deliveries"], page["after"]
    assert [each["hubid"] for each in found] == [events[-1].hubid]


async def test_what_another_owner_had_and_replays_are_kept_apart(vault: Vault) -> None:
    before, ours, past = vault.event(), vault.event(), vault.event()
    later = routed(ours).model_copy(update={"revision": 9})
    replayed = [attempt(each).model_copy(update={"replay": "r1"}) for each in (before, ours, past)]
    await vault.record(routed(before), attempt(before), later, attempt(ours, "failed"), *replayed)
    found = await deliveries(vault, since=9)
    assert [(each["hubid"], each["replay"], each["stands"]) for each in found["deliveries"]] == [
        (ours.hubid, None, "retrying"),
        (ours.hubid, "r1", "delivered"),
        (past.hubid, "r1", "delivered"),
    ]
    assert len((await deliveries(vault))["deliveries"]) == 5


async def test_what_asks_for_no_deliveries_is_refused(vault: Vault) -> None:
    answer = await vault.ask("POST", "/internal/archive/deliveries", {"bus": "fuel"})
    assert answer.status_code == 422
