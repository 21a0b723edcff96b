"""Events that partners publish arrive at other partners' endpoints, signed, once they are told where."""

import json
from typing import Any

import httpx
from standardwebhooks import Webhook

from tests.e2e.buses import ARRIVES, Bus, a_rule
from tests.e2e.endpoints import Endpoint
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
