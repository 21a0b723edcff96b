import asyncio
import os

from faststream import AckPolicy, FastStream
from faststream.rabbit import ExchangeType, RabbitBroker, RabbitExchange, RabbitQueue

broker = RabbitBroker(os.environ["BROKER_URL"])
events = RabbitExchange("events", type=ExchangeType.TOPIC, declare=False)
mine = RabbitQueue("my-shop", durable=True, routing_key="checkout.#")


@broker.subscriber(mine, events, ack_policy=AckPolicy.NACK_ON_ERROR)
async def told(event: dict[str, object]) -> None:
    print("told of", event["checkout_id"], flush=True)


asyncio.run(FastStream(broker).run())
