"""A partner's own program that reads its queue on our broker, by a user that may do nothing else."""

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

import aio_pika
from aiormq.exceptions import AMQPError

from services.cli.demo.checks import Unexpected

SILENCE = 30.0


@dataclass
class Read:
    """What lay there: the copies' bodies by the hub's name of their event, and how many came."""

    copies: int = 0
    by_hubid: dict[str, Any] = field(default_factory=dict)
    replays: set[str] = field(default_factory=set)


def read(url: str, queue: str, expected: int) -> Read:
    """So many copies, then all the others that lie there. Raises Unexpected where they do not come."""
    return asyncio.run(_read(url, queue, expected))


def may_read(url: str, queue: str) -> bool:
    """Does the broker let this user look into the queue?"""
    return asyncio.run(_may_read(url, queue))


async def _read(url: str, queue: str, expected: int) -> Read:
    found, deadline = Read(), time.monotonic() + SILENCE
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        target = await channel.get_queue(queue, ensure=False)
        while True:
            message = await target.get(fail=False)
            if message is None:
                if found.copies >= expected:
                    return found
                if time.monotonic() > deadline:
                    raise Unexpected(f"{queue}: expected {expected} copies, found {found.copies}")
                await asyncio.sleep(0.05)
                continue
            headers = {name.partition(":")[2]: value for name, value in message.headers.items()}
            found.copies += 1
            found.by_hubid[str(headers["hubid"])] = json.loads(message.body)
            if "replayid" in headers:
                found.replays.add(str(headers["replayid"]))
            await message.ack()


async def _may_read(url: str, queue: str) -> bool:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        try:
            await (await channel.get_queue(queue, ensure=False)).get(fail=False)
        except AMQPError:
            return False
    return True
