"""One service, composed as in production over the real store and the sandbox; the test plays the broker."""

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Self

from shared.contracts.cloudevents import Envelope
from shared.contracts.steps import Answer, Command, StepRefused
from shared.kernel.errors import Later
from shared.runtime.service import Service
from tests import days
from tests.kit.runtime import TestRuntime

TIMES = 40


class Surroundings(TestRuntime):
    """A runtime beside a sandbox at a URL, on whose day it lives."""

    __test__ = False

    def __init__(self, folder: Path, sandbox_url: str, *, sandbox: bool = True) -> None:
        self.hand = days.Clock()
        super().__init__(folder, self.hand, sandbox=sandbox, sandbox_url=sandbox_url)


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
        return self.around.recorder.answers()

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
