import asyncio
import json
import os
import sys
import uuid
from urllib.parse import urlsplit

import aio_pika

URL = os.environ["BROKER_URL"]
ME = urlsplit(URL).username
TYPE, JSON = "checkout.start.v1", {"content_type": "application/json", "delivery_mode": 2, "user_id": ME}
CARD, CONTACT = {"method": "card", "token": "tok_visa"}, {"email": "ana@example.com", "locale": "en"}


async def main(member: str, cart: str, key: str) -> None:
    body = {"key": key, "member_id": member, "cart_id": cart, "payment": CARD, "contact": CONTACT}
    envelope = {"id": str(uuid.uuid4()), "source": "/partner", "type": TYPE, "specversion": "1.0"}
    headers = {f"cloudEvents:{name}": value for name, value in envelope.items()}
    async with await aio_pika.connect(URL) as connection:
        public = await (await connection.channel(on_return_raises=True)).get_exchange("public")
        await public.publish(aio_pika.Message(json.dumps(body).encode(), headers=headers, **JSON), TYPE)


asyncio.run(main(*sys.argv[1:]))
