"""The taskiq peer: `python taskiq_peer.py WORKERS`, so many worker processes and this one, which starts pipelines."""

import asyncio
import subprocess
import sys

import aio_pika
from job import AMQP, Order, measure, take_orders
from taskiq_app import DONE, broker, checkout

IN_FLIGHT = "64"


async def main(workers: str) -> None:
    connection = await aio_pika.connect_robust(AMQP)
    channel = await connection.channel()
    await channel.set_qos(200)
    done = await channel.declare_queue(DONE, durable=True)
    waiting: dict[str, asyncio.Future[None]] = {}

    async def ended(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        waiting.pop(message.body.decode()).set_result(None)
        await message.ack()

    async def carry_out(order: Order) -> None:
        future = waiting[order["order_id"]] = asyncio.get_running_loop().create_future()
        await checkout().kiq(order)
        await future

    worker = subprocess.Popen(  # noqa: ASYNC220 - before anything is measured
        [
            sys.executable,
            "-m",
            "taskiq",
            "worker",
            "taskiq_app:broker",
            "--workers",
            workers,
            "--max-async-tasks",
            IN_FLIGHT,
            "--log-level",
            "ERROR",
        ],
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
    )
    await done.consume(ended)
    await broker.startup()
    try:
        await measure(carry_out, "first", 10, 1)
        await take_orders(carry_out)
    finally:
        worker.terminate()
        worker.wait(20)
        await broker.shutdown()
        await connection.close()


asyncio.run(main(sys.argv[1]))
