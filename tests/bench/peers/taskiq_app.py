"""taskiq on RabbitMQ: five tasks in a pipeline, whose remaining steps travel in the message. It keeps no state.

The last task tells the end on a queue of its own.
"""

from collections.abc import Awaitable, Callable

import aio_pika
from job import AMQP, STEPS, UNDO, Order, nothing
from taskiq import TaskiqEvents, TaskiqState
from taskiq_aio_pika import AioPikaBroker
from taskiq_aio_pika.exchange import Exchange
from taskiq_aio_pika.queue import Queue
from taskiq_pipelines import Pipeline, PipelineMiddleware

DONE = "peer.taskiq.done"

broker = AioPikaBroker(
    AMQP,
    qos=64,
    exchange=Exchange(name="peer.taskiq"),
    task_queues=[Queue(name="peer.taskiq")],
    dead_letter_queue=Queue(name="peer.taskiq.dead"),
).with_middlewares(PipelineMiddleware())


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def open_channel(state: TaskiqState) -> None:
    state.connection = await aio_pika.connect_robust(AMQP)
    state.channel = await state.connection.channel()
    await state.channel.declare_queue(DONE, durable=True)


def _body(name: str) -> Callable[[Order], Awaitable[Order]]:
    async def body(order: Order) -> Order:
        await nothing(name, order)
        if name == STEPS[-1]:
            message = aio_pika.Message(order["order_id"].encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await broker.state.channel.default_exchange.publish(message, DONE)
        return order

    body.__name__ = body.__qualname__ = name
    return body


DO = {name: broker.task(task_name=name)(_body(name)) for name in STEPS}
COMPENSATE = {name: broker.task(task_name=name)(_body(name)) for name in UNDO.values() if name}


def checkout() -> Pipeline[[Order], Order]:
    pipeline = Pipeline(broker, DO[STEPS[0]])
    for name in STEPS[1:]:
        pipeline = pipeline.call_next(DO[name])
    return pipeline
