"""What delivery is told of buses and of partners, in whatever order; what it asks for; whom it lets in by it."""

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.delivery.app import compose
from services.delivery.cases import catching_up
from services.delivery.cases.known import BUSES
from services.delivery.http import routes
from shared.bus.outbox import NotPublished
from shared.contracts.buses import TargetTerms
from shared.contracts.delivery import ConfigureClients, ConfigureTargets
from shared.contracts.hub import TellTargets
from shared.contracts.messages import Message, OutboxMessage
from shared.store.documents import Document
from shared.web import problems
from shared.web.pages import decode_cursor
from tests.kit.desk import an_envelope, opened
from tests.kit.runtime import TestRuntime

BOOKS = {"books": TargetTerms(queue=True)}


class Desk:
    """One process of delivery: it is told by the bus, and asked by HTTP."""

    def __init__(self, runtime: TestRuntime) -> None:
        self.runtime = runtime
        self.service = compose(runtime)
        app = FastAPI()
        problems.install(app)
        assert self.service.router is not None
        app.include_router(self.service.router)
        self._transport = httpx.ASGITransport(app)

    async def told(self, *messages: Message) -> None:
        for message in messages:
            await self.service.table[type(message)](message, an_envelope(message))

    async def look(self) -> None:
        """Its look whether it is time to ask."""
        await next(each for each in self.service.tasks if getattr(each, "__name__", "") == "buses")._page()  # type: ignore[attr-defined]

    @property
    def asked(self) -> list[TellTargets]:
        return [each for each in self.runtime.recorder.said if isinstance(each, TellTargets)]

    async def get(self, path: str, by: str, scope: str = "hub:read") -> httpx.Response:
        headers = self.runtime.issuer.bearer(by, scope)
        async with httpx.AsyncClient(transport=self._transport, base_url="http://test") as client:
            return await client.get(f"/v1/hub/targets{path}", headers=headers)

    async def seen(self, by: str) -> int:
        return (await self.get("/fuel/books", by)).status_code


@pytest.fixture
async def desk(runtime: TestRuntime) -> AsyncIterator[Desk]:
    desk = Desk(runtime)
    async with opened(desk.service):
        yield desk


def bus(name: str = "fuel", revision: int = 1, partner: str = "coles", **targets: Any) -> ConfigureTargets:
    return ConfigureTargets(bus=name, revision=revision, partner=partner, targets=targets or BOOKS)


def clients(position: int, *clients: str, partner: str = "coles") -> ConfigureClients:
    return ConfigureClients(partner=partner, position=position, clients=clients)


async def test_a_partners_clients_see_its_targets_and_nobody_else_does(desk: Desk) -> None:
    await desk.told(bus(), clients(1, "till", "books"), clients(1, "other", partner="aldi"))
    assert [await desk.seen(by) for by in ("till", "books", "other", "nobody")] == [200, 200, 404, 404]


async def test_who_is_withdrawn_is_shut_out_and_an_older_word_lets_nobody_in_again(desk: Desk) -> None:
    await desk.told(bus(), bus("food"), clients(7, "till", "gone"), clients(9, "till"))
    for older in (clients(7, "till", "gone"), clients(9, "gone")):
        await desk.told(older)
        assert [await desk.seen(by) for by in ("till", "gone")] == [200, 404]
    assert (await desk.get("/food/books", "gone")).status_code == 404
    await desk.told(clients(10))
    assert await desk.seen("till") == 404


async def test_a_partner_that_is_made_again_has_the_clients_that_it_has_now(desk: Desk) -> None:
    await desk.told(bus(), clients(7, "former"), clients(8), clients(9, "new"), clients(8))
    assert [await desk.seen(by) for by in ("former", "new")] == [404, 200]


async def test_before_clients_are_told_nobody_is_let_in_and_nobody_is_told_that_it_is_not_his(desk: Desk) -> None:
    await desk.told(bus())
    for path in ("/fuel/books", "?bus=fuel", ""):
        early = await desk.get(path, "till")
        assert (early.status_code, early.json()["code"]) == (503, "unavailable")
    assert (await desk.get("/fuel/books", "ops", "ops:read")).status_code == 200
    await desk.told(clients(1, "till"))
    assert await desk.seen("till") == 200


async def test_a_list_shows_the_callers_buses_of_several_partners(desk: Desk) -> None:
    gone = ConfigureTargets(bus="gone", revision=9, partner="", targets={})
    await desk.told(bus(), bus("food"), bus("other", partner="aldi"), gone)
    await desk.told(clients(1, "till"), clients(1, "theirs", partner="aldi"))
    listed = (await desk.get("", "till")).json()["targets"]
    assert sorted(each["bus"] for each in listed) == ["food", "fuel"]


async def test_a_page_of_it_is_full_and_its_cursor_names_nobody_elses(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "LISTED", 2)
    owners = {"a": "coles", "b": "aldi", "c": "aldi", "d": "coles", "e": "aldi", "f": "coles", "g": "aldi"}
    await desk.told(*(bus(name, partner=partner) for name, partner in owners.items()))
    await desk.told(clients(1, "till"), clients(1, "theirs", partner="aldi"))
    first = (await desk.get("", "till")).json()
    assert [each["bus"] for each in first["targets"]] == ["a", "d"]
    assert decode_cursor(first["next_cursor"], (str, str)) == ("d:1", "d")
    last = (await desk.get(f"?cursor={first['next_cursor']}", "till")).json()
    assert ([each["bus"] for each in last["targets"]], last["next_cursor"]) == (["f"], None)


async def test_it_says_what_it_knows_when_it_begins_and_again_ever_more_seldom(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(catching_up, "running_seconds", lambda: now)
    await desk.told(bus(revision=3), bus("food", revision=2), clients(7, "till"))
    asked_at = []
    for minute in range(200):
        now = 1000.0 + 60 * minute
        before = len(desk.asked)
        await desk.look()
        asked_at += [minute] * (len(desk.asked) - before)
    assert asked_at == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert desk.asked[0] == TellTargets(buses={"fuel": 3, "food": 2}, partners={"coles": 7})


async def test_a_question_that_the_broker_did_not_take_is_asked_at_the_next_look(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(_: Sequence[OutboxMessage]) -> None:
        raise NotPublished

    with monkeypatch.context() as broken:
        broken.setattr(desk.runtime.recorder, "publish", away)
        await desk.look()
    assert desk.asked == []
    await desk.look()
    assert desk.asked == [TellTargets(buses={}, partners={})]


async def test_what_an_earlier_release_kept_and_said_is_read(desk: Desk) -> None:
    """A bus as it was stored and a command as it was sent before clients were told: the one is asked for, and the other
    lets nobody in and shuts nobody out."""
    kept = {"id": "old", "revision": 4, "partner": "coles", "owned_since": 2, "targets": {}, "mark": "old:4"}
    store = desk.runtime.store("delivery")
    buses = store.collection(BUSES)
    await store.open()
    await buses.save(Document("old", kept))
    await store.close()
    sent = b'{"bus": "fuel", "revision": 1, "partner": "coles", "targets": {"books": {"queue": true}}}'
    await desk.told(ConfigureTargets.model_validate_json(sent))
    assert await desk.seen("till") == 503
    await desk.look()
    assert desk.asked == [TellTargets(buses={"fuel": 1, "old": 4}, partners={})]


async def test_it_asks_no_service(desk: Desk, tmp_path: Path) -> None:
    await desk.told(bus(), clients(1, "till"))
    await desk.look()
    assert await desk.seen("till") == 200
    assert [str(each.base_url) for each in desk.runtime.clients] == []
