"""One process's service, composed as in production over a SQLite file, with what it says recorded instead of sent."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from services.miles.adapters.ledger import ACCOUNTS
from services.miles.app import compose
from shared.bus.outbox import Publisher
from shared.contracts import CATALOGUE
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message, OutboxMessage
from shared.contracts.steps import Answer, Command
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids, Uuid7Ids
from shared.kernel.meter import CallMeter, NoCallMeter
from shared.kernel.randomness import Random, SystemRandom
from shared.runtime.service import Service
from shared.runtime.settings import RuntimeSettings
from shared.store import open_store
from shared.store.documents import Store
from shared.web import problems
from tests.component.web.issuer import HandClock, Issuer


class Recorder:
    """A publisher that keeps what it is given."""

    connected = True

    def __init__(self) -> None:
        self.said: list[Message] = []
        self.entries: list[OutboxMessage] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        self.entries += messages
        self.said += [CATALOGUE[m.routing_key].model_validate_json(m.body) for m in messages if m.exchange]


class TestRuntime:
    """A process of its own: its own connections, locks and publisher; clock and folder are shared."""

    __test__ = False

    def __init__(
        self, home: Path, clock: HandClock, *, smtp_port: int = 0, sandbox: bool = True, mongodb_url: str | None = None
    ) -> None:
        self.settings = RuntimeSettings(milesaga_home=home, sandbox=sandbox)
        self.clock: Clock = clock
        self.ids: Ids = Uuid7Ids(clock)
        self.random: Random = SystemRandom(7)
        self.recorder = Recorder()
        self.publisher: Publisher = self.recorder
        self.meter: CallMeter = NoCallMeter()
        self.draining = asyncio.Event()
        self.issuer = Issuer(clock)
        self.authenticator = self.issuer.authenticator()
        self._smtp_port = smtp_port
        self._mongodb_url = mongodb_url

    def store(self, name: str) -> Store:
        if self._mongodb_url is None:
            return open_store(name, self.settings.milesaga_home)
        # A server has no folders: the test's own name keeps it apart from others.
        return open_store(f"{name}_{self.settings.milesaga_home.name}", self.settings.milesaga_home, self._mongodb_url)

    def http(self, base_url: str, timeout_seconds: float) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds)

    def service_url(self, service: str) -> str:
        raise NotImplementedError(service)

    def provider_url(self, provider: str) -> str:
        raise NotImplementedError(provider)

    def smtp(self) -> tuple[str, int]:
        return "127.0.0.1", self._smtp_port


class Desk:
    """Gives commands to a service and reads its answers."""

    def __init__(self, runtime: TestRuntime, service: Service) -> None:
        self.runtime = runtime
        self.service = service

    async def tell(self, command: Command) -> Answer:
        """What the service answers to a command."""
        before = len(self.runtime.recorder.said)
        await self.service.table[type(command)](command, an_envelope(command))
        answers = [
            said
            for said in self.runtime.recorder.said[before:]
            if isinstance(said, Answer) and _identity(said) == _identity(command)
        ]
        assert len(answers) == 1, answers
        return answers[0]

    @asynccontextmanager
    async def http(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client of the service's routes."""
        app = FastAPI()
        problems.install(app)
        assert self.service.router is not None
        app.include_router(self.service.router)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
            yield client

    def member(self, member_id: str) -> dict[str, str]:
        return self.runtime.issuer.bearer(member_id, "miles")

    def operator(self) -> dict[str, str]:
        return self.runtime.issuer.bearer("ops", "ops:read ops:write")


def an_envelope(message: Message) -> Envelope:
    return Envelope(id="m-1", source="tests", type=message.type)


def _identity(message: Answer | Command) -> tuple[str, str, str, int, bool]:
    return message.purchase_id, message.step, message.part, message.attempt, message.undo


@asynccontextmanager
async def miles_desk(home: Path, clock: HandClock, mongodb_url: str | None = None) -> AsyncIterator[Desk]:
    """A miles service, open."""
    runtime = TestRuntime(home, clock, mongodb_url=mongodb_url)
    service = compose(runtime)
    assert service.store is not None
    assert service.outbox is not None
    await service.store.open()
    yield Desk(runtime, service)
    await service.outbox.drain()
    await service.store.close()


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
