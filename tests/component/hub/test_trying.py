"""Before an event is sent, and after: which rules would match, why, and what became of it."""

import json
from typing import Any

import pytest

from services.archive.domain.lines import line_of
from services.archive.domain.pages import PageToKeep
from services.hub.adapters.archive_http import ArchiveOverHttp
from shared.contracts.archive import Attempt, KeepPage, Records, RoutedCopy, UndecidedEvent
from shared.contracts.hub import RoutePage
from tests.component.hub.counter import Counter, a_file
from tests.unit.routing.samples import AT, ISSUED, a_rule

EVENT = {"specversion": "1.0", "id": "4711", "source": "/coles/tills/7", "type": ISSUED, "data": {"total": 3000}}
STRUCTURED: Any = {"Content-Type": "application/cloudevents+json"}
BATCH: Any = {"Content-Type": "application/cloudevents-batch+json"}


async def a_type(hub: Counter, name: str = ISSUED, **terms: Any) -> None:
    answer = await hub.ask("PUT", f"/v1/hub/types/{name}", {"schema": {}} | terms)
    assert answer.status_code == 200, answer.text


async def sent(hub: Counter, *events: Any) -> list[Any]:
    answer = await hub.ask("POST", "/v1/events", json.dumps(events).encode(), by="coles", **BATCH)
    assert answer.status_code == 202, answer.text
    assert hub.service.outbox is not None
    await hub.service.outbox.drain()
    results: list[Any] = answer.json()["results"]
    return results


class TestChecking:
    async def test_it_tells_the_rules_that_would_match_and_keeps_nothing(self, hub: Counter) -> None:
        await a_type(hub)
        await hub.applied(a_file(a_rule(share=1), a_rule("dark", mode="shadow"), a_rule("off", mode="off")))
        answer = await hub.ask("POST", "/v1/events/check", json.dumps(EVENT).encode(), by="coles", **STRUCTURED)
        (result,) = answer.json()["results"]
        assert result["status"] == "acceptable"
        assert [
            (each["bus"], each["revision"], each["rule"], each["mode"], each["share"]) for each in result["rules"]
        ] == [
            ("fuel", 1, "all", "on", 1),
            ("fuel", 1, "dark", "shadow", 100),
        ]
        assert not hub.copies()

    async def test_a_partner_is_told_of_its_own_buses_alone(self, hub: Counter) -> None:
        await a_type(hub)
        await hub.partner("qf")
        await hub.applied(a_file(partner="qf", publishers=["coles"]), "theirs")
        answer = await hub.ask("POST", "/v1/events/check", json.dumps(EVENT).encode(), by="coles", **STRUCTURED)
        assert answer.json()["results"][0]["rules"] == []

    async def test_what_is_refused_matches_nothing(self, hub: Counter) -> None:
        answer = await hub.ask("POST", "/v1/events/check", json.dumps(EVENT).encode(), by="coles", **STRUCTURED)
        (result,) = answer.json()["results"]
        assert (result["status"], result["code"], result["rules"]) == ("refused", "unknown_type", [])


