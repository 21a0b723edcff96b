"""Who sees which types: their names and fields tell what others do."""

from typing import Any

import pytest

from tests.component.hub.counter import Counter, a_file
from tests.unit.routing.samples import a_rule

Json = dict[str, Any]
RECEIPT, FLIGHT, OURS = "retail.receipt.issued.v1", "air.flight.flown.v1", "checkout.purchase.completed.v1"
LOOKS: Json = {"when": {"type": [RECEIPT]}}


@pytest.fixture(autouse=True)
async def partners_and_types(hub: Counter) -> None:
    for name, publishes in (("coles", "retail.*"), ("qf", "air.*"), ("aldi", "food.*")):
        body: Json = {"clients": [f"{name}-tills"], "publishes": [publishes]}
        assert (await hub.ask("PUT", f"/v1/hub/partners/{name}", body)).status_code == 200
    for kind in (RECEIPT, FLIGHT, OURS):
        body = {"schema": {}, "examples": [{"id": 1}, {}]}
        assert (await hub.ask("PUT", f"/v1/hub/types/{kind}", body)).status_code == 200


async def seen(hub: Counter, by: str) -> set[str]:
    found = {kind: await hub.ask("GET", f"/v1/hub/types/{kind}", by=by) for kind in (RECEIPT, FLIGHT, OURS)}
    assert {each.status_code for each in found.values()} <= {200, 404}
    return {kind for kind, answer in found.items() if answer.status_code == 200}


async def test_a_partner_sees_what_it_may_publish_and_a_stranger_nothing(hub: Counter) -> None:
    assert await seen(hub, "") == {RECEIPT, FLIGHT, OURS}
    assert await seen(hub, "coles") == {RECEIPT}
    assert await seen(hub, "qf") == {FLIGHT}
    assert await seen(hub, "aldi") == set()
    assert await seen(hub, "nobody") == set()


async def test_what_it_may_not_see_is_answered_as_what_there_is_not(hub: Counter) -> None:
    hidden = await hub.ask("GET", f"/v1/hub/types/{RECEIPT}", by="qf")
    missing = await hub.ask("GET", "/v1/hub/types/retail.none.v1", by="qf")
    assert hidden.status_code == 404
    assert {**hidden.json(), "instance": ""} == {**missing.json(), "instance": ""}


@pytest.mark.parametrize(
    ("more", "sees"),
    [
        ({"publishers": ["coles"], "rules": [a_rule(**LOOKS)]}, {RECEIPT}),
        ({"publishers": ["coles"], "rules": [a_rule(when={"data": {"id": [1]}})]}, {RECEIPT}),
        ({"publishers": ["coles"], "rules": [a_rule(when={"type": [{"prefix": "retail."}]})]}, {RECEIPT}),
        ({"publishers": ["*"], "rules": [a_rule(**LOOKS)]}, {RECEIPT}),
        ({"publishers": ["milesaga"], "rules": [a_rule(when={"data": {"id": [1]}})]}, {OURS}),
        ({"publishers": ["aldi"], "rules": [a_rule(**LOOKS)]}, set()),
        ({"publishers": ["coles"], "rules": [a_rule(when={"type": ["retail.other.v1"]})]}, set()),
        ({"publishers": ["coles"], "admits": {"type": ["retail.other.v1"]}, "rules": [a_rule(**LOOKS)]}, set()),
        ({"publishers": ["coles"], "rules": []}, set()),
        ({"rules": [a_rule(**LOOKS)]}, set()),
    ],
)
async def test_a_partner_sees_what_its_buses_may_bring_it(hub: Counter, more: Json, sees: set[str]) -> None:
    await hub.applied(a_file(partner="qf") | {"targets": {"bi": {"queue": True}}} | more)
    assert await seen(hub, "qf") == {FLIGHT} | sees
    assert await seen(hub, "aldi") == set(), "the bus is not its own"


async def test_what_a_bus_brings_no_more_is_not_seen_any_more(hub: Counter) -> None:
    await hub.applied(a_file(a_rule(**LOOKS), partner="qf", publishers=["coles"]))
    assert RECEIPT in await seen(hub, "qf")
    assert (await hub.ask("DELETE", "/v1/hub/buses/fuel")).status_code == 204
    assert RECEIPT not in await seen(hub, "qf")


async def test_a_partners_template_is_not_tried_on_what_it_may_not_see(hub: Counter) -> None:
    templated = a_rule(template={"$": "/data/id", "required": True}, **LOOKS)
    assert (await hub.put(a_file(templated, partner="qf"), by="qf")).status_code == 200
    refused = await hub.put(a_file(templated), "own", by="coles")
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/rules/0/template")
