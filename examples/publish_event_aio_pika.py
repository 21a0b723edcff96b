import asyncio
import json
import os
import sys
import uuid
from urllib.parse import urlsplit

import aio_pika

URL = os.environ["BROKER_URL"]
ME = urlsplit(URL).username
TYPE, JSON = "partner.flight_delayed.v1", {"content_type": "application/json", "delivery_mode": 2, "user_id": ME}


async def main(flight: str, minutes: str) -> None:
    body = {"flight": flight, "minutes": int(minutes)}
    envelope = {"id": str(uuid.uuid4()), "source": "/partner", "type": TYPE, "specversion": "1.0"}
    headers = {f"cloudEvents:{name}": value for name, value in envelope.items()}
    async with await aio_pika.connect(URL) as connection:
        public = await (await connection.channel()).get_exchange("public")
        message = aio_pika.Message(json.dumps(body).encode(), headers=headers, **JSON)
        await public.publish(message, TYPE, mandatory=False)


asyncio.run(main(*sys.argv[1:]))
