"""One service, composed as in production over the real store and the sandbox; the test plays the broker."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self, cast

import httpx

from shared.bus.outbox import Publisher
from shared.contracts import CATALOGUE
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message, OutboxMessage
from shared.contracts.steps import Answer, Command, StepRefused
from shared.kernel.clock import Clock
from shared.kernel.errors import Later
from shared.kernel.ids import Ids, Uuid7Ids
from shared.kernel.meter import CallMeter, NoCallMeter
from shared.kernel.randomness import Random, SystemRandom
from shared.runtime.service import Service
from shared.runtime.settings import RuntimeSettings
from shared.store.documents import Store
from shared.store.sqlite import SqliteStore
from shared.web.auth import Authenticator
from tests import days

TIMES = 40


class Heard:
    """What was published."""

    connected = True

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        self.messages += [CATALOGUE[found.routing_key].model_validate_json(found.body) for found in messages]


class Surroundings:
    """A `Runtime`: stores in a folder, the sandbox at a URL."""

    def __init__(self, folder: Path, sandbox_url: str, *, sandbox: bool = True) -> None:
        self.settings = RuntimeSettings(environment="test", sandbox=sandbox)
        self.hand = days.Clock()
        self.clock: Clock = self.hand
        self.draining = asyncio.Event()
        self.ids: Ids = Uuid7Ids(self.clock)
        self.random: Random = SystemRandom()
        self.heard = Heard()
        self.publisher: Publisher = self.heard
        self.meter: CallMeter = NoCallMeter()
        self.authenticator = cast(Authenticator, None)
        self.path = folder
        self._sandbox_url = sandbox_url
        self.clients: list[httpx.AsyncClient] = []

    def store(self, name: str) -> Store:
        return SqliteStore(self.path / f"{name}.sqlite3")

    def http(self, base_url: str, timeout_seconds: float) -> httpx.AsyncClient:
        self.clients.append(httpx.AsyncClient(base_url=base_url, timeout=timeout_seconds, trust_env=False))
        return self.clients[-1]

    def service_url(self, service: str) -> str:
        raise NotImplementedError(service)

    def provider_url(self, provider: str) -> str:
        return f"{self._sandbox_url}/sandbox/{provider}"

    def smtp(self) -> tuple[str, int]:
        raise NotImplementedError


class Counter:
    """Hands commands to a composed service and hears its answers; pauses are skipped by moving the clock."""

    def __init__(self, service: Service, around: Surroundings) -> None:
        self.service = service
        self.around = around
        self._life = AsyncExitStack()

    async def __aenter__(self) -> Self:
        assert self.service.store is not None
        assert self.service.outbox is not None
        await self.service.store.open()
        self._life.push_async_callback(self.service.store.close)
        self._life.push_async_callback(self.service.outbox.drain)
        for client in self.around.clients:
            self._life.push_async_callback(client.aclose)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._life.aclose()

    @property
    def answers(self) -> list[Answer]:
        return [message for message in self.around.heard.messages if isinstance(message, Answer)]

    async def say(self, command: Command) -> None:
        """Deliver once. Raises what the handler raises."""
        await self.service.table[type(command)](command, Envelope(id="cause", source="test", type=command.type))

    async def settle(self, command: Command) -> Answer:
        """Deliver as often as it takes, as asks and delay tiers would; the last answer."""
        before = len(self.answers)
        for _ in range(TIMES):
            try:
                await self.say(command)
            except Later as later:
                self.around.hand.ahead += later.delay
            if len(self.answers) > before:
                return self.answers[-1]
            self.around.hand.ahead += timedelta(milliseconds=500)
        raise AssertionError(f"no answer to {command.type} after {TIMES} times")

    async def refusal(self, command: Command) -> str:
        """The code that the command is refused with."""
        answer = await self.settle(command)
        assert isinstance(answer, StepRefused), answer
        return answer.code
