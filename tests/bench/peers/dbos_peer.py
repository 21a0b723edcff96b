"""DBOS: durable workflows in one process, which keep every step's outcome in SQLite. `python dbos_peer.py FILE`."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from dbos import DBOS, DBOSConfig, SetWorkflowID
from job import STEPS, UNDO, Order, nothing, take_orders

DBOS(
    config=DBOSConfig(
        name="checkout",
        system_database_url=f"sqlite:///{Path(sys.argv[1]).resolve()}",
        log_level="ERROR",
        application_version="1",
        executor_id="peer",
        enable_otlp=False,
    )
)


def _step(name: str) -> Callable[[Order], Awaitable[str]]:
    async def body(order: Order) -> str:
        await nothing(name, order)
        return name

    body.__name__ = body.__qualname__ = name
    return DBOS.step()(body)


DO = {name: _step(name) for name in STEPS}
COMPENSATE = {name: _step(name) for name in UNDO.values() if name}


@DBOS.workflow()
async def checkout(order: Order) -> str:
    done: list[str] = []
    try:
        for name in STEPS:
            await DO[name](order)
            done.append(name)
    except Exception:  # noqa: BLE001 - whatever it was, what is done is undone
        for name in reversed(done):
            undo = UNDO[name]
            if undo:
                await COMPENSATE[undo](order)
        return "compensated"
    return "completed"


async def carry_out(order: Order) -> None:
    with SetWorkflowID(order["order_id"]):
        handle = await DBOS.start_workflow_async(checkout, order)
    if await handle.get_result() != "completed":
        raise RuntimeError(f"{order['order_id']} was not completed")


async def main() -> None:
    DBOS.launch()
    await take_orders(carry_out)


asyncio.run(main())
sys.stdout.flush()
os._exit(0)  # its threads do not end by themselves
