import asyncio
import json
import os
from urllib.parse import urlsplit

import aio_pika

URL = os.environ["BROKER_URL"]
ME, QUORUM = urlsplit(URL).username, {"x-queue-type": "quorum"}


async def told(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    async with message.process(requeue=True):  # what fails comes again, five times
        print("told of", json.loads(message.body)["checkout_id"], flush=True)


async def main() -> None:
    async with await aio_pika.connect_robust(URL) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=50)
        failed = await channel.declare_exchange(f"{ME}.failed", "fanout", durable=True)
        await (await channel.declare_queue(f"{ME}.failed", durable=True, arguments=QUORUM)).bind(failed)
        limits = {**QUORUM, "x-delivery-limit": 5, "x-dead-letter-exchange": f"{ME}.failed"}
        mine = await channel.declare_queue(f"{ME}.other-shop", durable=True, arguments=limits)
        await mine.bind("events", "checkout.#")
        await mine.consume(told)
        await asyncio.Future()


asyncio.run(main())
