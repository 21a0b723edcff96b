"""A partner's buses, as they are seen from outside: files that are applied, queues that are read."""

import uuid
from typing import Any

import aio_pika
import httpx
from aiormq.exceptions import AMQPError

from shared.contracts.copies import Copy
from tests.e2e.partners import RECEIPT, Json, Partner
from tests.eventually import eventually

ARRIVES = 30.0
"""Seconds, on any machine, for what takes one."""


def a_rule(name: str = "all", to: tuple[str, ...] = ("books",), **more: Any) -> Json:
    return {"name": name, "when": {"type": [RECEIPT]}, "to": list(to), **more}


class Bus:
    """One bus of a partner, whose targets are queues where nothing else is said."""

    def __init__(self, partner: Partner, by: httpx.AsyncClient, broker_url: str, name: str = "") -> None:
        self.name = name or f"b{uuid.uuid4().hex[:12]}"
        self.partner, self.by = partner, by
        self._broker_url = broker_url
        self.path = f"/v1/hub/buses/{self.name}"

    def file(self, *rules: Json, **more: Any) -> Json:
        rules = rules or (a_rule(),)
        named = {target: {"queue": True} for rule in rules for target in rule["to"]}
        return {"partner": self.partner.name, "rules": list(rules), "targets": named} | more

    async def applied(self, *rules: Json, **more: Any) -> Json:
        answer = await self.by.put(self.path, json=self.file(*rules, **more), timeout=30)
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        assert shown["active"] is True
        return shown

    async def taken(self, target: str = "books", *, dead: bool = False) -> list[Copy]:
        """All that lies in a target's queue, which a consumer takes."""
        found: list[Copy] = []
        connection = await aio_pika.connect(self._broker_url)
        async with connection:
            channel = await connection.channel()
            queue = await channel.get_queue(f"target.{self.name}.{target}" + (".dead" if dead else ""))
            while (message := await queue.get(fail=False)) is not None:
                found.append(Copy.of(message.headers, message.body))
                await message.ack()
        return found

    async def eventually_taken(
        self, count: int, target: str = "books", *, dead: bool = False, within: float = ARRIVES
    ) -> list[Copy]:
        found: list[Copy] = []

        async def enough() -> bool:
            found.extend(await self.taken(target, dead=dead))
            assert len(found) >= count, f"{len(found)} of {count}"
            return True

        await eventually(enough, within)
        return found

    async def holds_something(self, target: str = "books") -> bool:
        """Is there a queue, and something in it?"""
        connection = await aio_pika.connect(self._broker_url)
        async with connection:
            channel = await connection.channel()
            try:
                queue = await channel.declare_queue(f"target.{self.name}.{target}", passive=True)
            except AMQPError:
                return False
            return bool(queue.declaration_result.message_count)

    async def delete_queue(self, target: str = "books") -> None:
        connection = await aio_pika.connect(self._broker_url)
        async with connection:
            channel = await connection.channel()
            await channel.queue_delete(f"target.{self.name}.{target}")
