"""Copies that were given up are seen by their partner, sent once more, or given up for good."""

from datetime import UTC, datetime, timedelta
from typing import Any

import aio_pika
import pytest
from starlette.responses import Response

from tests.e2e.buses import ARRIVES, Bus, a_rule
from tests.e2e.endpoints import Endpoint, Heard
from tests.e2e.partners import Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_delivery import Json, applied, opened, shown, stands
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone


def path(bus: Bus, target: str) -> str:
    return f"/v1/hub/targets/{bus.name}/{target}/dead"


async def letters(bus: Bus, target: str = "books") -> list[Json]:
    answer = await bus.by.get(path(bus, target))
    assert answer.status_code == 200, answer.text
    found: list[Json] = answer.json()["letters"]
    return found


async def settled(bus: Bus, what: str, chosen: Json, target: str = "books") -> Json:
    answer = await bus.by.post(f"{path(bus, target)}/{what}", json=chosen)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def rejected(bus: Bus, count: int) -> None:
    """The partner's consumer takes them, and wants none."""
    connection = await aio_pika.connect(bus._broker_url)
    async with connection:
        channel = await connection.channel()
        queue = await channel.get_queue(f"target.{bus.name}.books")
        for _ in range(count):
            message = await eventually(lambda: queue.get(fail=False), ARRIVES)
            assert message is not None
            await message.reject(requeue=False)

    async def dead() -> bool:
        return len(await letters(bus)) == count

    await eventually(dead, ARRIVES)


async def test_what_a_consumer_rejected_comes_again_under_another_name(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied()
    await partner.send(*(receipt(f"e{n}") for n in range(3)))
    await rejected(bus, 3)
    found = await letters(bus)  # they died within a second, and the broker tells no less
    assert [each["last_failed_at"] for each in found] == sorted(each["last_failed_at"] for each in found)
    first, second, third = sorted(found, key=lambda each: str(each["event_id"]))
    assert [each["event_id"] for each in (first, second, third)] == ["e0", "e1", "e2"]
    assert first["can_be_sent"] is True
    one = (await bus.by.get(f"{path(bus, 'books')}/{first['id']}")).json()
    assert (one["event"]["id"], one["event"]["data"]) == ("e0", {"total": {"amount": 3000}})

    assert await settled(bus, "redrive", {"ids": [first["id"]]}) == {"done": 1, "left": 0, "more": False}
    (copy,) = await bus.eventually_taken(1)
    assert (copy.attributes["id"], copy.hubid) == ("e0", first["hubid"])
    assert copy.deliveryid not in {"", first["delivery_id"]}
    assert await settled(bus, "discard", {"ids": [second["id"]]}) == {"done": 1, "left": 0, "more": False}
    assert [each["id"] for each in await letters(bus)] == [third["id"]]
    assert await settled(bus, "discard", {"all": True}) == {"done": 1, "left": 0, "more": False}
    assert await bus.taken() == []


async def test_a_copy_that_was_never_made_stays_and_says_so(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    await bus.applied(a_rule(template={"store": {"$": "/data/store", "required": True}}))
    await partner.send(receipt("nowhere"))

    async def dead() -> list[Json]:
        return await letters(bus)

    (letter,) = await eventually(dead, ARRIVES)
    assert (letter["can_be_sent"], letter["fingerprint"]) == (False, f"{bus.name}/books:template_failed")
    assert (await bus.by.get(f"{path(bus, 'books')}/{letter['id']}")).json()["event"] is None
    assert await settled(bus, "redrive", {"all": True}) == {"done": 0, "left": 1, "more": False}
    assert (await settled(bus, "discard", {"fingerprint": letter["fingerprint"]}))["done"] == 1


async def test_letters_are_their_partners_alone_and_one_choice_is_made(shop: Shop, stack: Stack) -> None:
    _, bus = await opened(shop, stack)
    await bus.applied()
    stranger = await Partner.made(shop)
    by = await Partner.client(shop, stranger.name, "hub:read hub:write")
    reader = await Partner.client(shop, bus.partner.name, "hub:read")
    for what in ("redrive", "discard"):
        assert (await by.post(f"{path(bus, 'books')}/{what}", json={"all": True})).status_code == 404
        assert (await reader.post(f"{path(bus, 'books')}/{what}", json={"all": True})).status_code == 403
    assert (await by.get(path(bus, "books"))).status_code == 404
    assert (await bus.by.get(path(bus, "none"))).status_code == 404
    assert (await bus.by.get(f"{path(bus, 'books')}/4f2a90c1d7be")).status_code == 404
    assert (await bus.by.get(path(bus, "books"), params={"cursor": "x"})).status_code == 422
    wrong: list[Json] = [
        {},
        {"all": False},
        {"ids": []},
        {"ids": ["x"]},
        {"all": True, "fingerprint": "f"},
        {"from": "yesterday"},
        {"all": True, "rate": 1},
    ]
    for chosen in wrong:
        answer = await bus.by.post(f"{path(bus, 'books')}/discard", json=chosen)
        assert (answer.status_code, bool(answer.json()["errors"])) == (422, True), chosen


async def test_copies_that_an_endpoint_refused_are_redriven_by_their_fault_when_it_is_mended(
    shop: Shop, stack: Stack
) -> None:
    partner, bus = await opened(shop, stack)
    mended = False

    async def refuses(heard: Heard) -> Response:
        return Response(status_code=422 if b"bad" in heard.body and not mended else 200)

    async with Endpoint(refuses) as endpoint:
        began = datetime.now(UTC)
        await applied(bus, endpoint, pause_cap="1s")
        await stands(bus, "healthy")
        await partner.send(receipt("bad-1"), receipt("good"), receipt("bad-2"))

        async def both_dead() -> bool:
            return bool((await shown(bus))["dead"] == 2)

        await eventually(both_dead, 60)
        tries = [each for each in endpoint.heard if b"bad-1" in each.body]
        assert [each.headers["milesaga-attempt"] for each in tries] == ["1", "2", "3", "4", "5", "6"]
        (fault,) = {each["fingerprint"] for each in await letters(bus, "hook")}
        assert fault == f"{bus.name}/hook:http_422"
        assert (await settled(bus, "redrive", {"until": began.isoformat()}, "hook"))["done"] == 0
        mended = True
        assert await settled(bus, "redrive", {"fingerprint": fault}, "hook") == {"done": 2, "left": 0, "more": False}

        def again() -> list[Heard]:
            return [each for each in endpoint.heard if each.status == 200 and b"bad" in each.body]

        await eventually(lambda: len(again()) == 2, ARRIVES)
        assert {each.headers["milesaga-attempt"] for each in again()} == {"1"}
        assert not {each.id for each in again()} & {each.id for each in tries}
        await balances(bus, {"delivered": 3}, began)


async def balances(bus: Bus, outcomes: dict[str, int], since: datetime) -> None:
    """What is on record of the target's copies, when all of it is."""
    operator = await bus.partner.shop.operator()

    async def so() -> bool:
        span: dict[str, Any] = {"from": since.isoformat(), "to": (datetime.now(UTC) + timedelta(minutes=1)).isoformat()}
        answer = await operator.get("/v1/hub/archive/stats", params=span)
        assert answer.status_code == 200, answer.text
        found = answer.json()["balance"]["outcomes"].get(f"{bus.name}/hook")
        assert found == outcomes, found
        return True

    await eventually(so, ARRIVES)
