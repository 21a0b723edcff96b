"""What was routed and what was tried is kept, found by the event, and goes after thirty days."""

from pathlib import Path

from tests.component.archive.vault import HubInMind, Vault, attempt, routed
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


async def test_an_event_that_no_rule_wanted_was_routed_and_has_no_copies(vault: Vault, replica: Vault) -> None:
    event = vault.event()
    await vault.record_unwanted(event)
    for each in (vault, replica):
        found = await each.get(f"/internal/archive/records/{event.hubid}")
        assert (found["unwanted"], found["routed"]) == (True, [])


async def test_an_event_is_told_whole_with_its_class_of_keeping(vault: Vault, replica: Vault) -> None:
    (event,) = await vault.keep(vault.event(), keep="P400D")
    found = await replica.get(f"/internal/archive/events/{event.hubid}/contents")
    assert (found["keep"], found["event"]["event"]) == ("P400D", event.event)
    answer = await vault.ask("GET", f"/internal/archive/events/{vault.event().hubid}/contents")
    assert answer.status_code == 404
