"""A target's deliveries as they are on record: for its bus's owner, and of its own time alone."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.contracts.buses import BusTerms, TargetTerms
from shared.kernel.values import changed
from tests.component.archive.vault import OPERATOR, HubInMind, Json, Vault, attempt, routed
from tests.kit.clock import HandClock

PATH = "/v1/hub/targets/fuel/bi/deliveries"
HOOK = TargetTerms(webhook="https://bi.example/hook")


@pytest.fixture(autouse=True)
def fuel(hub: HubInMind) -> None:
    """A bus of coles's, which it has had from its first revision on."""
    hub.put("fuel", BusTerms(partner="coles", targets={"bi": HOOK, "till": TargetTerms(queue=True)}))


def given(hub: HubInMind, partner: str, **owned: Any) -> None:
    terms = changed(hub.buses["fuel"].terms, partner=partner)
    hub.put("fuel", terms)
    hub.buses["fuel"] = changed(hub.buses["fuel"], **owned)


async def asked(vault: Vault, path: str = PATH, by: str = "coles-tills", **query: Any) -> httpx.Response:
    return await vault.ask("GET", path, subject=by, scope=OPERATOR if by == "ops" else "hub:read", **query)


async def page(vault: Vault, by: str = "coles-tills", **query: Any) -> Json:
    answer = await asked(vault, by=by, **query)
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
    found = await page(vault)
    assert [(each["hubid"], each["status"], each["tries"]) for each in found["deliveries"]] == [
        (waits.hubid, "waiting", 0),
        (retried.hubid, "retrying", 1),
        (done.hubid, "delivered", 2),
        (dead.hubid, "dead", 1),
    ]
    assert found["next_cursor"] is None
    (only,) = (await page(vault, status="dead"))["deliveries"]
    assert (only["hubid"], only["rules"], only["revision"]) == (dead.hubid, ["all"], 3)
    (one,) = (await page(vault, hubid=done.hubid))["deliveries"]
    assert [each["outcome"] for each in one["attempts"]] == ["failed", "delivered"]


async def test_deliveries_come_page_by_page_each_once_in_the_order_of_acceptance(vault: Vault, replica: Vault) -> None:
    events = [vault.event() for _ in range(7)]
    await vault.record(*(routed(each) for each in events))
    await vault.closed()
    await replica.record(*(attempt(each) for each in reversed(events)))
    seen, cursor, pages = [], dict[str, str](), 0
    while True:
        found = await page(replica, limit=3, **cursor)
        seen += [(each["hubid"], each["status"]) for each in found["deliveries"]]
        pages += 1
        if found["next_cursor"] is None:
            break
        cursor = {"cursor": found["next_cursor"]}
    assert (pages, seen) == (3, [(each.hubid, "delivered") for each in events])


async def test_a_page_that_finds_nothing_ends_and_says_where_to_go_on(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is bounded by what is read, as every other page is: here by two blocks of two lines."""
    monkeypatch.setattr("services.archive.cases.finding.A_PAGE", 254)  # looking into a segment counts as 250
    events = []
    for _ in range(5):
        events += (some := [vault.event() for _ in range(2)])
        await vault.record(*(routed(each) for each in some))
        clock.pass_by(seconds=1)
    await vault.record(attempt(events[-1], "dead"))
    found, pages = await page(vault, status="dead"), 1
    assert found["deliveries"] == []
    while not found["deliveries"]:
        found, pages = await page(vault, status="dead", cursor=found["next_cursor"]), pages + 1
    assert ([each["hubid"] for each in found["deliveries"]], pages) == ([events[-1].hubid], 3)


async def test_a_new_owner_sees_what_was_routed_and_replayed_since_it_has_the_bus(
    vault: Vault, hub: HubInMind, clock: HandClock
) -> None:
    before, ours, past = vault.event(), vault.event(), vault.event()
    owned_at = clock.now() + timedelta(hours=1)
    given(hub, "aldi", revision=11, owned_since=9, owned_at=owned_at)
    later = routed(ours).model_copy(update={"revision": 9})
    theirs = [changed(attempt(each), replay="r1") for each in (before, ours, past)]
    replayed = [changed(attempt(each), replay="r2", at=owned_at) for each in (before, past)]
    await vault.record(routed(before), attempt(before), later, attempt(ours, "failed"), *theirs, *replayed)
    found = await page(vault, by="aldi-tills")
    assert [(each["hubid"], each["replay"], each["status"]) for each in found["deliveries"]] == [
        (before.hubid, "r2", "delivered"),
        (ours.hubid, None, "retrying"),
        (past.hubid, "r2", "delivered"),
    ]
    assert len((await page(vault, by="ops"))["deliveries"]) == 7


async def test_where_nobody_says_since_when_a_bus_is_its_owners_the_revision_in_force_counts(
    vault: Vault, hub: HubInMind
) -> None:
    """As a hub of an earlier release answers."""
    given(hub, "aldi", revision=4)
    before, ours = vault.event(), vault.event()
    await vault.record(routed(before), routed(ours).model_copy(update={"revision": 4}))
    assert [each["hubid"] for each in (await page(vault, by="aldi-tills"))["deliveries"]] == [ours.hubid]


@pytest.mark.parametrize(
    ("path", "by"),
    [
        (PATH, "aldi-tills"),
        (PATH, "nobody"),
        (PATH.replace("/bi/", "/none/"), "coles-tills"),
        (PATH.replace("/fuel/", "/none/"), "coles-tills"),
        (PATH.replace("/bi/", "/none/"), "ops"),
    ],
)
async def test_what_is_another_partners_is_not_found(vault: Vault, path: str, by: str) -> None:
    answer = await asked(vault, path, by)
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        404,
        "not_found",
        (await asked(vault, by="aldi-tills")).json()["detail"],
    )


async def test_a_hub_that_is_away_is_a_503(vault: Vault, hub: HubInMind) -> None:
    hub.away = True
    answer = await asked(vault)
    assert (answer.status_code, answer.json()["code"]) == (503, "hub_unavailable")
