"""Composition root: the outside world as one ASGI application and one SMTP server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random

from fastapi import FastAPI

from services.sandbox import beliefs, clock, faults, oauth
from services.sandbox.clock import Clock
from services.sandbox.memory import Memory
from services.sandbox.provider import Provider, Surroundings
from services.sandbox.providers import PROVIDERS
from services.sandbox.settings import SandboxSettings


class Sandbox:
    """Everything outside. `start` before the first request, `stop` after the last; a stopped one can be started
    again and has forgotten nothing."""

    def __init__(
        self,
        settings: SandboxSettings,
        now: Clock = clock.machine,
        random: Random | None = None,
        providers: Sequence[Provider] = PROVIDERS,
    ) -> None:
        self._memory = Memory(settings.folder / "books.sqlite", [provider.schema for provider in providers])
        operations = {provider.name: provider.operations for provider in providers if provider.operations}
        self._faults = faults.Faults(self._memory, operations, random or Random())  # noqa: S311 - mishaps, no secrets
        self._issuer = oauth.Issuer(self._memory, settings.issuer, now)
        theirs = clock.beginning_at(settings.begins_at, now)
        around = Surroundings(settings, self._memory, self._faults, self._issuer, theirs, now)
        self._stand_ins = {provider.name: provider.open(around) for provider in providers}
        self.app = FastAPI(
            title="Milesaga sandbox", openapi_url="/sandbox/openapi.json", docs_url="/sandbox/docs", redoc_url=None
        )
        for router in (
            oauth.router(self._issuer),
            faults.router(self._faults),
            beliefs.router(self._memory, providers, [*self._stand_ins.values()]),
            *(router for stand_in in self._stand_ins.values() for router in stand_in.routers),
        ):
            self.app.router.routes.extend(router.routes)

    @property
    def smtp_port(self) -> int:
        """Where mail is taken, at `HOST`; 0 before the start."""
        return self._stand_ins["mail"].port

    async def start(self) -> None:
        """Open the memory, take up what it holds, listen."""
        self._memory.open()
        try:
            await self._faults.load()
            await self._issuer.load()
            for stand_in in self._stand_ins.values():
                await stand_in.start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Nobody listens any more; close the memory."""
        for stand_in in self._stand_ins.values():
            await stand_in.stop()
        await self._memory.close()


def create_app(settings: SandboxSettings | None = None) -> FastAPI:
    """The sandbox by itself, started and stopped with the server that serves it."""
    sandbox = Sandbox(settings or SandboxSettings())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await sandbox.start()
        try:
            yield
        finally:
            await sandbox.stop()

    sandbox.app.router.lifespan_context = lifespan
    return sandbox.app
