"""Events that partners publish arrive at other partners' endpoints, signed, once they are told where."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.responses import Response

from tests.e2e.buses import ARRIVES, Bus, a_rule
from tests.e2e.endpoints import Endpoint, Heard
from tests.e2e.partners import Partner, receipt
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url
from tests.eventually import eventually
from tests.kit.stack import Stack

Json = dict[str, Any]


async def opened(shop: Shop, stack: Stack) -> tuple[Partner, Bus]:
    partner = await Partner.made(shop)
    writer = await Partner.client(shop, partner.name, "hub:read hub:write")
    return partner, Bus(partner, writer, house_url(stack))


async def secret_of(by: httpx.AsyncClient, bus: Bus, target: str = "hook", overlap_hours: int = 24) -> str:
    path = f"/v1/hub/targets/{bus.name}/{target}/secret"

    known = f"/v1/hub/targets/{bus.name}/{target}"
    await eventually(lambda: _is_known(by, known), ARRIVES)
    answer = await by.post(path, json={"overlap_hours": overlap_hours})
    assert answer.status_code == 200, answer.text
    secret: str = answer.json()["secret"]
    return secret


async def _is_known(by: httpx.AsyncClient, path: str) -> bool:
    return (await by.get(path)).status_code == 200


async def test_an_event_arrives_signed_at_its_endpoint(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint() as endpoint:
        await bus.applied(a_rule(to=("hook",)), targets={"hook": {"webhook": endpoint.url}})
        secret = await secret_of(bus.by, bus)
        sent = await partner.send(receipt("one"))
        (request,) = await endpoint.eventually_heard(1)
        verified = Webhook(secret).verify(request.body, request.headers)
        assert (verified["id"], verified["hubid"]) == ("one", sent.json()["results"][0]["id"])
        assert json.loads(request.body) == verified
        assert request.headers["webhook-id"] == verified["deliveryid"]
        assert request.headers["milesaga-attempt"] == "1"


async def shown(bus: Bus, target: str = "hook") -> Json:
    answer = await bus.by.get(f"/v1/hub/targets/{bus.name}/{target}")
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def decided(bus: Bus, what: str, target: str = "hook") -> Json:
    answer = await bus.by.post(f"/v1/hub/targets/{bus.name}/{target}/{what}", timeout=60)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


async def stands(bus: Bus, state: str, target: str = "hook", within: float = ARRIVES) -> None:
    async def so() -> bool:
        assert (found := (await shown(bus, target))["state"]) == state, found
        return True

    await eventually(so, within)


async def applied(bus: Bus, endpoint: Endpoint, **terms: Any) -> None:
    await bus.applied(a_rule(to=("hook",)), targets={"hook": {"webhook": endpoint.url, **terms}})
    await eventually(lambda: _is_known(bus.by, f"/v1/hub/targets/{bus.name}/hook"), ARRIVES)


async def test_an_endpoint_that_fails_is_left_alone_and_gets_everything_when_it_is_back(
    shop: Shop, stack: Stack
) -> None:
    partner, bus = await opened(shop, stack)
    well = False

    async def fails(_: Heard) -> Response:
        return Response(status_code=200 if well else 500)

    async with Endpoint(fails) as endpoint:
        await applied(bus, endpoint)
        await stands(bus, "healthy")
        await partner.send(*(receipt(f"e{n}") for n in range(100)))
        await stands(bus, "failing")
        assert len(endpoint.heard) <= 20
        well = True
        await eventually(lambda: len(ids(endpoint, 200)) == 100, 90)
        assert endpoint.most_at_once <= 8
        await stands(bus, "healthy")


def in_seconds() -> str:
    return "4"


def by_a_date() -> str:
    """The end of the fourth second, whole as HTTP's dates are."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=5), usegmt=True)


@pytest.mark.parametrize("retry_after", [in_seconds, by_a_date])
async def test_an_endpoint_that_asks_for_patience_has_it(
    shop: Shop, stack: Stack, retry_after: Callable[[], str]
) -> None:
    partner, bus = await opened(shop, stack)

    async def asks(heard: Heard) -> Response:
        if heard is endpoint.heard[0]:
            return Response(status_code=429, headers={"Retry-After": retry_after()})
        return Response(status_code=200)

    async with Endpoint(asks) as endpoint:
        await applied(bus, endpoint, concurrency=1)
        await stands(bus, "healthy")
        await partner.send(*(receipt(f"e{n}") for n in range(5)))
        await stands(bus, "limited")
        await eventually(lambda: len(ids(endpoint, 200)) == 5, 60)
        assert endpoint.heard[1].at - endpoint.heard[0].at >= 3.9


async def dead_letters(bus: Bus) -> list[Json]:
    """Left where they are: an audit of this stack looks for them."""
    found: list[Json] = (await bus.by.get(f"/v1/hub/targets/{bus.name}/hook/dead")).json()["letters"]
    return found


async def test_a_copy_that_is_refused_waits_for_no_other_and_ends_among_the_dead(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)

    async def refuses_one(heard: Heard) -> Response:
        return Response(status_code=400 if json.loads(heard.body)["id"] == "bad" else 200)

    async with Endpoint(refuses_one) as endpoint:
        await applied(bus, endpoint, pause_cap="1s")
        await partner.send(receipt("bad"), *(receipt(f"e{n}") for n in range(5)))
        await eventually(lambda: len(ids(endpoint, 200)) == 5, ARRIVES)
        (letter,) = await eventually(partial(dead_letters, bus), ARRIVES)
        assert letter["event_id"] == "bad"
        assert [heard.headers["milesaga-attempt"] for heard in endpoint.heard if heard.status == 400] == list("123456")
        assert len({heard.id for heard in endpoint.heard if heard.status == 400}) == 1


