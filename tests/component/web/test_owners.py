"""Whose each route is, as requests are counted by it."""

from pathlib import Path
from typing import Any

from tests.component.web.document import services_with_routes, whole_application
from tests.kit.laptop import Laptop


async def test_every_route_of_a_service_is_known_to_be_its_own(tmp_path: Path) -> None:
    laptop = Laptop(tmp_path)
    front: Any = whole_application(laptop, services_with_routes(laptop))
    owned = {path.replace(":path}", "}"): service for path, service in front._owners.items()}
    documented = {path for path in front._app.openapi()["paths"] if path.startswith("/v1/")}
    assert len(documented) > 10
    assert documented <= owned.keys()
    assert owned["/v1/checkouts/{checkout_id}"] == "checkout"
    assert owned["/internal/carts/{cart_id}"] == "cart"