class TestMatching:
    async def test_it_explains_the_first_clause_that_fails(self, hub: Counter) -> None:
        pattern = {"type": [ISSUED], "data": {"total": [{"numeric": [">=", 4000]}]}}
        answer = await hub.ask("POST", "/v1/hub/match", {"pattern": pattern, "event": EVENT}, by="coles")
        assert answer.status_code == 200, answer.text
        shown = answer.json()
        assert (shown["matches"], shown["failed_at"], shown["at"]) == (False, "/data/total", "/data/total")
        assert (shown["test"], shown["found"]) == ([{"numeric": [">=", 4000]}], "a number")
        assert "3000" in shown["reason"]
        matches = await hub.ask(
            "POST", "/v1/hub/match", {"pattern": {"partner": ["coles"]}, "event": EVENT}, by="coles"
        )
        assert (matches.json()["matches"], matches.json()["failed_at"]) == (True, None)

    async def test_no_value_of_a_personal_field_is_told(self, hub: Counter) -> None:
        await a_type(hub, personal=["/data/email"], redact="drop")
        event = EVENT | {"data": {"email": "ana@example.com"}}
        answer = await hub.ask("POST", "/v1/hub/match", {"pattern": {"data": {"email": ["x"]}}, "event": event})
        assert answer.json()["found"] == "a string"
        assert "ana" not in answer.text

    async def test_a_partner_is_not_told_what_is_personal_in_a_type_that_it_may_not_see(self, hub: Counter) -> None:
        """Nor whether there is such a type: what it has sent itself is all that is shown of it."""
        answer = await hub.ask("PUT", "/v1/hub/partners/qf", {"clients": ["qf-tills"], "publishes": ["air.*"]})
        assert answer.status_code == 200
        await a_type(hub, personal=["/data/email"], redact="drop")
        pattern, data = {"data": {"email": ["x"]}}, {"email": "mine@example.com"}
        asked = {"pattern": pattern, "event": EVENT | {"data": data}}
        nowhere = {"pattern": pattern, "event": EVENT | {"data": data, "type": "no.such.v1"}}
        shown, none = [await hub.ask("POST", "/v1/hub/match", each, by="qf") for each in (asked, nowhere)]
        assert shown.json() == none.json()
        assert "mine@example.com" in shown.text
        await hub.applied(a_file(partner="qf", publishers=["coles"]), "theirs")
        brought = await hub.ask("POST", "/v1/hub/match", asked, by="qf")
        assert "mine@example.com" not in brought.text, "its bus may bring it such events: it may see the type"

    @pytest.mark.parametrize(
        ("pattern", "pointer"),
        [({"type": [{"like": 1}]}, "/pattern/type/0/like"), ({}, "/pattern"), ({"$xor": []}, "/pattern/$xor")],
    )
    async def test_a_pattern_that_is_none_is_refused_by_pointer(self, hub: Counter, pattern: Any, pointer: str) -> None:
        answer = await hub.ask("POST", "/v1/hub/match", {"pattern": pattern, "event": EVENT})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


class TestKeeping:
    async def test_a_page_is_said_by_classes_of_keeping(self, hub: Counter) -> None:
        await a_type(hub)
        await a_type(hub, "retail.short.v1", keep="P30D")
        await sent(hub, EVENT, EVENT | {"id": "2", "type": "retail.short.v1"}, EVENT | {"id": "3"})
        for contract in (KeepPage, RoutePage):
            parts = [each for each in hub.runtime.recorder.said if type(each) is contract]
            assert [(each.part, each.parts, each.keep) for each in parts] == [(1, 2, "forever"), (2, 2, "P30D")]
            assert [[event.event["id"] for event in each.events] for each in parts] == [["4711", "3"], ["2"]]

    async def test_each_event_stands_on_a_line_of_its_pages_as_the_archive_keeps_it(self, hub: Counter) -> None:
        await a_type(hub)
        await sent(hub, EVENT, EVENT | {"id": "2", "subject": None, "data": {"text": "Ol\u00e1\n"}})
        bodies = [each.body for each in hub.runtime.recorder.entries if each.routing_key == KeepPage.type]
        pages = [PageToKeep.read(body) for body in bodies]
        assert [line for page in pages for line in page.lines] == [
            line_of(event) for body in bodies for event in KeepPage.read(body).events
        ]
        assert [len(body.splitlines()) for body in bodies] == [len(page.lines) + 2 for page in pages]

    async def test_what_is_personal_reaches_no_message(self, hub: Counter) -> None:
        await a_type(hub, personal=["/data/email"], redact="drop")
        await hub.applied(a_file())
        await sent(hub, EVENT | {"data": {"email": "ana@example.com", "total": 1}})
        assert hub.runtime.recorder.entries
        assert not [each for each in hub.runtime.recorder.entries if b"ana@" in each.body]

    @pytest.mark.parametrize(
        ("terms", "code", "pointer"),
        [
            ({"personal": ["/data/email"]}, "not_available", "/personal"),
            ({"personal": ["/data/email"], "redact": "hash"}, "not_available", "/redact"),
            ({"personal": ["/data/lines/0/who"], "redact": "drop"}, "invalid_request", "/personal/0"),
            ({"personal": ["/source"], "redact": "drop"}, "invalid_request", "/personal/0"),
        ],
    )
    async def test_what_cannot_be_put_out_of_sight_is_refused(
        self, hub: Counter, terms: Any, code: str, pointer: str
    ) -> None:
        answer = await hub.ask("PUT", f"/v1/hub/types/{ISSUED}", {"schema": {}} | terms)
        assert (answer.status_code, answer.json()["code"]) == (422, code)
        assert answer.json()["errors"][0]["pointer"] == pointer


