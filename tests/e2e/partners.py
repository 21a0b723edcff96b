"""A partner of the event hub, as it is seen from outside: what it sends, what it finds."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

from tests.e2e.shop import Shop
from tests.eventually import eventually

Json = dict[str, Any]
RECEIPT = "retail.receipt.printed.v1"
"""Not the type of the examples, which register another schema in the same stack."""
SCHEMA: Json = {
    "type": "object",
    "required": ["total"],
    "properties": {
        "total": {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}},
        "store": {"type": "string"},
    },
}
BATCH = "application/cloudevents-batch+json"
STRUCTURED = "application/cloudevents+json"
VISIBLE = 30.0
"""Seconds, on any machine, for what is visible within two."""


def receipt(id_: str, **more: Any) -> Json:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "/coles/tills/7",
        "type": RECEIPT,
        "time": datetime(2027, 1, 20, 10, tzinfo=UTC).isoformat(),
        "data": {"total": {"amount": 3000}},
    } | more


class Partner:
    """A partner with a registered type of its own, its sender, and an operator who looks into the archive."""

    def __init__(self, name: str, sender: httpx.AsyncClient, operator: httpx.AsyncClient, shop: Shop) -> None:
        self.name, self.sender, self.operator, self.shop = name, sender, operator, shop

    @classmethod
    async def made(cls, shop: Shop, **terms: Any) -> "Partner":
        name = f"p{uuid.uuid4().hex[:12]}"
        operator = await shop.operator()
        await register(operator)
        body = {"clients": [f"{name}-tills"], "publishes": ["retail.*"]} | terms
        answer = await operator.put(f"/v1/hub/partners/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return cls(name, await cls.client(shop, name, "events:publish hub:read"), operator, shop)

    @staticmethod
    async def client(shop: Shop, name: str, scope: str) -> httpx.AsyncClient:
        return await shop.client(await shop.token(scope, f"{name}-tills"))

    async def send(self, *events: Json, atomic: bool = True, by: httpx.AsyncClient | None = None) -> httpx.Response:
        """A batch, even of one."""
        return await (by or self.sender).post(
            "/v1/events" + ("" if atomic else "?atomic=false"),
            content=json.dumps(events).encode(),
            headers={"Content-Type": BATCH},
        )

    async def archived(self, **query: str) -> list[Json]:
        """What the archive has of this partner."""
        found: list[Json] = []
        cursor: str | None = None
        while True:
            params = {"partner": self.name, **query} | ({"cursor": cursor} if cursor else {})
            answer = await self.operator.get("/v1/hub/archive", params=params)
            assert answer.status_code == 200, answer.text
            found += answer.json()["events"]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return found

    async def eventually_archived(self, count: int, within: float = VISIBLE) -> list[Json]:
        async def enough() -> list[Json]:
            found = await self.archived()
            assert len(found) >= count, f"{len(found)} of {count}"
            return found

        return await eventually(enough, within)


async def register(operator: httpx.AsyncClient) -> None:
    answer = await operator.put(f"/v1/hub/types/{RECEIPT}", json={"schema": SCHEMA})
    assert answer.status_code == 200, answer.text
