"""Celery on RabbitMQ: a chain of five tasks, acknowledged late. It keeps no state; results come by message."""

from collections.abc import Callable, Sequence
from typing import Any

from celery import Celery, chain
from job import AMQP, STEPS, UNDO, Order

app = Celery("checkout", broker=AMQP, backend="rpc://")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=16,
    task_default_queue="peer.celery",
    result_expires=600,
    worker_send_task_events=False,
    task_default_delivery_mode="persistent",
    broker_connection_retry_on_startup=True,
    broker_transport_options={"confirm_publish": True},
    task_ignore_result=False,
    worker_hijack_root_logger=False,
)


def _task(name: str, *, told: bool) -> Any:
    def body(order: Order) -> Order:
        return order

    body.__name__ = body.__qualname__ = name
    register: Callable[..., Any] = app.task(name=name, ignore_result=not told)
    return register(body)


DO = {name: _task(name, told=name == STEPS[-1]) for name in STEPS}
COMPENSATE = {name: _task(name, told=False) for name in UNDO.values() if name}


@app.task(name="compensate", ignore_result=True)
def compensate(_request: Any, _error: Any, _trace: Any, done: Sequence[str], order: Order) -> None:
    for name in reversed(done):
        undo = UNDO[name]
        if undo:
            COMPENSATE[undo].delay(order)


def checkout(order: Order) -> Any:
    steps = []
    for at, name in enumerate(STEPS):
        signature = DO[name].s(order) if at == 0 else DO[name].s()
        steps.append(signature.on_error(compensate.s(STEPS[:at], order)))
    return chain(*steps)
