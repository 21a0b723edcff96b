import asyncio
import json
import os
import sys
from urllib.parse import urlsplit

import aio_pika

URL = os.environ["BROKER_URL"]
ME = urlsplit(URL).username
TYPE, JSON = "retail.receipt.issued.v1", {"content_type": "application/json", "delivery_mode": 2, "user_id": ME}


async def main(receipt: str, cents: str) -> None:
    body = {"store": "0417", "total": {"amount": int(cents)}}
    envelope = {"id": receipt, "source": "/coles/tills/7", "type": TYPE, "specversion": "1.0"}
    headers = {f"cloudEvents:{name}": value for name, value in envelope.items()}
    async with await aio_pika.connect(URL) as connection:
        public = await (await connection.channel()).get_exchange("public")
        message = aio_pika.Message(json.dumps(body).encode(), headers=headers, **JSON)
        await public.publish(message, TYPE)  # who hears no confirmation says it again: the same id is the same event


asyncio.run(main(*sys.argv[1:]))
