import asyncio
import os
from urllib.parse import urlsplit

from faststream import AckPolicy, FastStream
from faststream.rabbit import ExchangeType, QueueType, RabbitBroker, RabbitExchange, RabbitQueue

URL = os.environ["BROKER_URL"]
ME = urlsplit(URL).username
broker = RabbitBroker(URL)
app = FastStream(broker)
events = RabbitExchange("events", type=ExchangeType.TOPIC, declare=False)
failed = RabbitExchange(f"{ME}.failed", type=ExchangeType.FANOUT, durable=True)
limits = {"x-delivery-limit": 5, "x-dead-letter-exchange": failed.name}
mine = RabbitQueue(f"{ME}.shop", QueueType.QUORUM, durable=True, routing_key="checkout.#", arguments=limits)


@app.on_startup  # before the first message: what is rejected while nothing is bound is gone
async def keep_what_fails() -> None:
    await broker.connect()
    kept = await broker.declare_queue(RabbitQueue(failed.name, QueueType.QUORUM, durable=True))
    await kept.bind(await broker.declare_exchange(failed))


@broker.subscriber(mine, events, ack_policy=AckPolicy.REJECT_ON_ERROR)
async def told(event: dict[str, object]) -> None:
    print("told of", event["checkout_id"], flush=True)


asyncio.run(app.run())
