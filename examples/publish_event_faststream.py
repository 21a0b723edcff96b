import asyncio
import os
import sys
import uuid
from urllib.parse import urlsplit

from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange

URL = os.environ["BROKER_URL"]
ME = urlsplit(URL).username
TYPE, PUBLIC = "partner.flight_delayed.v1", RabbitExchange("public", type=ExchangeType.TOPIC, declare=False)


async def main(flight: str, minutes: str) -> None:
    envelope = {"id": str(uuid.uuid4()), "source": "/partner", "type": TYPE, "specversion": "1.0"}
    headers = {f"cloudEvents:{name}": value for name, value in envelope.items()}
    async with RabbitBroker(URL) as broker:
        body = {"flight": flight, "minutes": int(minutes)}
        await broker.publish(body, TYPE, PUBLIC, headers=headers, mandatory=False, persist=True, user_id=ME)


asyncio.run(main(*sys.argv[1:]))
