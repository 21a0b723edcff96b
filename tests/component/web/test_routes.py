"""All services' routes in one table."""

from pathlib import Path
from typing import Any

from starlette.routing import Route

from tests.component.web.document import services_with_routes, whole_application
from tests.kit.laptop import Laptop

CART = "/internal/carts/c-1"


async def test_no_table_stands_within_the_table(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    front: Any = whole_application(laptop, services_with_routes(laptop))
    routes = front._app.router.routes
    assert len(routes) > 30
    assert {type(route).__name__ for route in routes if not isinstance(route, Route)} == set()


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