async def test_a_trace_tells_every_target_its_rules_and_its_attempts(
    hub: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_type(hub)
    await hub.partner("qf")
    targets = {"bi": {"webhook": "https://x.example"}, "till": {"queue": True}, "own": {"feed": True}}
    await hub.applied(a_file(a_rule(to=("bi", "till", "own")), targets=targets))
    await hub.applied(a_file(partner="qf", publishers=["coles"]), "theirs")
    ((result,),) = [await sent(hub, EVENT)]

    def copy(target: str, bus: str = "fuel", *, shadow: bool = False) -> RoutedCopy:
        return RoutedCopy(hubid=result["id"], bus=bus, revision=1, rules=("all",), target=target, shadow=shadow)

    def attempt(outcome: Any, second: int) -> Attempt:
        return Attempt(
            deliveryid="d",
            hubid=result["id"],
            bus="fuel",
            target="bi",
            at=AT.replace(second=second),
            ms=5,
            attempt=1,
            outcome=outcome,
            status=503 if outcome == "failed" else 200,
        )

    records = Records(
        hubid=result["id"],
        routed=(copy("bi"), copy("till"), copy("own"), copy("bi", shadow=True), copy("bi", "theirs"), copy("bi")),
        undecided=(UndecidedEvent(hubid=result["id"], bus="theirs", revision=1),),
        attempts=(attempt("delivered", 2), attempt("failed", 1)),
    )

    async def has(self: Any, hubid: str) -> bool:
        return True

    async def told(self: Any, hubid: str) -> Records:
        return records

    monkeypatch.setattr(ArchiveOverHttp, "has", has)
    monkeypatch.setattr(ArchiveOverHttp, "records", told)
    shown = (await hub.ask("GET", "/v1/events/coles/4711", by="coles")).json()
    assert [(each["bus"], each["target"], each["state"], len(each["attempts"])) for each in shown["targets"]] == [
        ("fuel", "bi", "delivered", 2),
        ("fuel", "till", "in_queue", 0),
        ("fuel", "own", "in_feed", 0),
        ("fuel", "bi", "counted", 0),
    ]
    assert [each["outcome"] for each in shown["targets"][0]["attempts"]] == ["failed", "delivered"]
    assert shown["undecided"] == []
    everything = (await hub.ask("GET", "/v1/events/coles/4711")).json()
    assert {each["bus"] for each in everything["targets"]} == {"fuel", "theirs"}
    assert everything["undecided"] == [{"bus": "theirs", "revision": 1}]


async def test_what_comes_is_counted_by_partner_and_outcome(hub: Counter) -> None:
    await a_type(hub)
    await sent(hub, EVENT, EVENT | {"id": "2"})
    await sent(hub, EVENT)
    await hub.ask("POST", "/v1/events", json.dumps([EVENT, EVENT | {"type": "x.y.v1"}]).encode(), by="coles", **BATCH)
    assert hub.meter.events == [("coles", "accepted", 2), ("coles", "duplicate", 1), ("coles", "refused", 2)]
    assert hub.meter.pages == [2]
