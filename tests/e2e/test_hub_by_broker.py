"""The hub by the broker: partners who publish there as themselves, read their own queues there, and nobody else's."""

import asyncio
import json
import uuid

import aio_pika
import pytest
from aiormq.exceptions import ChannelAccessRefused

from shared.contracts.copies import Copy
from tests.e2e.buses import ARRIVES, Bus, a_rule
from tests.e2e.partners import RECEIPT, Partner
from tests.e2e.shop import Shop
from tests.e2e.test_examples import house_url
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.sqlite_alone


def an_event(id_: str) -> aio_pika.Message:
    told = {"specversion": "1.0", "id": id_, "source": "/coles/tills/7", "type": RECEIPT}
    return aio_pika.Message(
        json.dumps({"total": {"amount": 3000}}).encode(),
        headers={f"cloudEvents:{name}": value for name, value in told.items()},
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


async def test_a_partner_publishes_and_reads_by_the_broker_as_itself_alone(shop: Shop, stack: Stack) -> None:
    user = f"u{uuid.uuid4().hex[:8]}"
    partner = await Partner.made(shop, broker_user=user)
    bus, theirs = (Bus(each, partner.operator, house_url(stack)) for each in (partner, await Partner.made(shop)))
    await bus.applied()
    await theirs.applied()
    added = await asyncio.to_thread(
        stack.command, "partners", "add", user, "--target", f"{bus.name}/books", "--json", timeout=60
    )
    assert added.returncode == 0, added.stderr
    async with await aio_pika.connect(json.loads(added.stdout)["url"]) as connection:
        channel = await connection.channel(on_return_raises=True)
        public = await channel.get_exchange("public", ensure=False)
        unnamed, named = an_event("unidentified"), an_event("ours")
        named.user_id = user
        await public.publish(unnamed, RECEIPT)
        await public.publish(named, RECEIPT)
        copies: list[Copy] = []
        queue = await channel.get_queue(f"target.{bus.name}.books", ensure=False)

        async def read() -> bool:
            message = await queue.get(fail=False)
            if message is not None:
                copies.append(Copy.of(message.headers, message.body))
                await message.reject(requeue=False)
            return bool(copies)

        await eventually(read, ARRIVES)
        assert [(each.partner, each.attributes["id"]) for each in copies] == [(partner.name, "ours")]
        for forbidden in (f"target.{bus.name}.books.dead", f"target.{theirs.name}.books", "hub", "hub.dead"):
            other = await connection.channel()
            with pytest.raises(ChannelAccessRefused):
                await (await other.get_queue(forbidden, ensure=False)).get(fail=False)
    assert [each.attributes["id"] for each in await bus.eventually_taken(1, dead=True)] == ["ours"]
    listed = await asyncio.to_thread(stack.command, "dead", "list", "--service", "hub", "--json")
    (letter,) = json.loads(listed.stdout)["letters"]
    assert letter["reason"].startswith("unidentified")
    discarded = await asyncio.to_thread(stack.command, "dead", "discard", letter["handle"], "--yes")
    assert discarded.returncode == 0, discarded.stderr


async def test_our_own_events_are_on_a_bus_that_looks_at_them(shop: Shop, stack: Stack) -> None:
    partner = await Partner.made(shop)
    bus, other = (Bus(partner, partner.operator, house_url(stack)) for _ in range(2))
    changed = "hub.bus_changed.v1"
    await bus.applied(
        a_rule(when={"type": [changed], "data": {"bus": [other.name]}}),
        publishers=["milesaga"],
        admits={"type": [changed]},
    )
    await other.applied(a_rule(mode="off"))
    (copy,) = await bus.eventually_taken(1)
    assert (copy.partner, copy.attributes["type"], json.loads(copy.body)["bus"]) == ("milesaga", changed, other.name)
