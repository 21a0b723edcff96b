import asyncio
import json
import os

import aio_pika


async def main() -> None:
    async with await aio_pika.connect_robust(os.environ["BROKER_URL"]) as connection:
        mine = await (await connection.channel()).declare_queue("my-other-shop", durable=True)
        await mine.bind("events", "checkout.#")
        async with mine.iterator() as messages:
            async for message in messages:
                async with message.process(requeue=True):
                    print("told of", json.loads(message.body)["checkout_id"], flush=True)


asyncio.run(main())
