"""A counter before one replica of the hub: files go over it, pages are routed behind it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from services.hub.app import compose
from services.hub.domain.pages import PageToRoute
from shared.contracts.archive import ArchivedEvent, KeepRecords
from shared.contracts.copies import Copy
from shared.contracts.messages import OutboxMessage
from shared.kernel.meter import NoServiceMeter
from shared.runtime.service import Service
from shared.web import problems
from tests.kit.clock import HandClock
from tests.kit.desk import an_envelope, opened
from tests.kit.runtime import TestRuntime
from tests.unit.routing.samples import a_rule

Json = dict[str, Any]
OPERATOR = "ops:read ops:write"
PARTNER = "hub:read hub:write events:publish"


def a_file(*rules: Json, **more: Any) -> Json:
    """Of a bus; each target that a rule names is a queue, unless `targets` says otherwise."""
    rules = rules or (a_rule(),)
    named = {target: {"queue": True} for rule in rules for target in rule["to"]}
    return {"partner": "coles", "rules": list(rules), "targets": named} | more


class Meter(NoServiceMeter):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str, int]] = []
        self.pages: list[int] = []
        self.matches: list[tuple[str, str, str, int]] = []
        self.others: list[tuple[str, int]] = []

    def came(self, partner: str, outcome: str, count: int) -> None:
        self.events.append((partner, outcome, count))

    def paged(self, events: int) -> None:
        self.pages.append(events)

    def matched(self, bus: str, rule: str, mode: str, count: int) -> None:
        self.matches.append((bus, rule, mode, count))

    def unmatched(self, count: int) -> None:
        self.others.append(("unmatched", count))

    def undecided(self, bus: str, count: int) -> None:
        self.others.append((bus, count))


class Counter:
    """Of one replica."""

    def __init__(self, runtime: TestRuntime, service: Service) -> None:
        self.runtime = runtime
        self.service = service
        self.meter = Meter()
        app = FastAPI()
        problems.install(app)
        assert service.router is not None
        app.include_router(service.router)
        self._transport = httpx.ASGITransport(app)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, folder: Path, clock: HandClock, neighbors: httpx.AsyncBaseTransport | None = None
    ) -> AsyncIterator["Counter"]:
        """`neighbors` are asked what other services are."""
        runtime = TestRuntime(folder, clock)
        runtime.transport = neighbors
        runtime.meter = meter = Meter()
        runtime.standing.made |= {"dockets"}
        counter = cls(runtime, compose(runtime))
        counter.meter = meter
        async with opened(counter.service):
            await counter.partner("coles")
            yield counter

    async def ask(
        self, method: str, path: str, body: Any = None, *, by: str = "", params: Json | None = None, **headers: str
    ) -> httpx.Response:
        """`by`: a partner's till; an operator else."""
        bearer = (
            self.runtime.issuer.bearer(f"{by}-tills", PARTNER) if by else self.runtime.issuer.bearer("ops", OPERATOR)
        )
        async with httpx.AsyncClient(transport=self._transport, base_url="http://test", timeout=60) as client:
            content = {"content": body} if isinstance(body, bytes) else {"json": body} if body is not None else {}
            return await client.request(method, path, params=params, headers={**bearer, **headers}, **content)

    async def partner(self, name: str) -> None:
        answer = await self.ask("PUT", f"/v1/hub/partners/{name}", {"clients": [f"{name}-tills"], "publishes": ["*"]})
        assert answer.status_code == 200, answer.text

    async def put(self, file: Json | bytes, bus: str = "fuel", **more: Any) -> httpx.Response:
        return await self.ask("PUT", f"/v1/hub/buses/{bus}", file, **more)

    async def applied(self, file: Json, bus: str = "fuel", **more: Any) -> Json:
        answer = await self.put(file, bus, **more)
        assert answer.status_code == 200, answer.text
        shown: Json = answer.json()
        return shown

    async def route(self, *events: ArchivedEvent, part: int = 1) -> None:
        page = PageToRoute(page="p-1", part=part, parts=1, keep="forever", events=events)
        await self.service.table[PageToRoute](page, an_envelope(page))

    async def look(self) -> None:
        """What the replica does by itself twice a second."""
        await next(task for task in self.service.tasks if getattr(task, "__name__", "") == "buses")._page()  # type: ignore[attr-defined]

    def copies(self, since: int = 0) -> list[Copy]:
        return [Copy.of(each.headers, each.body) for each in self.sent(since)]

    def sent(self, since: int = 0) -> Sequence[OutboxMessage]:
        return [each for each in self.runtime.recorder.entries[since:] if each.exchange == ""]

    def records(self) -> list[KeepRecords]:
        return [each for each in self.runtime.recorder.said if isinstance(each, KeepRecords)]
