"""What every peer carries out: the five steps of one checkout, each a no-op with its compensation."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

AMQP = os.environ["BROKER_URL"]

UNDO = {
    "miles_reserve": "miles_release",
    "payment_authorize": "payment_void",
    "ticket_issue": "ticket_void",
    "payment_capture": "payment_refund",
    "miles_commit": None,
}
STEPS = tuple(UNDO)

Order = dict[str, Any]
CarryOut = Callable[[Order], Awaitable[None]]


async def nothing(step: str, order: Order) -> None:
    """A step's body, where the engine is asynchronous."""


def order(tag: str, number: int) -> Order:
    return {
        "order_id": f"{tag}-{number:06d}",
        "member_id": "M0001234567",
        "amount": 125000,
        "currency": "EUR",
        "miles": 60000,
        "flights": ["AF1234-2026-02-01-J", "AF4321-2026-02-09-J"],
        "note": "x" * 200,
    }


def say(result: dict[str, Any]) -> None:
    print("RESULT", json.dumps(result), flush=True)


async def take_orders(carry_out: CarryOut) -> None:
    """Until standard input ends."""
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        tag, count, in_flight = line.split()
        say(await measure(carry_out, tag, int(count), int(in_flight)))


async def measure(carry_out: CarryOut, tag: str, count: int, in_flight: int) -> dict[str, Any]:
    numbers = iter(range(count))
    done = 0

    async def lane() -> None:
        nonlocal done
        for number in numbers:
            await carry_out(order(tag, number))
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(in_flight)))
    elapsed = time.perf_counter() - began
    if done != count:
        raise RuntimeError(f"{done} of {count} done")
    return {"rate": count / elapsed}
