"""A receiver in a process of its own: `python -m tests.bench.hub_reader BROKER_URL QUEUE COUNT`.

It prints `ready`, and after each COUNT copies of different events how many seconds went by from the first to the last.
"""

import asyncio
import sys
import time

import aio_pika

PREFETCH = 500


async def read(url: str, queue_name: str, count: int) -> None:
    seen: set[str] = set()
    began = 0.0
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(PREFETCH)
        queue = await channel.get_queue(queue_name)
        async with queue.iterator(no_ack=True) as messages:
            print("ready", flush=True)
            async for message in messages:
                began = began if seen else time.perf_counter()
                seen.add(str(message.headers["cloudEvents:id"]))
                if len(seen) == count:
                    print(time.perf_counter() - began, flush=True)
                    seen.clear()


if __name__ == "__main__":
    asyncio.run(read(sys.argv[1], sys.argv[2], int(sys.argv[3])))
