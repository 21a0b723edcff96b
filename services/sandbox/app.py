"""Composition root: the outside world as one ASGI application and one SMTP server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from fastapi import FastAPI

from services.sandbox import beliefs, clock, faults, mail, members, oauth, prices
from services.sandbox.books import Books
from services.sandbox.clock import Clock
from services.sandbox.miles import Miles
from services.sandbox.sabre import http as sabre_http
from services.sandbox.sabre.tokens import Tokens
from services.sandbox.settings import SandboxSettings
from services.sandbox.stripe import http as stripe_http


class Sandbox:
    """Everything outside. `start` before the first request, `stop` after the last; a stopped one can be started
    again and has forgotten nothing."""

    def __init__(
        self,
        settings: SandboxSettings,
        now: Clock = clock.machine,
        random: Random | None = None,
    ) -> None:
        self._settings = settings
        self._books = Books(settings.folder / "books.sqlite")
        self._faults = faults.Faults(self._books, random or Random())  # noqa: S311 - mishaps, no secrets
        self._issuer = oauth.Issuer(self._books, settings.issuer, now)
        now = clock.beginning_at(settings.begins_at, now)
        self._miles = Miles(settings.public_url, self._issuer)
        self._prices = prices.PriceLevel(self._books)
        self._tokens = Tokens(self._books, now)
        self._mailbox = mail.Mailbox(self._books, self._faults, settings.folder / "mail", now)
        sabre = sabre_http.Sabre(self._books, self._faults, self._tokens, self._prices, now)
        stripe = stripe_http.Stripe(self._books, self._faults, settings.public_url, now)
        self.app = FastAPI(
            title="Milesaga sandbox", openapi_url="/sandbox/openapi.json", docs_url="/sandbox/docs", redoc_url=None
        )
        for router in (
            oauth.router(self._issuer),
            members.router(self._books, self._miles),
            faults.router(self._faults),
            beliefs.router(self._books, self._miles, self._mailbox.folder, now),
            prices.router(self._prices),
            sabre_http.router(sabre),
            stripe_http.router(stripe),
            mail.router(self._books),
        ):
            self.app.include_router(router)

    @property
    def smtp_port(self) -> int:
        """Where mail is taken, on 127.0.0.1; 0 before the start."""
        return self._mailbox.port

    async def start(self) -> None:
        """Open the books, take up what they say, listen for mail."""
        self._books.open()
        try:
            for remembered in (self._faults, self._issuer, self._prices, self._tokens):
                await remembered.load()
            await self._mailbox.open(self._settings.smtp_port)
        except BaseException:
            await self._books.close()
            raise

    async def stop(self) -> None:
        """Take no more mail, close the books."""
        await self._mailbox.close()
        await self._miles.close()
        await self._books.close()


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
