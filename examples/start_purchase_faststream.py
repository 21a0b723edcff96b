import asyncio
import os
import sys
import uuid
from urllib.parse import urlsplit

from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

URL = os.environ["BROKER_URL"]
ME = urlsplit(URL).username
TYPE, PUBLIC = "checkout.start.v1", RabbitExchange("public", type=ExchangeType.TOPIC, declare=False)
CARD, CONTACT = {"method": "card", "token": "tok_visa"}, {"email": "ana@example.com", "locale": "en"}


async def main(member: str, cart: str, key: str) -> None:
    body = {"key": key, "member_id": member, "cart_id": cart, "payment": CARD, "contact": CONTACT}
    envelope = {"id": str(uuid.uuid4()), "source": "/partner", "type": TYPE, "specversion": "1.0"}
    headers = {f"cloudEvents:{name}": value for name, value in envelope.items()}
    async with RabbitBroker(URL) as broker:
        await broker.publish(body, TYPE, PUBLIC, headers=headers, mandatory=True, persist=True, user_id=ME)


asyncio.run(main(*sys.argv[1:]))
