"""The OpenAPI document of all services, without a stack."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from services.house import HOUSE
from shared.runtime.application import Documents, Front, application
from shared.runtime.description import queues
from shared.runtime.health import Health
from shared.runtime.telemetry import Telemetry
from tests.kit.laptop import Laptop

Json = dict[str, Any]
SERVER = "http://shop.test"


async def nothing_counted() -> bytes:
    return b""


def whole_application(laptop: Laptop) -> Front:
    """Every service's routes in one process; their handlers are not called."""
    services = [import_module(f"services.{each.name}.app").compose(laptop) for each in HOUSE if each.public]
    documents = Documents(nothing_counted, queues(HOUSE), SERVER, "amqp://shop:secret@broker.test/")
    front = application(services, Health(laptop.clock), Telemetry(), documents)
    assert isinstance(front, Front)
    return front


def public_document(folder: Path) -> Json:
    app: Any = whole_application(Laptop(folder))
    document: Json = app._app.openapi()
    travelled: Json = json.loads(json.dumps(document))
    return travelled


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation
