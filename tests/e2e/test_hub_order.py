"""Events of one key arrive in the order in which they were accepted, whatever happens to some of them."""

import asyncio
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from tests.e2e.buses import ARRIVES, Bus
from tests.e2e.endpoints import Endpoint, Heard
from tests.e2e.houses import House
from tests.e2e.partners import Json, Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_delivery import opened, shown, stands
from tests.e2e.test_hub_letters import letters, settled
from tests.eventually import eventually
from tests.kit.stack import Stack

MOVED = "retail.order.moved.v1"
ALL = {"name": "all", "when": {"type": [MOVED]}, "to": ["hook"]}


def moved(key: str, number: int, **more: Any) -> Json:
    return receipt(f"{key}-{number}", type=MOVED, subject=key, data={"number": number} | more)


async def applied(bus: Bus, endpoint: Endpoint, **terms: Any) -> None:
    answer = await bus.partner.operator.put(
        f"/v1/hub/types/{MOVED}", json={"schema": {"type": "object"}, "ordered_by": "subject"}
    )
    assert answer.status_code == 200, answer.text
    hook = {"webhook": endpoint.url, "order": "by-key", "pause_cap": "1s", **terms}
    await bus.applied(ALL, targets={"hook": hook})
    await stands(bus, "healthy")


def taken(endpoint: Endpoint) -> dict[str, list[int]]:
    """What of each key was answered 200, in its order."""
    found: dict[str, list[int]] = defaultdict(list)
    for heard in endpoint.heard:
        if heard.status == 200:
            event = json.loads(heard.body)
            found[event["subject"]].append(event["data"]["number"])
    return found


async def eventually_taken(endpoint: Endpoint, wanted: dict[str, list[int]], within: float = ARRIVES) -> None:
    def so() -> bool:
        assert taken(endpoint) == wanted
        return True

    await eventually(so, within)


async def refuses_bad_ones(heard: Heard) -> Response:
    return Response(status_code=422 if b"bad" in heard.body else 200)


