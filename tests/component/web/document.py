"""The OpenAPI document of all services, without a stack."""

import json
from collections.abc import Iterator, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from services.house import HOUSE
from shared.runtime.application import Documents, application
from shared.runtime.description import queues
from shared.runtime.front import Front
from shared.runtime.health import Health
from shared.runtime.service import Service
from shared.runtime.telemetry import Telemetry
from tests.kit.laptop import Laptop

Json = dict[str, Any]
SERVER = "http://shop.test"


async def nothing_counted() -> bytes:
    return b""


def services_with_routes(laptop: Laptop) -> list[Service]:
    return [import_module(f"services.{each.name}.app").compose(laptop) for each in HOUSE if each.public]


def whole_application(laptop: Laptop, services: Sequence[Service]) -> Front:
    """Every service's routes in one process."""
    documents = Documents(nothing_counted, queues(HOUSE), SERVER, "amqp://shop:secret@broker.test/")
    health = Health(laptop.clock)
    health.open = True
    front = application(services, health, Telemetry(), documents)
    assert isinstance(front, Front)
    return front


def public_document(folder: Path) -> Json:
    laptop = Laptop(folder)
    app: Any = whole_application(laptop, services_with_routes(laptop))
    document: Json = app._app.openapi()
    travelled: Json = json.loads(json.dumps(document))
    return travelled


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation
