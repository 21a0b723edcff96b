"""The obvious way to take partners' events: a route of FastAPI with a model, `jsonschema`, and for each event a
document and two messages. SQLite with `synchronous=FULL`, messages confirmed: as durable as ours.

    python -m tests.bench.obvious_hub PORT FILE BROKER_URL
"""

import json
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import uvicorn
from fastapi import FastAPI, Response
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from tests.bench.hub_schema import SCHEMA

QUEUES = ("obvious.route", "obvious.keep")


class Event(BaseModel):
    """A CloudEvent."""

    specversion: str
    id: str
    source: str
    type: str
    time: str | None = None
    subject: str | None = None
    partitionkey: str | None = None
    data: dict[str, Any]


class Hub:
    def __init__(self, file: str, broker_url: str) -> None:
        self._broker_url = broker_url
        self._validator = Draft202012Validator(SCHEMA)
        self._store = sqlite3.connect(file, isolation_level=None)
        self._store.execute("PRAGMA journal_mode=WAL")
        self._store.execute("PRAGMA synchronous=FULL")
        self._store.execute("CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, body TEXT NOT NULL)")

    @asynccontextmanager
    async def open(self, _: FastAPI) -> AsyncIterator[None]:
        async with await aio_pika.connect(self._broker_url) as connection:
            self._channel = await connection.channel()
            for queue in QUEUES:
                await self._channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
            print("ready", flush=True)
            yield

    async def take(self, events: list[Event]) -> Response:
        for event in events:
            if not self._validator.is_valid(event.data):
                return Response(status_code=422)
        for event in events:
            body = event.model_dump_json()
            self._store.execute("INSERT INTO events VALUES (?, ?)", (event.id, body))
            for queue in QUEUES:
                message = aio_pika.Message(body.encode(), delivery_mode=2)
                await self._channel.default_exchange.publish(message, queue)
        results = [{"id": event.id, "status": "accepted"} for event in events]
        return Response(json.dumps({"results": results}), status_code=202, media_type="application/json")


def main(port: str, file: str, broker_url: str) -> None:
    hub = Hub(file, broker_url)
    app = FastAPI(lifespan=hub.open)
    app.post("/v1/events")(hub.take)
    uvicorn.run(app, port=int(port), log_level="error")


if __name__ == "__main__":
    main(*sys.argv[1:])