async def test_a_dead_copy_holds_its_key_up_alone_until_it_is_skipped(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint(refuses_bad_ones) as endpoint:
        await applied(bus, endpoint)
        await partner.send(moved("a", 1), moved("a", 2, bad=True), moved("b", 1), moved("a", 3), moved("b", 2))
        await stands(bus, "blocked", within=60)
        assert taken(endpoint) == {"a": [1], "b": [1, 2]}
        (lane,) = (await shown(bus))["blocked"]
        (letter,) = await letters(bus, "hook")
        assert (lane["laneseq"], lane["delivery_id"]) == (2, letter["delivery_id"])
        path = f"/v1/hub/targets/{bus.name}/hook/skip"
        assert (await bus.by.post(path, json={"lane": "nobody's"})).status_code == 404
        answer = await bus.by.post(path, json={"lane": lane["lane"]})
        assert answer.json() == {"lane": lane["lane"], "done": 2}
        await eventually_taken(endpoint, {"a": [1, 3], "b": [1, 2]}, 60)
        await stands(bus, "healthy")
        assert len(await letters(bus, "hook")) == 1


@pytest.mark.long
@pytest.mark.parametrize("what", ["redrive", "discard"])
async def test_a_key_goes_on_when_its_dead_letter_is_settled(shop: Shop, stack: Stack, what: str) -> None:
    partner, bus = await opened(shop, stack)
    mended = False

    async def answers(heard: Heard) -> Response:
        return Response(status_code=422 if b"bad" in heard.body and not mended else 200)

    async with Endpoint(answers) as endpoint:
        await applied(bus, endpoint)
        await partner.send(moved("a", 1, bad=True), moved("a", 2), moved("a", 3))
        await stands(bus, "blocked", within=60)
        mended = True
        assert (await settled(bus, what, {"all": True}, "hook"))["done"] == 1
        await eventually_taken(endpoint, {"a": [1, 2, 3] if what == "redrive" else [2, 3]}, 60)
        await stands(bus, "healthy")


@pytest.mark.long
async def test_a_key_goes_on_by_itself_where_its_file_says_so(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint(refuses_bad_ones) as endpoint:
        await applied(bus, endpoint, on_dead="skip")
        await partner.send(moved("a", 1, bad=True), moved("a", 2))
        await eventually_taken(endpoint, {"a": [2]}, 60)
        assert (await shown(bus))["blocked"] == []
        first = [heard for heard in endpoint.heard if heard.status == 200]
        assert json.loads(first[0].body)["laneseq"] == "2"


async def test_an_event_without_its_key_is_refused_by_name(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        without = moved("a", 1)
        del without["subject"]
        answer = await partner.send(moved("a", 2), without, moved("", 3) | {"subject": "x" * 201})
        assert (answer.status_code, answer.json()["code"]) == (422, "schema_violation")
        assert [each["pointer"] for each in answer.json()["errors"]] == ["/1/subject", "/2/subject"]


async def test_a_target_that_had_no_order_for_a_while_counts_anew(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        await partner.send(moved("a", 1))
        await endpoint.eventually_heard(1)
        await bus.applied(ALL, targets={"hook": {"webhook": endpoint.url}})
        await partner.send(moved("a", 2))
        await endpoint.eventually_heard(2)
        await applied(bus, endpoint)
        await partner.send(moved("a", 3), moved("a", 4))
        await endpoint.eventually_heard(4)
        told = [json.loads(heard.body) for heard in endpoint.heard]
        assert [(each["data"]["number"], each.get("laneseq")) for each in told] == [
            (1, "1"), (2, None), (3, "1"), (4, "2")]  # fmt: skip
        assert told[0]["lane"] != told[2]["lane"]


@pytest.mark.long
async def test_a_replay_keeps_the_order_of_each_key(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    chance, keys, start = random.Random(3), [f"k{number}" for number in range(12)], datetime.now(UTC)

    async def fails_sometimes(_: Heard) -> Response:
        return Response(status_code=503 if chance.random() < 0.15 else 200)

    async with Endpoint(fails_sometimes) as endpoint:
        await applied(bus, endpoint)
        await partner.send(*(moved(key, number) for number in range(10) for key in keys))
        wanted = {key: list(range(10)) for key in keys}
        await eventually_taken(endpoint, wanted, 100)
        end = datetime.now(UTC)
        asked = {"name": f"{bus.name}-again", "from": start.isoformat(), "to": end.isoformat()}
        body = {**asked, "targets": [f"{bus.name}/hook"], "rate": 200}
        answer = await partner.operator.post("/v1/hub/replays", json=body)
        assert answer.status_code == 202, answer.text
        twice = {key: [*numbers, *numbers] for key, numbers in wanted.items()}
        await eventually_taken(endpoint, twice, 100)


@pytest.fixture
def replicas(processes: House) -> Iterator[list[Stack]]:
    """A second process of the hub, and of delivery."""
    started = [processes.replica(name) for name in ("hub", "delivery")]
    for replica in started:
        replica.start()
    yield started
    for replica in started:
        replica.clean_up()


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_keys_stay_in_order_through_faults_and_deaths(
    high_street: Shop, processes: House, replicas: list[Stack]
) -> None:
    partner = await Partner.made(high_street)
    bus = Bus(partner, partner.operator, processes.broker_url)
    chance, keys = random.Random(11), [f"k{number}" for number in range(20)]

    async def fails_sometimes(_: Heard) -> Response:
        await asyncio.sleep(chance.random() / 50)
        return Response(status_code=chance.choice([200] * 8 + [500, 422]))

    async with Endpoint(fails_sometimes) as endpoint:
        await applied(bus, endpoint, on_dead="block")

        async def publish(key: str) -> None:
            for number in range(50):

                async def accepted(number: int = number) -> bool:
                    try:
                        answer = await partner.send(moved(key, number))
                    except httpx.HTTPError as error:
                        raise AssertionError("killed in the midst of its answer") from error
                    assert answer.status_code == 202, answer.text
                    return True

                await eventually(accepted, 90)

        sending = asyncio.gather(*map(publish, keys))
        for victim in ("hub", "delivery"):
            await endpoint.eventually_heard(len(endpoint.heard) + 40, 60)
            processes.kill(victim)
            await asyncio.to_thread(processes.restart, victim)
        await endpoint.eventually_heard(len(endpoint.heard) + 40, 60)
        for replica in replicas:
            replica.kill()
        await sending

        def all_there() -> bool:
            missing = sum(50 - len(set(numbers)) for numbers in taken(endpoint).values())
            assert not missing, f"{missing} are not there"
            return True

        await eventually(all_there, 240)
        for key, numbers in taken(endpoint).items():
            firsts = list(dict.fromkeys(numbers))
            assert firsts == sorted(firsts), f"{key} came as {firsts}"
