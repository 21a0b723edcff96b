"""All services' routes in one table."""

from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Route

from shared.web.strictly import StrictRoute
from tests.component.web.document import services_with_routes, whole_application
from tests.kit.laptop import Laptop

CART = "/internal/carts/c-1"


async def test_no_table_stands_within_the_table(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    front: Any = whole_application(laptop, services_with_routes(laptop))
    routes = front._app.router.routes
    assert len(routes) > 30
    assert {type(route).__name__ for route in routes if not isinstance(route, Route)} == set()


async def test_every_body_that_fastapi_reads_is_read_strictly(tmp_path: Path) -> None:
    """The last of two names that are the same would win otherwise."""
    laptop = Laptop(tmp_path)
    front: Any = whole_application(laptop, services_with_routes(laptop))
    with_body = [each for each in front._app.router.routes if isinstance(each, APIRoute) and each.body_field]
    assert len(with_body) > 20
    assert [each.path for each in with_body if not isinstance(each, StrictRoute)] == []


async def test_an_internal_route_says_each_thing_once(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    front: Any = whole_application(laptop, services_with_routes(laptop))
    laptop.wires.connect("archive.test", front)
    async with laptop.client("archive", laptop.authenticator.internal_headers) as service:
        body = '{"partner": "coles", "partner": "kmart", "event_id": "4711"}'
        headers = {"Content-Type": "application/json"}
        refused = await service.post("/internal/archive/named", content=body, headers=headers)
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed_json")
        assert refused.json()["errors"][0]["pointer"] == "/partner"


async def test_an_internal_route_is_read_by_services_and_takes_no_parameters(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    services = services_with_routes(laptop)
    front: Any = whole_application(laptop, services)
    laptop.wires.connect("cart.test", front)
    store = next(service.store for service in services if service.name == "cart")
    assert store is not None
    await store.open()
    try:
        async with laptop.client("cart") as stranger:
            assert (await stranger.get(CART)).json()["code"] == "unauthorized"
        async with laptop.client("cart", laptop.authenticator.internal_headers) as service:
            assert (await service.get(CART)).json()["code"] == "not_found"
            refused = await service.get(CART, params={"currency": "BRL"})
            assert (refused.status_code, refused.json()["errors"][0]["parameter"]) == (422, "currency")
            assert (await service.post(CART)).headers["Allow"] == "GET, HEAD"
    finally:
        await store.close()
