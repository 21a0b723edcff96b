"""A feed tells what a target's rules select: all of it, whenever it is kept, and says where something is gone."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from services.archive.cases.feeding import PER_CALLER
from shared.contracts.archive import ArchivedEvent
from tests.component.archive.vault import HubInMind, Json, Vault
from tests.kit.clock import HandClock
from tests.unit.routing.samples import a_rule, terms

FEED = "/v1/hub/feed/fuel/own"
LARGE = {"type": ["retail.receipt.issued.v1"], "data": {"total": [{"numeric": [">=", 100]}]}}


class House:
    """Replicas of the archive over one store and one folder, and one reader that keeps nothing but its cursor."""

    def __init__(self, folder: Path, clock: HandClock, hub: HubInMind, mongodb_url: str | None) -> None:
        self.folder, self.clock, self.hub, self._mongodb_url = folder, clock, hub, mongodb_url
        self.replicas: list[Vault] = []
        self.after: str | None = None
        self._running: list[AsyncExitStack] = []
        self._made = 0

    async def more(self) -> Vault:
        """Another replica."""
        running = AsyncExitStack()
        opened = Vault.opened(self.folder, self.clock, self.hub, self._mongodb_url)
        vault = await running.enter_async_context(opened)
        vault.skip_numbers(100_000 * self._made)  # hubids of their own
        self._made += 1
        self._running.append(running)
        self.replicas.append(vault)
        return vault

    async def leave(self, place: int) -> None:
        """One of them ends: its segments are closed."""
        await self._running.pop(place).aclose()
        del self.replicas[place]

    async def close(self) -> None:
        while self._running:
            await self.leave(0)

    async def page(self, **params: Any) -> Json:
        """What follows the cursor, which then stands behind it."""
        told = params | ({"after": self.after} if self.after else {})
        page = await self.replicas[0].get(FEED, **told)
        self.after = page["after"]
        return page

    async def rest(self, limit: int = 1_000) -> list[str]:
        """Hubids of all that follows."""
        found: list[str] = []
        while True:
            page = await self.page(limit=limit)
            found += [each["hubid"] for each in page["events"]]
            if not page["more"]:
                return found


@pytest.fixture(params=["sqlite", "mongodb"])
async def house(
    request: pytest.FixtureRequest, tmp_path: Path, clock: HandClock, hub: HubInMind
) -> AsyncIterator[House]:
    url = None if request.param == "sqlite" else str(request.getfixturevalue("mongodb_url"))
    hub.put("fuel", terms(a_rule(when=LARGE, to=("own",)), targets={"own": {"feed": True}}))
    house = House(tmp_path, clock, hub, url)
    await house.more()
    yield house
    await house.close()


def hubids(events: Sequence[ArchivedEvent]) -> list[str]:
    return [each.hubid for each in events]


async def test_a_feed_tells_what_the_rules_select_as_a_webhook_would_be_sent_it(house: House) -> None:
    (vault,) = house.replicas
    event, *_ = await vault.keep(vault.event(total=100), vault.event(total=5), vault.event(total=200))
    page = await house.page()
    first, second = page["events"]
    told = {name: first[name] for name in ("hubid", "partner", "bus", "target", "rule", "id", "data")}
    assert told == {
        "hubid": event.hubid,
        "partner": "coles",
        "bus": "fuel",
        "target": "own",
        "rule": "all",
        "id": event.event["id"],
        "data": {"total": 100},
    }
    assert first["deliveryid"] != second["deliveryid"]
    assert (page["broken"], page["more"]) == ([], False)
    again = await house.page()
    assert (again["events"], again["more"]) == ([], False)


async def test_what_is_kept_late_is_told_whenever_it_was_accepted(house: House, clock: HandClock) -> None:
    """Two replicas keep pages; one of them is behind."""
    ours, theirs = house.replicas[0], await house.more()
    late = theirs.event(total=100)
    clock.pass_by(minutes=1)
    early = await ours.keep(ours.event(total=100))
    assert await house.rest() == hubids(early)
    await theirs.keep(late)
    assert await house.rest() == [late.hubid]


@pytest.mark.parametrize("seed", range(4))
async def test_any_history_is_told_once(house: House, clock: HandClock, seed: int) -> None:
    """Replicas come, go, and keep pages in any order and in two classes, while one reader takes pages of any size."""
    chance = random.Random(seed)
    kept: list[str] = []
    told: list[str] = []
    late: list[ArchivedEvent] = []
    for _ in range(60):
        clock.pass_by(milliseconds=chance.randrange(2_000))
        vault = chance.choice(house.replicas)
        match chance.randrange(10):
            case 0 if len(house.replicas) < 3:
                await house.more()
            case 1 if len(house.replicas) > 1:
                await house.leave(chance.randrange(len(house.replicas)))
            case 2 | 3:
                page = await house.page(limit=chance.randrange(1, 6))
                told += [each["hubid"] for each in page["events"]]
            case 4 if late:
                kept += hubids(await vault.keep(late.pop(), keep="forever"))
            case 5:
                late.append(vault.event(total=150))
            case _:
                events = [vault.event(total=chance.choice((50, 150))) for _ in range(chance.randrange(1, 8))]
                await vault.keep(*events, keep=chance.choice(("forever", "P400D")))
                kept += [each.hubid for each in events if each.event["data"]["total"] == 150]
    told += await house.rest(limit=7)
    assert sorted(told) == sorted(kept)


async def test_whoever_begins_at_a_time_is_told_what_was_accepted_since(house: House, clock: HandClock) -> None:
    (vault,) = house.replicas
    await vault.keep(vault.event(total=100))
    await house.leave(0)
    late = (await house.more()).event(total=100)
    clock.pass_by(minutes=1)
    start = clock.now()
    (vault,) = house.replicas
    since = await vault.keep(vault.event(total=100))
    page = await house.page(**{"from": start.isoformat()})
    assert [each["hubid"] for each in page["events"]] == hubids(since)
    await vault.keep(late)
    clock.pass_by(minutes=1)
    more = await vault.keep(vault.event(total=100))
    assert await house.rest() == hubids(more)


async def test_a_cursor_behind_what_is_kept_is_told_so_and_where_to_go_on(house: House, clock: HandClock) -> None:
    (vault,) = house.replicas
    await house.page()
    lost = await vault.keep(vault.event(total=100), keep="P1D")
    await house.leave(0)
    clock.pass_by(hours=20)
    vault = await house.more()
    there = await vault.keep(vault.event(total=100), keep="P1D")
    forever = await vault.keep(vault.event(total=100))
    clock.pass_by(hours=4)
    await vault.once("removing")
    answer = await vault.ask("GET", FEED, after=house.after)
    assert (answer.status_code, answer.json()["code"]) == (410, "cursor_expired"), answer.text
    house.after = answer.json()["oldest"]
    assert sorted(await house.rest()) == sorted(hubids([*there, *forever]))
    assert lost[0].hubid not in await vault.found()


async def test_whoever_was_told_all_of_what_is_gone_goes_on(house: House, clock: HandClock) -> None:
    (vault,) = house.replicas
    events = await vault.keep(vault.event(total=100), vault.event(total=5), keep="P1D")
    assert await house.rest() == [events[0].hubid]
    await house.leave(0)
    clock.pass_by(days=1)
    vault = await house.more()
    await vault.once("removing")
    assert await house.rest() == []
    await vault.keep(vault.event(kind="x.y.v1", partner="aldi"), keep="P1D")
    await house.leave(0)
    clock.pass_by(days=1)
    vault = await house.more()
    await vault.once("removing")
    more = await vault.keep(vault.event(total=100), keep="P1D")
    assert await house.rest() == hubids(more), "others' events are none of its loss"


async def test_a_segment_that_somebody_removed_is_named_and_not_passed(house: House, clock: HandClock) -> None:
    (vault,) = house.replicas
    await house.page()
    await vault.keep(vault.event(total=100))
    await house.leave(0)
    (gone,) = (house.folder / "archive" / "writer-1").glob("*.zst")
    copy = gone.read_bytes()
    gone.unlink()
    vault = await house.more()
    await vault.keep(vault.event(total=100))
    answer = await vault.ask("GET", FEED, after=house.after)
    assert (answer.status_code, answer.json()["code"]) == (500, "segment_damaged"), answer.text
    assert answer.json()["detail"].startswith(gone.stem)
    gone.write_bytes(copy)
    assert len(await house.rest()) == 2


async def test_whoever_waits_is_told_at_once_and_not_held_up_by_a_process_that_ends(house: House) -> None:
    (vault,) = house.replicas
    assert (await house.page(wait=0))["events"] == []
    waiting = asyncio.create_task(house.page(wait=30))
    (event,) = await vault.keep(vault.event(total=100))
    async with asyncio.timeout(10):
        assert [each["hubid"] for each in (await waiting)["events"]] == [event.hubid]
    waiting = asyncio.create_task(house.page(wait=30))
    await asyncio.sleep(0)
    vault.runtime.draining.set()
    async with asyncio.timeout(10):
        assert (await waiting)["events"] == []


async def test_so_many_of_one_caller_wait_and_no_more(house: House) -> None:
    (vault,) = house.replicas
    asked = [asyncio.create_task(vault.ask("GET", FEED, wait=30)) for _ in range(PER_CALLER + 1)]
    (refused,), waiting = await asyncio.wait(asked, timeout=10, return_when=asyncio.FIRST_COMPLETED)
    assert (await vault.ask("GET", FEED, subject="another")).status_code == 200
    assert (refused.result().status_code, refused.result().json()["code"]) == (429, "too_many_streams")
    await vault.keep(vault.event(total=100))
    assert {each.status_code for each in await asyncio.gather(*waiting)} == {200}
    assert (await vault.ask("GET", FEED)).status_code == 200


async def test_what_cannot_be_made_is_told_beside(house: House, hub: HubInMind) -> None:
    (vault,) = house.replicas
    template = {"store": {"$": "/data/store", "required": True}}
    hub.put("fuel", terms(a_rule(to=("own",), template=template), targets={"own": {"feed": True}}))
    good, bad = await vault.keep(vault.event(store="7"), vault.event(total=1))
    page = await house.page()
    assert [each["data"] for each in page["events"]] == [{"store": "7"}]
    assert [(each["hubid"], each["reason"]) for each in page["broken"]] == [(bad.hubid, "template_failed")]
    assert good.hubid == page["events"][0]["hubid"]


async def test_a_feed_is_its_partners(house: House, hub: HubInMind) -> None:
    (vault,) = house.replicas
    hub.put("wide", terms(a_rule(to=("own",)), targets={"own": {"feed": True}}, publishers=["aldi"]))
    own, others = await vault.keep(vault.event(total=100), vault.event(total=100, partner="aldi"))
    coles: Json = {"scope": "archive:read", "subject": "coles-tills"}
    aldi: Json = {"scope": "archive:read", "subject": "aldi-tills"}
    assert (await vault.ask("GET", FEED, **coles)).json()["events"][0]["hubid"] == own.hubid
    assert (await vault.ask("GET", FEED, **aldi)).status_code == 404
    wide = (await vault.ask("GET", "/v1/hub/feed/wide/own", **coles)).json()
    assert [each["hubid"] for each in wide["events"]] == [own.hubid, others.hubid]
    assert (await vault.ask("GET", FEED, scope="hub:read")).status_code == 403


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/v1/hub/feed/fuel/none", {}, 404),
        ("/v1/hub/feed/none/own", {}, 404),
        ("/v1/hub/feed/queues/bi", {}, 404),
        (FEED, {"after": "WyIiLFtdXQ", "from": "2027-01-20T10:00:00Z"}, 422),
        (FEED, {"after": "nonsense"}, 422),
        (FEED, {"after": "WyIiLFtbImZvcmV2ZXIiLCIuLi93cml0ZXItMSIsIiIsMCwwLDBdXV0"}, 422),
        (FEED, {"limit": 1_001}, 422),
        (FEED, {"wait": 31}, 422),
    ],
)
async def test_what_is_no_feed_or_no_cursor_is_refused(
    house: House, hub: HubInMind, path: str, params: Json, status: int
) -> None:
    hub.put("queues", terms(a_rule()))
    assert (await house.replicas[0].ask("GET", path, **params)).status_code == status


async def test_another_day_is_no_reason_to_be_told_again(house: House, clock: HandClock) -> None:
    """Clocks of replicas differ: one that is behind takes over the folder of one that went."""
    (vault,) = house.replicas
    first = await vault.keep(vault.event(total=100))
    await house.leave(0)
    clock.pass_by(timedelta(minutes=-5))
    vault = await house.more()
    second = await vault.keep(vault.event(total=100))
    assert sorted(await house.rest()) == sorted(hubids([*first, *second]))
    third = await vault.keep(vault.event(total=100))
    assert await house.rest() == hubids(third)
