"""What a partner's request is answered: what it is paid by, and which of its entries stood in the way."""

import json
from typing import Any

import pytest

from shared.accepting.gathering import Gathering, Overloaded
from shared.contracts.archive import KeepPage
from tests.component.hub.counter import Counter

BATCH = "application/cloudevents-batch+json"
SINGLE = "application/cloudevents+json"
KIND = "retail.receipt.issued.v1"
Json = dict[str, Any]


def an_event(id_: str, **more: Any) -> Json:
    return {"specversion": "1.0", "id": id_, "source": "/tills/7", "type": KIND, "data": {"total": 1}} | more


async def posted(hub: Counter, *events: Json, path: str = "/v1/events", **params: Any) -> Any:
    return await hub.ask(
        "POST", path, json.dumps(events).encode(), by="coles", params=params, **{"Content-Type": BATCH}
    )


async def a_partner(hub: Counter, **terms: Any) -> None:
    body = {"clients": ["coles-tills"], "publishes": ["*"], "strict_types": False} | terms
    answer = await hub.ask("PUT", "/v1/hub/partners/coles", body)
    assert answer.status_code == 200, answer.text


def kept(hub: Counter) -> list[str]:
    pages = [each for each in hub.runtime.recorder.said if isinstance(each, KeepPage)]
    return [event.event["id"] for each in pages for event in each.events]


def pointers(problem: Json) -> list[str]:
    return [each["pointer"] for each in problem["errors"]]


