"""Events by the broker: our own, where a bus looks at them, and those of partners whom the broker has checked."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from shared.bus.arrival import Arrival
from shared.bus.retry import Unreadable
from shared.contracts.archive import KeepPage
from shared.kernel.errors import Later
from shared.rules.limits import DOCUMENT_DEPTH
from tests.component.hub.counter import Counter, a_file
from tests.unit.routing.samples import ISSUED

COMPLETED = "checkout.completed.v1"


def arrived(exchange: str, kind: str, sender: str = "", **attributes: Any) -> Arrival:
    told = {"specversion": "1.0", "id": "m-1", "source": "milesaga/checkout", "type": kind} | attributes
    headers = {f"cloudEvents:{name}": value for name, value in told.items()}
    return Arrival(exchange, kind, headers, sender)


def twice(arrival: Arrival, name: str) -> Arrival:
    """With another value under the other of the two prefixes."""
    return replace(arrival, headers={**arrival.headers, f"cloudEvents_{name}": "another"})


async def take(hub: Counter, arrival: Arrival, data: Any = None) -> None:
    await hub.service.takers[arrival.exchange](arrival, json.dumps(data).encode() if data is not None else b"")
    assert hub.service.outbox is not None
    await hub.service.outbox.drain()


def kept(hub: Counter) -> list[Any]:
    return [event for each in hub.runtime.recorder.said if isinstance(each, KeepPage) for event in each.events]


async def a_partner(hub: Counter, **terms: Any) -> None:
    body = {"clients": ["coles-tills"], "publishes": ["retail.*"], "broker_user": "coles", "strict_types": False}
    answer = await hub.ask("PUT", "/v1/hub/partners/coles", body | terms)
    assert answer.status_code == 200, answer.text


def patterns(hub: Counter, exchange: str) -> set[str]:
    return {pattern for queue, bound, pattern in hub.runtime.standing.bound if (queue, bound) == ("hub", exchange)}


class TestOurOwn:
    async def test_they_come_only_while_some_bus_looks_at_them(self, hub: Counter) -> None:
        await hub.applied(a_file())
        assert patterns(hub, "events") == set()
        await hub.applied(a_file(publishers=["milesaga"], admits={"type": [COMPLETED]}))
        assert patterns(hub, "events") == {COMPLETED}
        await hub.applied(a_file(publishers=["*"]), "air")
        assert patterns(hub, "events") == {"#"}
        await hub.applied(a_file(publishers=["*"], enabled=False), "air")
        assert patterns(hub, "events") == {COMPLETED}
        assert (await hub.ask("DELETE", "/v1/hub/buses/fuel")).status_code == 204
        assert patterns(hub, "events") == set()

    async def test_what_is_no_type_of_a_message_is_not_listened_for(self, hub: Counter) -> None:
        """A broker has no key of 256 bytes, and takes a lone # for everything: of one such bus no other would be in
        force any more."""
        named = [COMPLETED, "x" * 256, "checkout." + "x" * 250 + ".v1", "#", "checkout.*.v1", "", "checkout.\u20ac.v1"]
        applied = await hub.applied(a_file(publishers=["milesaga"], admits={"type": named}))
        assert (applied["active"], patterns(hub, "events")) == (True, {COMPLETED})

    async def test_a_revision_is_not_in_force_before_they_come(self, hub: Counter) -> None:
        bind = hub.runtime.standing.bind
        tries = 0

        async def slow(queue: str, exchange: str, pattern: str) -> None:
            nonlocal tries
            tries += 1
            hub.runtime.standing.away = tries < 3
            await bind(queue, exchange, pattern)

        hub.runtime.standing.bind = slow  # type: ignore[method-assign]
        assert (await hub.applied(a_file(publishers=["milesaga"])))["active"] is True
        assert tries == 3

    async def test_what_a_bus_admits_is_accepted_as_milesagas(self, hub: Counter) -> None:
        await hub.applied(a_file(publishers=["milesaga"], admits={"type": [COMPLETED]}))
        await take(hub, arrived("events", COMPLETED, correlationid="p-1"), {"checkout_id": "c"})
        await take(hub, arrived("events", "checkout.refused.v1", id="m-2"), {"checkout_id": "c"})
        (event,) = kept(hub)
        assert (event.partner, event.via, event.event["correlationid"]) == ("milesaga", "amqp", "p-1")
        assert event.event["data"] == {"checkout_id": "c"}

    async def test_what_is_personal_in_them_is_taken_out_and_they_are_kept_as_their_type_says(
        self, hub: Counter
    ) -> None:
        kind = {"schema": {}, "personal": ["/data/member_id"], "redact": "drop", "keep": "P30D"}
        assert (await hub.ask("PUT", f"/v1/hub/types/{COMPLETED}", kind)).status_code == 200
        await hub.applied(a_file(publishers=["milesaga"]))
        await take(hub, arrived("events", COMPLETED), {"checkout_id": "c", "member_id": "ana"})
        (event,) = kept(hub)
        assert event.event["data"] == {"checkout_id": "c"}
        assert {each.keep for each in hub.runtime.recorder.said if isinstance(each, KeepPage)} == {"P30D"}

    async def test_the_same_event_twice_is_accepted_once(self, hub: Counter) -> None:
        await hub.applied(a_file(publishers=["milesaga"]))
        for _ in range(2):
            await take(hub, arrived("events", COMPLETED), {"checkout_id": "c"})
        assert len(kept(hub)) == 1


class TestPartners:
    @pytest.mark.parametrize(
        ("publishes", "bound"),
        [
            (["retail.receipt.*"], {"retail.receipt.#"}),
            (["retail.receipt.issued.v1", "air.*"], {"retail.receipt.issued.v1", "air.#"}),
            (["retail*"], {"#"}),
            (["*"], {"#"}),
        ],
    )
    async def test_what_they_may_publish_comes(self, hub: Counter, publishes: list[str], bound: set[str]) -> None:
        await a_partner(hub, publishes=publishes, broker_user=None)
        assert patterns(hub, "public") == set()
        await a_partner(hub, publishes=publishes)
        assert patterns(hub, "public") == bound

    async def test_an_event_of_a_checked_user_is_the_partners(self, hub: Counter) -> None:
        await a_partner(hub)
        await take(hub, arrived("public", ISSUED, "coles", subject="s"), {"total": 1})
        (event,) = kept(hub)
        assert (event.partner, event.via, event.event["subject"]) == ("coles", "amqp", "s")

    async def test_attributes_have_the_types_that_cloudevents_knows(self, hub: Counter) -> None:
        await a_partner(hub)
        at = datetime(2027, 1, 20, 10, tzinfo=UTC)
        await take(
            hub, arrived("public", ISSUED, "coles", tillno=7, paid=True, note="\u20ac".encode(), time=at, none=None), 1
        )
        (event,) = kept(hub)
        told = {name: event.event.get(name) for name in ("tillno", "paid", "note", "time", "none")}
        assert told == {"tillno": 7, "paid": True, "note": "\u20ac", "time": "2027-01-20T10:00:00+00:00", "none": None}

    @pytest.mark.parametrize("value", [{"a": 1}, [1], 1.5, 2**60, Decimal(1), b"\xff"])
    async def test_what_is_no_attribute_is_refused_and_not_written_as_a_text(self, hub: Counter, value: object) -> None:
        await a_partner(hub)
        with pytest.raises(Unreadable, match="/till"):
            await take(hub, arrived("public", ISSUED, "coles", till=value), {"total": 1})
        with pytest.raises(Unreadable, match="/id"):
            await take(hub, arrived("public", ISSUED, "coles", id=value), {"total": 1})
        assert kept(hub) == []

    @pytest.mark.parametrize("sender", ["", "qf", "coles-tills"])
    async def test_whoever_the_broker_has_not_checked_is_nobody(self, hub: Counter, sender: str) -> None:
        await a_partner(hub)
        with pytest.raises(Unreadable, match="unidentified"):
            await take(hub, arrived("public", ISSUED, sender, partner="coles"), {"total": 1})
        assert not kept(hub)

    @pytest.mark.parametrize("kind", ["checkout.start.v1", "checkout.start.v9", "payment.capture_card.v1"])
    async def test_messages_of_our_own_are_passed_over(self, hub: Counter, kind: str) -> None:
        await a_partner(hub, publishes=["*"])
        await take(hub, arrived("public", kind, "coles"), {"contact": {"email": "ana@example.com"}})
        assert not kept(hub)

    @pytest.mark.parametrize(
        ("arrival", "body", "reason"),
        [
            (arrived("public", "air.x.v1", "coles"), b"{}", "type_not_allowed"),
            (arrived("public", ISSUED, "coles"), b"{", "malformed_json"),
            (arrived("public", ISSUED, "coles"), b'{"a":1,"a":2}', "malformed_json"),
            (arrived("public", ISSUED, "coles", id=""), b"{}", "id"),
            (arrived("public", ISSUED, "coles", data="x"), b"{}", "data"),
            (arrived("public", ISSUED, "coles", type="retail.other.v1"), b"{}", "routing key"),
            (arrived("public", ISSUED, "coles", specversion="2.0"), b"{}", "invalid_request"),
            (twice(arrived("public", ISSUED, "coles"), "id"), b"{}", "'id' stands twice"),
            (arrived("public", ISSUED, "coles"), b"[" * DOCUMENT_DEPTH + b"]" * DOCUMENT_DEPTH, "inside each other"),
        ],
    )
    async def test_what_is_wrong_is_a_dead_letter_that_says_so(
        self, hub: Counter, arrival: Arrival, body: bytes, reason: str
    ) -> None:
        await a_partner(hub)
        with pytest.raises(Unreadable, match=reason):
            await hub.service.takers["public"](arrival, body)
        assert not kept(hub)

    async def test_an_id_that_is_another_events_is_refused_and_the_same_again_is_a_duplicate(
        self, hub: Counter
    ) -> None:
        await a_partner(hub)
        for _ in range(2):
            await take(hub, arrived("public", ISSUED, "coles"), {"total": 1})
        with pytest.raises(Unreadable, match="event_id_reused"):
            await take(hub, arrived("public", ISSUED, "coles"), {"total": 2})
        assert len(kept(hub)) == 1

    async def test_too_many_wait(self, hub: Counter) -> None:
        await a_partner(hub, rate={"events_per_second": 1, "burst": 500})
        taken = [
            hub.service.takers["public"](arrived("public", ISSUED, "coles", id=f"e{n}"), b"{}") for n in range(501)
        ]
        outcomes = await asyncio.gather(*taken, return_exceptions=True)
        assert [type(each) for each in outcomes if each is not None] == [Later]

    async def test_a_user_is_one_partners(self, hub: Counter) -> None:
        await a_partner(hub)
        answer = await hub.ask(
            "PUT", "/v1/hub/partners/qf", {"clients": ["qf"], "publishes": ["*"], "broker_user": "coles"}
        )
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/broker_user")
