"""A miles service, composed as in production over a store, with what it says recorded instead of sent."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from services.miles.adapters.ledger import ACCOUNTS
from services.miles.app import compose
from tests.kit.clock import HandClock
from tests.kit.desk import Desk, opened
from tests.kit.runtime import TestRuntime


@asynccontextmanager
async def miles_desk(home: Path, clock: HandClock, mongodb_url: str | None = None) -> AsyncIterator[Desk]:
    """A miles service, open."""
    runtime = TestRuntime(home, clock, mongodb_url=mongodb_url)
    service = compose(runtime)
    async with opened(service):
        yield Desk(runtime, service)


async def stored_account(desk: Desk, member: str = "ana") -> dict[str, Any]:
    """The account's document as it lies in the file."""
    store = desk.runtime.store("miles")
    collection = store.collection(ACCOUNTS)
    await store.open()
    try:
        found = await collection.get(member)
    finally:
        await store.close()
    assert found is not None
    return found.body
