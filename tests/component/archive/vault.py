"""The archive's edges without a process: pages and records go in by the bus, questions by HTTP."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from services.archive.app import compose
from shared.contracts.archive import ArchivedEvent, Attempt, KeepPage, KeepRecords, Routed, RoutedCopy
from shared.contracts.buses import BusRevision, BusTerms
from shared.contracts.hubids import least_of
from shared.contracts.messages import Message
from shared.runtime.service import Service
from shared.web import problems
from tests.kit.clock import HandClock
from tests.kit.desk import an_envelope
from tests.kit.issuer import INTERNAL_TOKEN
from tests.kit.runtime import TestRuntime
from tests.unit.routing.samples import ISSUED

Json = dict[str, Any]
OPERATOR = "ops:read ops:write"


class HubInMind:
    """Answers what the archive asks the hub: buses by name, clients of partners."""

    def __init__(self) -> None:
        self.buses: dict[str, BusRevision] = {}
        self.past: dict[tuple[str, str], BusRevision] = {}
        self.clients: dict[str, str] = {"coles-tills": "coles", "aldi-tills": "aldi"}
        self.away = False

    def put(self, name: str, terms: BusTerms, **ordered: int) -> None:
        """`ordered`: targets that keep keys in order, with the revision since which they do."""
        known = self.buses.get(name)
        made = BusRevision(bus=name, revision=known.revision + 1 if known else 1, terms=terms, ordered=ordered)
        self.buses[name] = self.past[name, str(made.revision)] = made

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            return httpx.Response(503)
        _, _, _, kind, name, *of_past = request.url.path.split("/")
        if of_past:
            told = self.past.get((name, of_past[-1]))
            return httpx.Response(200, content=told.model_dump_json()) if told else httpx.Response(404, json={})
        if kind == "buses" and name in self.buses:
            return httpx.Response(200, content=self.buses[name].model_dump_json())
        subject = urlsafe_b64decode(name + "=" * (-len(name) % 4)).decode() if kind == "clients" else ""
        if subject in self.clients:
            return httpx.Response(200, json={"partner": self.clients[subject]})
        return httpx.Response(404, json={})


class Vault:
    """One replica of the archive."""

    def __init__(self, runtime: TestRuntime, service: Service) -> None:
        self.runtime = runtime
        self.service = service
        self._numbers = 0
        app = FastAPI()
        problems.install(app)
        assert service.router is not None
        app.include_router(service.router)
        self._transport = httpx.ASGITransport(app)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, folder: Path, clock: HandClock, hub: HubInMind, mongodb_url: str | None = None
    ) -> AsyncIterator["Vault"]:
        runtime = TestRuntime(folder, clock, mongodb_url=mongodb_url)
        runtime.transport = httpx.MockTransport(hub.answer)
        vault = cls(runtime, compose(runtime))
        assert vault.service.store is not None
        await vault.service.store.open()
        yield vault
        assert vault.service.outbox is not None
        await vault.closed()
        await vault.service.outbox.drain()
        await vault.service.store.close()

    @property
    def folder(self) -> Path:
        return self.runtime.home / "archive"

    def event(self, at: datetime | None = None, *, kind: str = ISSUED, partner: str = "coles", **data: Any) -> Any:
        """Accepted then; each one later in its millisecond than the one before."""
        self._numbers += 1
        moment = at or self.runtime.clock.now()
        hubid = f"{least_of(moment)[:-12]}{self._numbers:012x}"
        event = {"specversion": "1.0", "id": f"e{self._numbers}", "source": "/x", "type": kind, "data": data}
        return ArchivedEvent(hubid=hubid, at=moment, partner=partner, via="http", event=event)

    def skip_numbers(self, count: int) -> None:
        """So that no other replica gives its events the same hubids."""
        self._numbers += count

    async def told(self, message: Message) -> None:
        (contract,) = [each for each in self.service.table if each.type == message.type]
        await self.service.table[contract](contract.read(message.model_dump_json().encode()), an_envelope(message))

    async def keep(self, *events: ArchivedEvent, keep: str = "forever") -> Sequence[ArchivedEvent]:
        await self.told(KeepPage(page=events[0].hubid, part=1, parts=1, keep=keep, events=events))
        return events

    async def record(self, *records: RoutedCopy | Attempt) -> None:
        copies = tuple(each for each in records if isinstance(each, RoutedCopy))
        routed = Routed(page="p", part=1, at=self.runtime.clock.now(), events=1, copies=copies)
        attempts = tuple(each for each in records if isinstance(each, Attempt))
        await self.told(KeepRecords(batch="b", routed=(routed,) if copies else (), attempts=attempts))

    async def record_unwanted(self, *events: ArchivedEvent) -> None:
        """They were routed, and no rule wanted them."""
        hubids = tuple(each.hubid for each in events)
        now = self.runtime.clock.now()
        routed = Routed(page="p", part=1, at=now, events=len(events), copies=(), unwanted=hubids)
        await self.told(KeepRecords(batch="b", routed=(routed,)))

    async def closed(self) -> None:
        """As when the process ends: all segments are closed and listed."""
        for closing in self.service.closing:
            await closing()

    def _task(self, name: str) -> Any:
        return next(task for task in self.service.tasks if getattr(task, "__name__", "") == name)

    async def settled(self) -> None:
        """Wait for the replays and back-tests that are in hand."""
        for name in ("replays", "backtests"):
            await self._task(name)._page.__self__.jobs.settled()

    async def stopped(self) -> None:
        """As when the process ends, as far as replays go."""
        await self._task("replays")._page.__self__.jobs.stop()

    async def backtests_stopped(self) -> None:
        await self._task("backtests")._page.__self__.jobs.stop()

    async def once(self, name: str) -> None:
        """One round of a background task."""
        await self._task(name)._page()

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        scope: str = OPERATOR,
        subject: str = "ops",
        headers: Mapping[str, str] | None = None,
        **params: Any,
    ) -> httpx.Response:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://test", timeout=60) as client:
            bearer = self.runtime.issuer.bearer(subject, scope)
            if path.startswith("/internal/"):
                bearer = {"X-Internal-Token": INTERNAL_TOKEN}
            content = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
            return await client.request(method, path, params=params, headers={**bearer, **(headers or {})}, **content)

    async def get(self, path: str, **params: Any) -> Json:
        answer = await self.ask("GET", path, **params)
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    async def found(self, **params: Any) -> list[str]:
        return [each["hubid"] for each in (await self.get("/v1/hub/archive", **params))["events"]]


def routed(event: ArchivedEvent, target: str = "bi", bus: str = "fuel", *, shadow: bool = False) -> RoutedCopy:
    return RoutedCopy(hubid=event.hubid, bus=bus, revision=3, rules=("all",), target=target, shadow=shadow)


def attempt(event: ArchivedEvent, outcome: Any = "delivered", number: int = 1, target: str = "bi") -> Attempt:
    return Attempt(
        deliveryid=f"msg_{event.hubid}_{target}",
        hubid=event.hubid,
        bus="fuel",
        target=target,
        at=event.at,
        ms=7,
        attempt=number,
        outcome=outcome,
    )
