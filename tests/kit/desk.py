"""A desk before one service: it gives commands and reads the answers."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI

from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import Message
from shared.contracts.steps import Answer, Command
from shared.runtime.service import Service
from shared.web import problems
from tests.kit.runtime import TestRuntime


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
async def opened(service: Service) -> AsyncIterator[None]:
    """The service's store is open meanwhile; afterwards its outbox is empty, and what it opened is closed."""
    assert service.store is not None
    assert service.outbox is not None
    await service.store.open()
    yield
    await service.outbox.drain()
    for closing in service.closing:
        await closing()
    await service.store.close()