class TestAllowance:
    @pytest.mark.parametrize("path", ["/v1/events", "/v1/events/check"])
    async def test_what_is_refused_is_paid_for_as_well(self, hub: Counter, path: str) -> None:
        await a_partner(hub, rate={"events_per_second": 1, "burst": 500})
        wrong = [an_event(f"e{n}", time="soon") for n in range(500)]
        first = await posted(hub, *wrong, path=path)
        assert first.status_code == (422 if path == "/v1/events" else 200)
        again = await posted(hub, an_event("e"), path=path)
        assert (again.status_code, again.json()["code"]) == (429, "rate_limited")

    async def test_who_has_spent_it_is_told_when_to_come_again_and_nothing_is_accepted(self, hub: Counter) -> None:
        await a_partner(hub, rate={"events_per_second": 2, "burst": 500})
        assert (await posted(hub, *(an_event(f"e{n}") for n in range(499)))).status_code == 202
        answer = await posted(hub, *(an_event(f"f{n}") for n in range(10)))
        assert answer.status_code == 429
        assert answer.headers["Retry-After"] == "5", "nine are missing, two come a second"
        assert answer.headers["RateLimit"] == '"events";r=0;t=5'
        assert "2 events a second" in answer.json()["detail"]
        assert len(kept(hub)) == 499

    async def test_what_cannot_be_read_is_paid_for_as_one_event(self, hub: Counter) -> None:
        await a_partner(hub, rate={"events_per_second": 1, "burst": 500})
        assert (await posted(hub, *(an_event(f"e{n}") for n in range(498)))).status_code == 202
        headers: Json = {"Content-Type": BATCH}
        said = [await hub.ask("POST", "/v1/events", b"[{", by="coles", **headers) for _ in range(4)]
        assert [each.json()["code"] for each in said] == ["malformed_json", "malformed_json", *["rate_limited"] * 2]

    async def test_of_whoever_has_nothing_left_nothing_is_read(
        self, hub: Counter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await a_partner(hub, rate={"events_per_second": 1, "burst": 500})
        await posted(hub, *(an_event(f"e{n}") for n in range(500)))
        assert (await posted(hub, an_event("more"))).status_code == 429
        monkeypatch.setattr("shared.web.cloudevents.read", lambda *_: pytest.fail("it is read"))
        answer = await posted(hub, an_event("again"))
        assert (answer.status_code, answer.json()["code"]) == (429, "rate_limited")
        assert int(answer.headers["Retry-After"]) >= 1


class TestWhatStandsInTheWay:
    async def test_an_id_of_another_event_is_named_by_its_entry(self, hub: Counter) -> None:
        await a_partner(hub)
        await posted(hub, an_event("b"))
        answer = await posted(hub, an_event("a"), an_event("b", data={"total": 2}), an_event("c"))
        assert (answer.status_code, answer.json()["code"]) == (409, "event_id_reused")
        assert pointers(answer.json()) == ["/1/id"]
        assert kept(hub) == ["b"]

    async def test_each_by_itself_names_its_own(self, hub: Counter) -> None:
        await a_partner(hub)
        await posted(hub, an_event("b"))
        answer = await posted(hub, an_event("a"), an_event("b", data={"total": 2}), atomic=False)
        taken, refused = answer.json()["results"]
        assert (answer.status_code, taken["status"], refused["code"]) == (207, "accepted", "event_id_reused")
        assert pointers(refused) == ["/1/id"]

    async def test_two_events_of_one_id_in_a_batch_are_both_named(self, hub: Counter) -> None:
        await a_partner(hub)
        answer = await posted(hub, an_event("a"), an_event("b"), an_event("a", data={"total": 2}))
        assert (answer.status_code, pointers(answer.json())) == (409, ["/0/id", "/2/id"])
        assert kept(hub) == []

    async def test_a_single_one_has_no_number(self, hub: Counter) -> None:
        await a_partner(hub)
        await posted(hub, an_event("a"))
        other = json.dumps(an_event("a", data={"total": 2})).encode()
        answer = await hub.ask("POST", "/v1/events", other, by="coles", params=None, **{"Content-Type": SINGLE})
        assert (answer.status_code, pointers(answer.json())) == (409, ["/id"])


class TestAway:
    @pytest.mark.parametrize("atomic", [True, False])
    async def test_more_than_is_written_is_turned_away_whole(
        self, hub: Counter, monkeypatch: pytest.MonkeyPatch, atomic: bool
    ) -> None:
        await a_partner(hub)

        async def full(*_: object) -> None:
            raise Overloaded

        monkeypatch.setattr(Gathering, "accept", full)
        answer = await posted(hub, an_event("a"), an_event("b"), atomic=atomic)
        assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
        assert int(answer.headers["Retry-After"]) > 0

    async def test_without_its_store_nothing_is_accepted(self, hub: Counter) -> None:
        await a_partner(hub)
        assert hub.service.store is not None
        await hub.service.store.close()
        answer = await posted(hub, an_event("a"))
        assert answer.status_code == 503
        await hub.service.store.open()
        assert kept(hub) == []
        assert (await posted(hub, an_event("a"))).json()["results"][0]["status"] == "accepted"


class TestOurWords:
    @pytest.mark.parametrize("glob", ["miles.*", "checkout.completed.v1", "hub.*"])
    async def test_no_partner_is_given_them(self, hub: Counter, glob: str) -> None:
        body = {"clients": ["coles-tills"], "publishes": ["retail.*", glob]}
        answer = await hub.ask("PUT", "/v1/hub/partners/coles", body)
        assert (answer.status_code, pointers(answer.json())) == (422, ["/publishes/1"])

    async def test_who_may_publish_everything_may_not_publish_them(self, hub: Counter) -> None:
        await a_partner(hub)
        answer = await posted(hub, an_event("a", type="miles.of_mine.v1"), an_event("b", type="milestones.v1"))
        assert (answer.status_code, answer.json()["code"]) == (403, "type_not_allowed")
        assert pointers(answer.json()) == ["/0/type"]

    async def test_they_are_ordered_by_nothing(self, hub: Counter) -> None:
        body = {"schema": {}, "ordered_by": "subject"}
        answer = await hub.ask("PUT", "/v1/hub/types/checkout.completed.v1", body)
        assert (answer.status_code, pointers(answer.json())) == (422, ["/ordered_by"])
