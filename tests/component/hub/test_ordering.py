"""Events of one key through one or two replicas of the hub: numbered when they are accepted, routed in their turn."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from services.hub.cases import numbering, ordering
from services.hub.domain.pages import PageToRoute
from shared.accepting.books import Pages
from shared.bus.outbox import NotPublished, Unroutable
from shared.contracts.archive import ArchivedEvent
from shared.contracts.hub import RoutePage
from shared.kernel.errors import Later
from shared.routing.buses import Buses
from shared.store.documents import CollectionSpec, Unavailable
from tests.component.hub.counter import Counter, a_file
from tests.component.hub.test_routing import fail_publishing
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.kit.desk import an_envelope
from tests.unit.routing.samples import ISSUED, a_rule

HOOK = {"webhook": "https://bi.example/hook", "order": "by-key"}


@pytest.fixture(autouse=True)
def nobody_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering, "PATIENCE", 0.05)


async def prepared(hub: Counter, **targets: Any) -> None:
    answer = await hub.ask("PUT", f"/v1/hub/types/{ISSUED}", {"schema": {}, "ordered_by": "subject"})
    assert answer.status_code == 200, answer.text
    await hub.applied(a_file(targets={"bi": HOOK, **targets}))


async def published(hub: Counter, *told: tuple[str, str]) -> RoutePage:
    """The page that events became, of these keys and ids."""
    seen = len(pages(hub))
    events = [
        {"specversion": "1.0", "id": id_, "source": "/s", "type": ISSUED, "subject": key, "data": {}}
        for key, id_ in told
    ]
    kind: Any = {"Content-Type": "application/cloudevents-batch+json"}
    answer = await hub.ask("POST", "/v1/events", events, by="coles", **kind)
    assert answer.status_code == 202, answer.text
    await eventually(lambda: len(pages(hub)) > seen)
    return pages(hub)[seen]


def pages(hub: Counter) -> list[RoutePage]:
    return [each for each in hub.runtime.recorder.said if isinstance(each, RoutePage)]


async def route(hub: Counter, page: RoutePage, *events: ArchivedEvent) -> None:
    page = page.model_copy(update={"events": events}) if events else page
    await hub.service.table[PageToRoute](page, an_envelope(page))


def numbers(hub: Counter) -> list[tuple[str, int]]:
    """What went out: events' ids, with the numbers of their copies."""
    return [(each.attributes["id"], each.laneseq) for each in hub.copies()]


async def test_a_batch_is_numbered_in_its_own_order_key_by_key(hub: Counter) -> None:
    await prepared(hub)
    page = await published(hub, ("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a1"))
    places = [(each.event["id"], each.position.number) for each in page.events if each.position is not None]
    assert places == [("a1", 1), ("b1", 1), ("a2", 2)]
    await route(hub, page)
    assert sorted(numbers(hub)) == [("a1", 1), ("a2", 2), ("b1", 1)]
    assert len({copy.lane for copy in hub.copies()}) == 2


async def test_an_event_waits_for_the_one_before_it(hub: Counter) -> None:
    await prepared(hub)
    first, second = await published(hub, ("a", "a1")), await published(hub, ("a", "a2"))
    with pytest.raises(Later):
        await route(hub, second)
    assert not hub.copies()
    await route(hub, first)
    await route(hub, second)
    assert numbers(hub) == [("a1", 1), ("a2", 2)]


async def test_what_waits_comes_again_together_and_holds_up_no_other_key(hub: Counter) -> None:
    await prepared(hub)
    await published(hub, ("a", "a1"))
    second = await published(hub, ("a", "a2"), ("b", "b1"), ("a", "a3"))
    seen = len(pages(hub))
    await route(hub, second)
    assert numbers(hub) == [("b1", 1)]
    (again,) = pages(hub)[seen:]
    assert ([each.event["id"] for each in again.events], again.page) == (["a2", "a3"], second.page)


