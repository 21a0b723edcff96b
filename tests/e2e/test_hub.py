"""Events of partners come in by HTTP, are accepted once, and are found in the archive."""

import asyncio
import json

from tests.e2e.partners import RECEIPT, SCHEMA, STRUCTURED, Partner, receipt
from tests.e2e.shop import Shop
from tests.eventually import eventually


async def test_a_batch_with_one_wrong_field_is_refused_whole(shop: Shop) -> None:
    partner = await Partner.made(shop)
    events = [receipt(f"e{n}") for n in range(100)]
    events[57]["data"]["total"] = {"amount": "3000"}
    refused = await partner.send(*events)
    assert refused.status_code == 422, refused.text
    assert refused.json()["code"] == "schema_violation"
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/57/data/total/amount"]
    assert (await partner.send(receipt("after"))).status_code == 202
    assert [each["event"]["id"] for each in await partner.eventually_archived(1)] == ["after"]


async def test_the_same_batch_event_by_event_leaves_out_the_wrong_one(shop: Shop) -> None:
    partner = await Partner.made(shop)
    events = [receipt(f"e{n}") for n in range(100)]
    events[57]["data"]["total"] = {"amount": "3000"}
    mixed = await partner.send(*events, atomic=False)
    assert mixed.status_code == 207, mixed.text
    results = mixed.json()["results"]
    assert [each["status"] for each in results] == ["accepted"] * 57 + ["refused"] + ["accepted"] * 42
    assert results[57]["errors"][0]["pointer"] == "/57/data/total/amount"
    found = await partner.eventually_archived(99)
    assert {each["hubid"] for each in found} == {each["id"] for each in results if each["id"]}


async def test_the_same_event_at_once_is_accepted_and_archived_once(shop: Shop) -> None:
    partner = await Partner.made(shop)
    answers = await asyncio.gather(*(partner.send(receipt("once")) for _ in range(50)))
    told = [answer.json()["results"][0] for answer in answers if answer.status_code == 202]
    assert [each["status"] for each in told].count("accepted") == 1
    assert len({each["id"] for each in told}) == 1
    assert all(answer.json()["code"] == "in_flight" for answer in answers if answer.status_code != 202)
    await partner.send(receipt("then"))
    assert len(await partner.eventually_archived(2)) == 2


async def test_another_body_under_the_same_id_is_refused(shop: Shop) -> None:
    partner = await Partner.made(shop)
    await partner.send(receipt("e"))
    refused = await partner.send(receipt("e", data={"total": {"amount": 1}}))
    assert (refused.status_code, refused.json()["code"]) == (409, "event_id_reused")


async def test_all_three_modes_come_in_and_are_read_back_as_they_were_sent(shop: Shop) -> None:
    partner = await Partner.made(shop)
    event = receipt("structured", subject="Euro €", tillno=7)
    structured = await partner.sender.post(
        "/v1/events", content=json.dumps(event).encode(), headers={"Content-Type": STRUCTURED}
    )
    assert structured.status_code == 202, structured.text
    assert structured.json()["status"] == "accepted"
    attributes = {"specversion": "1.0", "id": "binary", "source": "/x", "type": RECEIPT, "subject": "Euro%20%E2%82%AC"}
    binary = await partner.sender.post(
        "/v1/events", json=event["data"], headers={f"ce-{name}": value for name, value in attributes.items()}
    )
    assert binary.status_code == 202, binary.text
    await partner.send(receipt("batch"))
    found = {each["event"]["id"]: each["event"] for each in await partner.eventually_archived(3)}
    assert found["structured"] == event
    assert found["batch"] == receipt("batch")
    assert found["binary"]["subject"] == "Euro €"
    assert found["binary"]["data"] == event["data"]


async def test_a_scope_that_allows_some_types_allows_no_others(shop: Shop) -> None:
    partner = await Partner.made(shop, publishes=["*"], strict_types=False)
    narrow = await Partner.client(shop, partner.name, "events:publish:retail.*")
    assert (await partner.send(receipt("r"), by=narrow)).status_code == 202
    refused = await partner.send(receipt("a", type="air.x.v1"), by=narrow)
    assert (refused.status_code, refused.json()["code"]) == (403, "missing_scope")
    assert refused.json()["errors"][0]["pointer"] == "/0/type"


async def test_a_schema_is_changed_as_far_as_that_is_proved_to_be_harmless(shop: Shop) -> None:
    operator = await shop.operator()
    path = "/v1/hub/types/retail.compat.changed.v1"
    first = await operator.put(path, json={"schema": SCHEMA})
    optional = {**SCHEMA, "properties": {**SCHEMA["properties"], "till": {"type": "string"}}}
    assert (await operator.put(path, json={"schema": optional})).status_code == 200
    refused = await operator.put(path, json={"schema": {**optional, "required": ["total", "till"]}})
    assert (refused.status_code, refused.json()["code"]) == (409, "incompatible")
    assert "proved" in refused.json()["detail"]
    stale = await operator.put(path, json={"schema": SCHEMA}, headers={"If-Match": first.headers["ETag"]})
    assert stale.status_code == 412
    assert (await operator.get(path)).json()["schema_document"] == optional


async def test_an_event_is_followed_until_it_is_archived(shop: Shop) -> None:
    partner = await Partner.made(shop)
    (result,) = (await partner.send(receipt("a/b c"))).json()["results"]
    (found,) = await partner.eventually_archived(1)
    assert found["hubid"] == result["id"]

    async def archived() -> bool:
        answer = await partner.sender.get(f"/v1/events/{partner.name}/a/b c")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["id"], shown["state"]) == (result["id"], "accepted")
        return bool(shown["archived"])

    await eventually(archived)
    other = await Partner.made(shop)
    assert (await other.sender.get(f"/v1/events/{partner.name}/a/b c")).status_code == 404
