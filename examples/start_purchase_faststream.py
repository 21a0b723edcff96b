import asyncio
import os
import sys
import uuid

from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

TYPE, PUBLIC = "checkout.start.v1", RabbitExchange("public", type=ExchangeType.TOPIC, declare=False)
CARD, CONTACT = {"method": "card", "token": "tok_visa"}, {"email": "ana@example.com", "locale": "en"}


async def main(member: str, cart: str, key: str) -> None:
    body = {"key": key, "member_id": member, "cart_id": cart, "payment": CARD, "contact": CONTACT}
    envelope = {"id": str(uuid.uuid4()), "source": "/partner", "type": TYPE, "specversion": "1.0"}
    headers = {f"cloudEvents:{name}": value for name, value in envelope.items()}
    async with RabbitBroker(os.environ["BROKER_URL"]) as broker:
        await broker.publish(body, TYPE, PUBLIC, headers=headers, mandatory=True, persist=True)


asyncio.run(main(*sys.argv[1:]))