async def test_a_page_that_comes_again_makes_no_copy_twice_under_another_revision_too(hub: Counter) -> None:
    await prepared(hub)
    page = await published(hub, ("a", "a1"), ("a", "a2"))
    await route(hub, page)
    await hub.applied(a_file(targets={"bi": HOOK | {"rate": 5}}))
    await hub.look()
    await route(hub, page)
    assert numbers(hub) == [("a1", 1), ("a2", 2)]
    assert sum(record.routed[0].events for record in hub.records()) == 4, "the record is said again"


async def test_two_replicas_number_one_key_without_a_gap(hub: Counter, replica: Counter) -> None:
    await prepared(hub)
    await replica.look()

    async def told(by: Counter, start: int) -> list[RoutePage]:
        return [await published(by, ("a", f"{start + n}")) for n in range(10)]

    both = await asyncio.gather(told(hub, 0), told(replica, 100))
    given = {page.events[0].position.number: page for each in both for page in each if page.events[0].position}
    assert sorted(given) == list(range(1, 21))
    for number in sorted(given):
        await route(hub if number % 2 else replica, given[number])
    sent = sorted(each.laneseq for by in (hub, replica) for each in by.copies())
    assert sent == list(range(1, 21))


async def test_numbers_of_a_page_that_was_never_saved_are_passed_over(
    hub: Counter, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(hub)
    await lost(hub, monkeypatch, "a1")
    second = await published(hub, ("a", "a2"))
    assert second.events[0].position is not None
    assert second.events[0].position.number == 2
    with pytest.raises(Later):
        await route(hub, second)
    clock.pass_by(seconds=29)
    with pytest.raises(Later):
        await route(hub, second)
    clock.pass_by(seconds=2)
    await route(hub, second)
    assert numbers(hub) == [("a2", 1)]
    clock.pass_by(seconds=31)
    again = await published(hub, ("a", "a1"))
    await route(hub, again)
    assert numbers(hub) == [("a2", 1), ("a1", 2)]


async def lost(hub: Counter, monkeypatch: pytest.MonkeyPatch, id_: str) -> None:
    """The store goes away when the page of an event is saved, that is numbered already."""
    with monkeypatch.context() as patch:

        def gone(*_: object) -> Any:
            raise Unavailable("gone")

        patch.setattr(Pages, "document", gone)
        with pytest.raises(AssertionError, match="503"):
            await published(hub, ("a", id_))


async def test_an_event_that_nobody_can_route_is_passed_over_after_an_hour_and_comes_late(
    hub: Counter, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(hub)
    first, second = await published(hub, ("a", "a1")), await published(hub, ("a", "a2"))
    with monkeypatch.context() as patch:
        patch.setattr(Buses, "each", _cannot)
        with pytest.raises(RuntimeError):
            await route(hub, first)
    with pytest.raises(Later):
        await route(hub, second)
    clock.pass_by(hours=1)
    await hub.look()
    await route(hub, second)
    await route(hub, first)
    await route(hub, first)
    assert numbers(hub) == [("a2", 1), ("a1", 2)]


def _cannot(*_: object) -> Any:
    raise RuntimeError("a bug")


async def test_what_has_no_order_goes_once_and_an_ordered_copy_waits_in_the_store(
    hub: Counter, clock: HandClock
) -> None:
    await prepared(hub, books={"queue": True})
    answer = await hub.put(a_file(a_rule(to=("bi", "books")), targets={"bi": HOOK, "books": {"queue": True}}))
    assert answer.status_code == 200, answer.text
    page = await published(hub, ("a", "a1"))
    publish = hub.runtime.recorder.publish
    fail_publishing(hub, NotPublished("away"), lambda message: message.routing_key == "target.fuel.bi")
    await route(hub, page)
    assert [each.target for each in hub.copies()] == ["books"]
    hub.runtime.recorder.publish = publish  # type: ignore[method-assign]
    clock.pass_by(minutes=1)
    assert hub.service.outbox is not None
    assert await hub.service.outbox.relay()
    assert {(each.target, each.laneseq) for each in hub.copies()} == {("books", 0), ("bi", 1)}


async def test_the_queue_of_an_ordered_target_that_somebody_deleted_is_made_again(hub: Counter) -> None:
    await prepared(hub)
    page = await published(hub, ("a", "a1"))
    hub.runtime.standing.made.clear()
    fail_publishing(hub, Unroutable("gone"), lambda message: message.routing_key == "target.fuel.bi")
    await route(hub, page)
    assert "target.fuel.bi" in hub.runtime.standing.made


async def test_a_key_of_which_much_waits_is_known_by_few_pages(hub: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "MOST_SPANS", 3)
    await prepared(hub)
    told = [await published(hub, ("a", f"a{number}")) for number in range(8)]
    assert hub.service.store is not None
    found = await hub.service.store.collection(CollectionSpec("lanes")).get("coles:a")
    assert found is not None
    assert len(found.body["spans"]) <= 4
    for page in told:
        await route(hub, page)
    assert numbers(hub) == [(f"a{number}", number + 1) for number in range(8)]


@pytest.mark.parametrize(
    ("ordered_by", "event", "lane"),
    [
        ("subject", {"subject": "é/1"}, "coles:é/1"),
        ("partitionkey", {"partitionkey": "7"}, "coles:7"),
        ("/data/member/id", {"data": {"member": {"id": 4711}}}, "coles:4711"),
        ("/data/member/id", {"data": {"member": {"id": True}}}, None),
        ("/data/member/id", {"data": {"member": {"id": 1.5}}}, None),
        ("/data/member/id", {"data": {"member": []}}, None),
        ("/data/member/id", {"data_base64": "e30="}, None),
        ("/data/a~1b", {"data": {"a/b": "x" * 201}}, None),
        ("/data/a~1b", {"data": {"a/b": ""}}, None),
        ("/data/a~1b", {"data": {"a/b": "\0"}}, None),
    ],
)
async def test_a_key_is_text_or_an_integer(hub: Counter, ordered_by: str, event: Any, lane: str | None) -> None:
    put = await hub.ask("PUT", f"/v1/hub/types/{ISSUED}", {"schema": {}, "ordered_by": ordered_by})
    assert (put.status_code, put.json()["ordered_by"]) == (200, ordered_by)
    told = {"specversion": "1.0", "id": "1", "source": "/s", "type": ISSUED, **event}
    kind: Any = {"Content-Type": "application/cloudevents+json"}
    answer = await hub.ask("POST", "/v1/events", told, by="coles", **kind)
    if lane is None:
        pointer = ordered_by if ordered_by.startswith("/") else f"/{ordered_by}"
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)
    else:
        assert answer.status_code == 202, answer.text
        await eventually(lambda: pages(hub))
        position = pages(hub)[0].events[0].position
        assert position is not None
        assert position.lane == lane


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"ordered_by": "type"}, "/ordered_by"),
        ({"ordered_by": "/data"}, "/ordered_by"),
        ({"ordered_by": 7}, "/ordered_by"),
        ({"ordered_by": "/data/id", "personal": ["/data/id"], "redact": "drop"}, "/ordered_by"),
        ({"ordered_by": "subject", "personal": ["/subject"], "redact": "drop"}, "/ordered_by"),
    ],
)
async def test_a_type_is_ordered_by_something_that_is_kept(hub: Counter, body: Any, pointer: str) -> None:
    answer = await hub.ask("PUT", f"/v1/hub/types/{ISSUED}", {"schema": {}, **body})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_key_whose_lane_came_out_of_a_backup_counts_anew(
    hub: Counter, tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepared(hub)
    before = [await published(hub, ("a", f"a{number}")) for number in range(2)]
    await route(hub, before[0])
    clock.pass_by(seconds=1)
    monkeypatch.setenv("AFTER_RESTORE", "on")
    async with Counter.opened(tmp_path, clock) as restored:
        await restored.look()
        await route(restored, before[1])
        assert numbers(restored) == [("a1", 0)], "it has no place in an order that may have been lost"
        told = [await published(restored, ("a", f"b{number}")) for number in range(2)]
        for page in told:
            await route(restored, page)
        assert numbers(restored)[1:] == [("b0", 1), ("b1", 2)]
    assert restored.copies()[1].lane != hub.copies()[0].lane
