"""What is told of every request: its id to the caller, its line to the log, its count to the metrics."""

import logging
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.front import Front
from shared.runtime.health import Health
from shared.telemetry.process import Telemetry
from shared.web import problems
from tests.kit.lines import Lines


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def client(telemetry: Telemetry) -> httpx.AsyncClient:
    app = FastAPI()
    problems.install(app)

    @app.get("/v1/carts/{cart_id}")
    async def cart(cart_id: str) -> dict[str, str]:
        logging.getLogger("services.cart").warning("looked at")
        return {"id": cart_id}

    @app.get("/readyz")
    async def readyz() -> None:
        raise RuntimeError("a card number, say")

    health = Health()
    health.open = True
    transport = httpx.ASGITransport(
        Front(app, health, telemetry, sandbox=None, owners={"/v1/carts/{cart_id}": "cart"}), raise_app_exceptions=False
    )
    return httpx.AsyncClient(transport=transport, base_url="http://shop.test")


async def test_each_request_has_one_line_by_its_route(client: httpx.AsyncClient, lines: Lines) -> None:
    answer = await client.get("/v1/carts/c-1", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Request-Id"] == "mine-1"
    inside, line = lines.of("looked at"), lines.of("request answered")
    assert [each["request_id"] for each in (*inside, *line)] == ["mine-1", "mine-1"]
    told = {name: line[0][name] for name in ("level", "service", "method", "route", "status")}
    assert told == {"level": "info", "service": "cart", "method": "GET", "route": "/v1/carts/{cart_id}", "status": 200}
    assert 0 <= line[0]["seconds"] < 60


async def test_health_has_no_line_however_it_is(client: httpx.AsyncClient, lines: Lines) -> None:
    answer = await client.get("/readyz")
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"]
    assert lines.of("request answered") == []


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "\u00e9", "a\tb", '{"a":1}', "a;b"])
async def test_an_id_that_cannot_be_written_anywhere_is_replaced(client: httpx.AsyncClient, given: str) -> None:
    answers = [await client.get("/v1/carts/c-1", headers={b"X-Request-Id": given.encode()}) for _ in range(2)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 2
    assert given not in ids


async def test_strangers_make_no_series_by_paths_and_methods(client: httpx.AsyncClient, telemetry: Telemetry) -> None:
    for number in range(30):
        await client.request(f"BREW{number}", f"/v2/{number}")
    text = telemetry.series.exposition().decode()
    found: set[Any] = {
        (sample.labels["service"], sample.labels["method"], sample.labels["route"])
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "milesaga_http_requests_total"
    }
    assert found == {("process", "other", "other")}
