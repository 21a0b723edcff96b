"""A page becomes copies and a record of them, whatever is wrong with some of its events."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from shared.bus.outbox import NotPublished, Unroutable
from shared.contracts.hub import RoutePage
from shared.contracts.messages import OutboxMessage
from shared.kernel.errors import Later
from shared.routing.buses import Buses
from tests.component.hub.counter import Counter, a_file
from tests.unit.routing.samples import a_rule, an_event


async def test_a_page_becomes_copies_and_a_record(hub: Counter) -> None:
    await hub.applied(a_file(a_rule(to=("bi", "till")), a_rule("count", mode="shadow")))
    await hub.route(an_event("h1"), an_event("h2", kind="retail.other.v1"), an_event("h3"))
    assert [(each.hubid, each.target) for each in hub.copies()] == [
        ("h1", "bi"),
        ("h1", "till"),
        ("h3", "bi"),
        ("h3", "till"),
    ]
    assert {each.routing_key for each in hub.sent()} == {"target.fuel.bi", "target.fuel.till"}
    assert all(each.mandatory for each in hub.sent())
    (record,) = hub.records()
    (routed,) = record.routed
    assert (routed.page, routed.part, routed.events) == ("p-1", 1, 3)
    assert [(each.hubid, each.target, each.rules, each.shadow, each.revision) for each in routed.copies] == [
        ("h1", "bi", ("all",), False, 1),
        ("h1", "till", ("all",), False, 1),
        ("h1", "bi", ("count",), True, 1),
        ("h3", "bi", ("all",), False, 1),
        ("h3", "till", ("all",), False, 1),
        ("h3", "bi", ("count",), True, 1),
    ]


async def test_what_matches_nothing_is_on_record_too(hub: Counter) -> None:
    await hub.route(an_event())
    (record,) = hub.records()
    routed = record.routed[0]
    assert (routed.events, routed.copies, routed.unwanted) == (1, (), (an_event().hubid,))


async def test_every_event_of_a_page_is_on_record(hub: Counter) -> None:
    """By a copy, or as one that nobody wanted; also where a bus admits it, and its rules do not."""
    await hub.applied(a_file(a_rule(), a_rule("off", to=("till",), mode="off")))
    await hub.applied(a_file(a_rule("seen", mode="shadow")), "seen")
    await hub.route(an_event("h1"), an_event("h2", kind="retail.other.v1"), an_event("h3"))
    (record,) = hub.records()
    routed = record.routed[0]
    assert {each.hubid for each in routed.copies} == {"h1", "h3"}
    assert routed.unwanted == ("h2",)


async def test_a_page_that_comes_again_makes_the_same_copies(hub: Counter) -> None:
    await hub.applied(a_file())
    await hub.route(an_event())
    await hub.route(an_event())
    first, again = hub.copies()
    assert first == again


async def test_the_copies_are_out_before_they_are_on_record(hub: Counter) -> None:
    await hub.applied(a_file())
    fail_publishing(hub, NotPublished("away"), lambda message: message.exchange == "")
    with pytest.raises(NotPublished):
        await hub.route(an_event())
    assert not hub.records()


async def test_a_template_that_fails_lays_the_copy_among_the_dead(hub: Counter) -> None:
    await hub.applied(a_file(a_rule(template={"$": "/data/none", "required": True})))
    await hub.route(an_event())
    (sent,) = hub.sent()
    assert sent.routing_key == "target.fuel.bi.dead"
    assert sent.headers["milesaga-reason"].startswith("template_failed: ")
    (attempt,) = hub.records()[0].attempts
    assert (attempt.outcome, attempt.fault, attempt.deliveryid) == ("dead", "template_failed", sent.id)


async def test_a_feed_has_a_record_alone(hub: Counter) -> None:
    await hub.applied(a_file(targets={"bi": {"feed": True}}))
    await hub.route(an_event())
    assert not hub.sent()
    assert [each.target for each in hub.records()[0].routed[0].copies] == ["bi"]


async def test_a_service_has_its_copy_in_its_own_queue(hub: Counter) -> None:
    await hub.applied(a_file(targets={"bi": {"service": "dockets"}}))
    await hub.route(an_event())
    assert [each.routing_key for each in hub.sent()] == ["dockets"]


async def test_an_event_that_cannot_be_routed_holds_up_none_of_its_page(
    hub: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.applied(a_file())
    each = Buses.each

    def broken(self: Buses, event: Any) -> Any:
        if event.hubid == "h2":
            raise RuntimeError("a bug")
        return each(self, event)

    monkeypatch.setattr(Buses, "each", broken)
    await hub.route(an_event("h1"), an_event("h2"), an_event("h3"))
    assert [each.hubid for each in hub.copies()] == ["h1", "h3"]
    assert hub.records()[0].routed[0].events == 2
    (again,) = [each for each in hub.runtime.recorder.said if isinstance(each, RoutePage)]
    assert (again.page, [event.hubid for event in again.events]) == ("p-1", ["h2"])
    with pytest.raises(RuntimeError):
        await hub.route(*again.events)


async def test_a_queue_that_somebody_deleted_is_made_again(hub: Counter) -> None:
    await hub.applied(a_file())
    hub.runtime.standing.made.clear()
    fail_publishing(hub, Unroutable("gone"), lambda message: not message.exchange and not hub.runtime.standing.made)
    await hub.route(an_event())
    assert "target.fuel.bi" in hub.runtime.standing.made
    assert len(hub.copies()) == 1


async def test_a_service_without_a_queue_holds_up_none_of_the_page(hub: Counter) -> None:
    await hub.applied(
        a_file(
            a_rule(when={"data": {"total": [1]}}),
            a_rule("b", when={"data": {"total": [2]}}, to=("dockets",)),
            targets={"bi": {"queue": True}, "dockets": {"service": "dockets"}},
        )
    )
    fail_publishing(hub, Unroutable("gone"), lambda message: message.routing_key == "dockets")
    await hub.route(an_event("h1", data={"total": 1}), an_event("h2", data={"total": 2}))
    assert {each.hubid for each in hub.copies()} == {"h1"}
    (again,) = [each for each in hub.runtime.recorder.said if isinstance(each, RoutePage)]
    assert [event.hubid for event in again.events] == ["h2"]
    with pytest.raises(Unroutable):
        await hub.route(*again.events)


async def test_rules_that_have_too_much_work_are_told_of(hub: Counter) -> None:
    wild = [{"wildcard": f"*{a}*b*c*d*"} for a in "xyz"]
    await hub.applied(a_file(a_rule(when={"data": {"a": wild}})))
    await hub.applied(a_file(), "air")
    await hub.route(an_event(data={"a": ["x"] * 400_000}))
    assert [each.bus for each in hub.copies()] == ["air"]
    (routed,) = hub.records()[0].routed
    assert [(each.bus, each.revision) for each in routed.undecided] == [("fuel", 1)]


async def test_much_that_is_said_of_a_page_is_said_in_several_messages(hub: Counter) -> None:
    await hub.applied(a_file(a_rule(to=tuple(f"t{n}" for n in range(50)))))
    await hub.route(*(an_event(f"h{n}") for n in range(50)))
    records = hub.records()
    assert [len(each.routed[0].copies) for each in records] == [1000, 1000, 500]
    assert [each.routed[0].events for each in records] == [50, 0, 0]
    assert len({each.batch for each in records}) == 3


async def test_a_revision_is_not_in_force_while_a_page_goes_by_an_older_one(hub: Counter) -> None:
    await hub.applied(a_file())
    held, go_on = asyncio.Event(), asyncio.Event()
    publish = hub.runtime.recorder.publish

    async def slow(messages: Sequence[OutboxMessage]) -> None:
        if any(message.exchange == "" for message in messages):
            held.set()
            await go_on.wait()
        await publish(messages)

    hub.runtime.recorder.publish = slow  # type: ignore[method-assign]
    routing = asyncio.create_task(hub.route(an_event()))
    await held.wait()
    applying = asyncio.create_task(hub.put(a_file(enabled=False)))
    for _ in range(20):
        await asyncio.sleep(0.01)
        assert not applying.done()
    go_on.set()
    await routing
    assert (await applying).json()["active"] is True


async def test_a_replica_that_cannot_say_that_it_lives_routes_nothing(
    hub: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hub.applied(a_file())
    monkeypatch.setattr("services.hub.cases.in_force.USES", -1.0)
    with pytest.raises(Later):
        await hub.route(an_event())
    assert not hub.copies()


async def test_what_is_routed_is_counted(hub: Counter) -> None:
    wild = [{"wildcard": f"*{a}*b*c*d*"} for a in "xyz"]
    await hub.applied(a_file(a_rule(), a_rule("dark", mode="shadow")))
    await hub.applied(a_file(a_rule(when={"data": {"a": wild}})), "heavy")
    await hub.route(
        an_event("h1"),
        an_event("h2"),
        an_event("h3", kind="retail.other.v1"),
        an_event("h4", data={"a": ["x"] * 400_000}),
    )
    assert hub.meter.matches == [("fuel", "all", "on", 3), ("fuel", "dark", "shadow", 3)]
    assert hub.meter.others == [("heavy", 1), ("unmatched", 1)]


def fail_publishing(hub: Counter, error: Exception, which: Any) -> None:
    publish = hub.runtime.recorder.publish

    async def failing(messages: Sequence[OutboxMessage]) -> None:
        if any(map(which, messages)):
            raise error
        await publish(messages)

    hub.runtime.recorder.publish = failing  # type: ignore[method-assign]
