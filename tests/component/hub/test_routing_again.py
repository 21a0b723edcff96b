"""Archived events whose page was lost on its way to the router are routed, each once, in its order."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from shared.contracts.archive import ArchivedEvent, Contents, Records, RoutedCopy, UndecidedEvent
from shared.kernel.errors import Later
from tests.component.hub.counter import Counter
from tests.component.hub.test_ordering import numbers, pages, prepared, published, route
from tests.kit.clock import HandClock
from tests.unit.routing.samples import an_event

ROUTING = "/v1/hub/routing"


class ArchiveInMind:
    """What is archived, and what is on record of it."""

    def __init__(self) -> None:
        self.events: dict[str, ArchivedEvent] = {}
        self.records: dict[str, Records] = {}
        self.away = False

    def answer(self, request: httpx.Request) -> httpx.Response:
        *_, kind, hubid = request.url.path.removesuffix("/contents").split("/")
        if self.away:
            return httpx.Response(503)
        if kind == "records":
            found = self.records.get(hubid, Records(hubid=hubid))
            return httpx.Response(200, content=found.model_dump_json())
        if hubid not in self.events:
            return httpx.Response(404, json={})
        return httpx.Response(200, content=Contents(keep="P30D", event=self.events[hubid]).model_dump_json())


@pytest.fixture
def archive() -> ArchiveInMind:
    return ArchiveInMind()


@pytest.fixture
async def hub(tmp_path: Path, clock: HandClock, archive: ArchiveInMind) -> AsyncIterator[Counter]:
    async with Counter.opened(tmp_path, clock, httpx.MockTransport(archive.answer)) as counter:
        yield counter


def name(number: int) -> str:
    return f"01948f0c-2a00-7000-8000-{number:012x}"


async def routed(hub: Counter, *hubids: str) -> dict[str, str]:
    answer = await hub.ask("POST", ROUTING, {"hubids": list(hubids)})
    assert answer.status_code == 202, answer.text
    return {each["hubid"]: each["status"] for each in answer.json()["events"]}


async def test_what_is_not_on_record_is_sent_to_the_router_and_nothing_else(
    hub: Counter, archive: ArchiveInMind
) -> None:
    lost, known, undecided, unwanted = (name(n) for n in range(4))
    archive.events = {hubid: an_event(hubid) for hubid in (lost, known, undecided, unwanted)}
    copy = RoutedCopy(hubid=known, bus="fuel", revision=1, rules=("all",), target="bi")
    archive.records = {
        known: Records(hubid=known, routed=(copy,)),
        undecided: Records(hubid=undecided, undecided=(UndecidedEvent(hubid=undecided, bus="fuel", revision=1),)),
        unwanted: Records(hubid=unwanted, unwanted=True),
    }
    assert await routed(hub, known, lost, undecided, lost, unwanted, name(9)) == {
        known: "routed",
        lost: "sent",
        undecided: "routed",
        unwanted: "routed",
        name(9): "missing",
    }
    (page,) = pages(hub)
    assert [each.hubid for each in page.events] == [lost]
    assert (page.keep, page.part, page.parts) == ("P30D", 1, 1)


async def test_what_was_lost_keeps_its_place_in_the_order_of_its_key(hub: Counter, archive: ArchiveInMind) -> None:
    """Its number was given for the page that it was accepted by."""
    await prepared(hub)
    first, second = await published(hub, ("a", "a1")), await published(hub, ("a", "a2"))
    with pytest.raises(Later):
        await route(hub, second)
    (lost,) = first.events
    archive.events = {lost.hubid: lost}
    assert await routed(hub, lost.hubid) == {lost.hubid: "sent"}
    again = pages(hub)[-1]
    assert (again.page, again.events) == (first.page, first.events)
    await route(hub, again)
    await route(hub, second)
    assert numbers(hub) == [("a1", 1), ("a2", 2)]


async def test_an_id_that_was_used_again_says_nothing_of_the_event_before(hub: Counter, archive: ArchiveInMind) -> None:
    await prepared(hub)
    await published(hub, ("a", "4711"))
    archive.events = {name(1): an_event(name(1))}
    await routed(hub, name(1))
    assert pages(hub)[-1].page == name(1)


async def test_an_archive_that_is_away_is_told(hub: Counter, archive: ArchiveInMind) -> None:
    archive.away = True
    answer = await hub.ask("POST", ROUTING, {"hubids": [name(1)]})
    assert (answer.status_code, answer.json()["code"]) == (503, "archive_unavailable")
    assert not pages(hub)


@pytest.mark.parametrize("hubids", [[], ["4711"], [name(n) for n in range(51)]])
async def test_what_are_no_names_of_events_is_refused(hub: Counter, hubids: list[str]) -> None:
    answer = await hub.ask("POST", ROUTING, {"hubids": hubids})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"].startswith("/hubids")


async def test_partners_have_nothing_routed(hub: Counter) -> None:
    answer = await hub.ask("POST", ROUTING, {"hubids": [name(1)]}, by="coles")
    assert answer.status_code == 403
