"""The OpenAPI document of all services, without a stack; `python -m tests.component.web.document FOLDER` writes it, and
the AsyncAPI document beside it."""

import json
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.house import HOUSE
from shared.bus.asyncapi import document as messages_document
from shared.runtime.application import Documents, application
from shared.runtime.description import queues
from shared.runtime.front import Front
from shared.runtime.health import Health
from shared.runtime.service import Service
from shared.telemetry.process import Telemetry
from tests.kit.laptop import Laptop
from tests.patience import READS

Json = dict[str, Any]
SERVER = "http://shop.test"
BROKER = "amqp://shop:secret@broker.test/"
SCOPES = (
    "offers carts checkouts miles ops:read ops:write events:publish hub:read hub:write archive:read "
    "releases:read releases:request releases:approve releases:break_glass releases:admin"
)
MEMBER = "ana-1"


async def nothing_counted() -> bytes:
    return b""


def services_with_routes(laptop: Laptop) -> list[Service]:
    return [import_module(f"services.{each.name}.app").compose(laptop) for each in HOUSE if each.public]


def whole_application(laptop: Laptop, services: Sequence[Service]) -> Front:
    """Every service's routes in one process."""
    documents = Documents(nothing_counted, queues(HOUSE), SERVER, BROKER)
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


@asynccontextmanager
async def all_services(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A member, who may do everything, before all services in one process, with the sandbox behind them."""
    for name, seconds in READS.items():
        patch.setenv(name, seconds)
    laptop = Laptop(folder)
    async with AsyncExitStack() as running:
        sandbox = laptop.a_sandbox(patch)
        await sandbox.start()
        running.push_async_callback(sandbox.stop)
        services = services_with_routes(laptop)
        for service in services:
            assert service.store is not None
            await service.store.open()
            running.push_async_callback(service.store.close)
            laptop.wires.connect(f"{service.name}.test", whole_application(laptop, services))
        yield await running.enter_async_context(laptop.client("cart", laptop.issuer.bearer(MEMBER, SCOPES)))


def write_documents(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
        patch.setenv("SANDBOX", "on")
        documents = {"openapi": public_document(Path(home)), "asyncapi": messages_document("0", queues(HOUSE), BROKER)}
    for name, document in documents.items():
        (folder / f"{name}.json").write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    write_documents(Path(sys.argv[1]))
