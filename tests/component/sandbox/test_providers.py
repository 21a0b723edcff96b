"""A provider is an entry: its faults, its rows in the books, its routes and its port come with it."""

import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Request, Response

from services.sandbox.app import Sandbox
from services.sandbox.faults import answer
from services.sandbox.problems import as_json
from services.sandbox.provider import Beliefs, Provider, StandIn, Surroundings, rows
from services.sandbox.providers import PROVIDERS
from services.sandbox.settings import SandboxSettings
from tests import days

SCHEMA = "CREATE TABLE IF NOT EXISTS parcels (reference TEXT NOT NULL);"


class Courier(StandIn):
    """Takes parcels; the last one it remembers beside its table."""

    def __init__(self, around: Surroundings) -> None:
        self._memory, self._faults = around.memory, around.faults
        self.heard: list[str] = []
        routes = APIRouter(prefix="/sandbox/courier")
        routes.post("/parcels/{reference}")(self.take)
        self.routers = (routes,)

    async def start(self) -> None:
        self.port = 1234

    async def stop(self) -> None:
        self.port = 0

    async def take(self, request: Request, reference: str) -> Response:
        async def act() -> Response:
            await self._memory.run(
                lambda connection: connection.execute("INSERT INTO parcels VALUES (?)", (reference,)).rowcount
            )
            self.heard.append(reference)
            return as_json({"taken": reference})

        async def refuse() -> Response:
            return as_json({"refused": reference}, 409)

        rule = await self._faults.fire("courier", "take")
        return await answer(request, rule, act, refuse=refuse, broken=lambda: Response(status_code=500))

    async def inquire(self) -> Beliefs:
        return {"heard": [{"reference": each} for each in self.heard]}

    def believes(self, connection: sqlite3.Connection) -> Beliefs:
        return {"parcels": rows(connection.execute("SELECT reference FROM parcels"), "reference")}

    async def forget(self) -> None:
        self.heard.clear()


COURIER = Provider(name="courier", open=Courier, operations=frozenset({"take"}), schema=SCHEMA, emptied=("parcels",))


@pytest.fixture
async def http(tmp_path: Path, fresh_home: Path) -> AsyncIterator[httpx.AsyncClient]:
    """The sandbox with one more provider, that asks nobody."""
    home = shutil.copytree(fresh_home, tmp_path / "home")
    settings = SandboxSettings(enabled=True, home=home, environment="test")
    local = [provider for provider in PROVIDERS if provider.name != "miles"]
    sandbox = Sandbox(settings, days.now, providers=(*local, COURIER))
    await sandbox.start()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.app), base_url="http://sandbox.test") as http:
        yield http
    await sandbox.stop()


async def order(http: httpx.AsyncClient, **rule: object) -> httpx.Response:
    return await http.put("/sandbox/faults", json={"rules": [rule]})


async def test_one_more_provider_is_in_the_books_until_they_are_emptied(http: httpx.AsyncClient) -> None:
    assert (await http.post("/sandbox/courier/parcels/p-1")).json() == {"taken": "p-1"}
    said = (await http.get("/sandbox/books")).json()
    assert said["parcels"] == said["heard"] == [{"reference": "p-1"}]
    assert said.keys() == {"charges", "tickets", "bookings", "messages", "chat", "parcels", "heard"}
    assert (await http.delete("/sandbox/books")).status_code == 204
    said = (await http.get("/sandbox/books")).json()
    assert said["parcels"] == said["heard"] == []


async def test_one_more_provider_fails_by_order_under_its_own_operations_only(http: httpx.AsyncClient) -> None:
    assert (await order(http, provider="courier", operation="take", mode="refuse", times=1)).status_code == 200
    assert (await http.post("/sandbox/courier/parcels/p-1")).status_code == 409
    assert (await http.post("/sandbox/courier/parcels/p-1")).status_code == 200
    misspelt = await order(http, provider="courier", operation="tkae", mode="refuse")
    assert (misspelt.status_code, misspelt.json()["detail"]) == (
        422,
        "/rules/0: Value error, operation 'tkae' is none of take, *",
    )


async def test_a_provider_that_is_none_is_refused_and_those_that_are_are_named(http: httpx.AsyncClient) -> None:
    unknown = await order(http, provider="nobody", mode="refuse")
    assert unknown.status_code == 422
    [wrong] = unknown.json()["errors"]
    known = "'sabre', 'stripe', 'mail', 'slack', 'courier', 'orders', 'pix', 'siebel', 'sms' or 'desk'"
    assert wrong == {"pointer": "/rules/0/provider", "detail": f"Input should be {known}"}
    assert (await order(http, provider="pix", operation="anything", mode="refuse")).status_code == 200


def test_every_provider_has_a_name_and_tables_of_its_own() -> None:
    assert len({provider.name for provider in PROVIDERS}) == len(PROVIDERS)
    emptied = [table for provider in PROVIDERS for table in provider.emptied]
    assert len(set(emptied)) == len(emptied)
    for provider in PROVIDERS:
        with sqlite3.connect(":memory:") as books:
            books.executescript(provider.schema)
            made = {name for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            assert set(provider.emptied) <= made