async def test_an_endpoint_that_is_gone_is_sent_nothing_until_a_person_says_so(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    status = 410

    async def gone(_: Heard) -> Response:
        return Response(status_code=status)

    async with Endpoint(gone) as endpoint:
        await applied(bus, endpoint, concurrency=1)
        await stands(bus, "healthy")
        await partner.send(receipt("one"), receipt("two"))
        await stands(bus, "gone")
        assert len(endpoint.heard) == 1
        status = 200
        await decided(bus, "resume")
        await eventually(lambda: len(ids(endpoint, 200)) == 2, ARRIVES)


async def test_a_target_that_is_paused_is_sent_nothing(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        await stands(bus, "healthy")
        assert (await decided(bus, "pause"))["state"] == "paused"
        await partner.send(receipt("one"))
        await eventually(lambda: bus.holds_something("hook"), ARRIVES)
        assert (await decided(bus, "test"))["agrees"] is True
        assert [heard.id[:9] for heard in endpoint.heard] == ["msg_test_"]
        await decided(bus, "resume")
        await endpoint.eventually_heard(2)


async def test_nothing_is_sent_to_an_endpoint_that_has_not_agreed(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)
    agrees = False

    async def tested(_: Heard) -> Response:
        return Response(status_code=200 if agrees else 404)

    async with Endpoint(tested) as endpoint:
        endpoint.handshake = False
        await applied(bus, endpoint)
        await partner.send(receipt("one"))
        await endpoint.eventually_heard(2)
        assert {json.loads(heard.body)["type"] for heard in endpoint.heard} == {"hub.test.v1"}
        assert (await shown(bus))["state"] == "unverified"
        assert (await decided(bus, "verify")) == {"agrees": False, "status": 404, "fault": "http_404"}
        agrees = True
        assert (await decided(bus, "verify"))["agrees"] is True
        await eventually(lambda: any(json.loads(heard.body)["id"] == "one" for heard in endpoint.heard), ARRIVES)


async def test_no_more_requests_are_under_way_than_the_target_allows(shop: Shop, stack: Stack) -> None:
    partner, bus = await opened(shop, stack)

    async def slow(heard: Heard) -> Response:
        await eventually(lambda: endpoint.at_once == 2 or len(endpoint.heard) > 18, ARRIVES)
        return Response(status_code=200)

    async with Endpoint(slow) as endpoint:
        await applied(bus, endpoint, concurrency=2)
        await partner.send(*(receipt(f"e{n}") for n in range(20)))
        await eventually(lambda: len(ids(endpoint, 200)) == 20, 60)
        assert endpoint.most_at_once == 2


async def test_a_former_owners_secret_signs_nothing_any_more(shop: Shop, stack: Stack) -> None:
    _, bus = await opened(shop, stack)
    heir = await Partner.made(shop)
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        theirs = await secret_of(bus.by, bus)
        given = bus.file(a_rule(to=("hook",)), targets={"hook": {"webhook": endpoint.url}}, partner=heir.name)
        answer = await heir.operator.put(bus.path, json=given, timeout=30)
        assert answer.status_code == 200, answer.text

        async def moved() -> bool:
            path = f"/v1/hub/targets/{bus.name}/hook"
            return bool((await heir.operator.get(path)).json()["partner"] == heir.name)

        await eventually(moved, ARRIVES)

        async def signed_by_another() -> bool:
            await heir.send(receipt(f"e{len(endpoint.heard)}"))
            request = (await endpoint.eventually_heard(len(endpoint.heard) + 1))[-1]
            with pytest.raises(WebhookVerificationError):
                Webhook(theirs).verify(request.body, request.headers)
            return True

        await eventually(signed_by_another, ARRIVES)
        assert (await bus.by.get(f"/v1/hub/targets/{bus.name}/hook")).status_code == 404
        ours = await secret_of(heir.operator, bus)
        await heir.send(receipt("last"))
        await eventually(lambda: any(b"last" in each.body for each in endpoint.heard), ARRIVES)
        last = next(each for each in endpoint.heard if b"last" in each.body)
        assert Webhook(ours).verify(last.body, last.headers)["id"] == "last"


async def test_a_partner_sees_its_own_targets_alone(shop: Shop, stack: Stack) -> None:
    _, bus = await opened(shop, stack)
    stranger = await Partner.made(shop)
    by = await Partner.client(shop, stranger.name, "hub:read hub:write")
    async with Endpoint() as endpoint:
        await applied(bus, endpoint)
        path = f"/v1/hub/targets/{bus.name}/hook"
        assert (await by.get(path)).status_code == 404
        assert (await by.get("/v1/hub/targets", params={"bus": bus.name})).status_code == 404
        for what in ("pause", "resume", "test", "verify"):
            assert (await by.post(f"{path}/{what}")).status_code == 404
        assert (await by.post(f"{path}/secret", json={})).status_code == 404
        listed = (await by.get("/v1/hub/targets")).json()["targets"]
        assert [each for each in listed if each["partner"] != stranger.name] == []
        assert (await partner_reads(shop, bus)).status_code == 200


async def partner_reads(shop: Shop, bus: Bus) -> httpx.Response:
    return await (await shop.operator()).get(f"/v1/hub/targets/{bus.name}/hook")


def ids(endpoint: Endpoint, status: int) -> set[str]:
    return {heard.id for heard in endpoint.heard if heard.status == status}
