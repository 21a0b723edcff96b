"""Buses over HTTP: applied whole, in force when the call says so, given back as they were, forgotten without a loss."""

import asyncio
import json
import random
from base64 import urlsafe_b64encode
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from services.hub.cases import applying, revisions
from services.hub.cases.in_force import BUSES
from services.hub.domain.bus import KeptBus, PastBus
from services.hub.http import buses
from shared.bus.topology import TIERS
from shared.contracts.buses import MOST_TARGETS, BusRevision
from shared.contracts.hub import BusChanged
from shared.store.documents import Conflict, Unavailable
from shared.store.repository import Repository
from shared.web.pages import decode_cursor
from tests.component.hub.counter import Counter, a_file
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.kit.issuer import INTERNAL_TOKEN
from tests.unit.routing.samples import ISSUED, a_rule, an_event

Json = dict[str, Any]


async def test_a_file_is_a_bus_and_its_queues_are_there(hub: Counter) -> None:
    shown = await hub.applied(
        a_file(
            a_rule(to=("bi", "till")),
            a_rule("b", to=("own",)),
            targets={"bi": {"webhook": "https://bi.coles.example/x"}, "till": {"queue": True}, "own": {"feed": True}},
        )
    )
    assert (shown["id"], shown["revision"], shown["by"], shown["active"]) == ("fuel", 1, "ops", True)
    assert hub.runtime.standing.made >= {
        "target.fuel.bi",
        "target.fuel.bi.dead",
        "target.fuel.till",
        "target.fuel.till.dead",
    }
    assert "target.fuel.own" not in hub.runtime.standing.made
    answer = await hub.ask("GET", "/v1/hub/buses/fuel")
    assert answer.json()["terms"] == shown["terms"]
    await hub.service.outbox.drain()  # type: ignore[union-attr]
    assert [each for each in hub.runtime.recorder.said if isinstance(each, BusChanged)] == [
        BusChanged(bus="fuel", revision=1, by="ops")
    ]


async def test_the_same_file_is_no_other_revision(hub: Counter) -> None:
    first = await hub.put(a_file())
    again = await hub.put(a_file())
    assert again.json()["revision"] == 1
    assert again.headers["ETag"] == first.headers["ETag"]


async def test_one_and_true_are_not_the_same_file(hub: Counter) -> None:
    await hub.applied(a_file(a_rule(when={"data": {"a": [1]}})))
    assert (await hub.applied(a_file(a_rule(when={"data": {"a": [True]}}))))["revision"] == 2


async def test_two_who_apply_at_once_do_not_overwrite_each_other(hub: Counter) -> None:
    first = await hub.put(a_file())
    await hub.applied(a_file(a_rule(to=("x",))), **{"If-Match": first.headers["ETag"]})
    refused = await hub.put(a_file(a_rule(to=("y",))), **{"If-Match": first.headers["ETag"]})
    assert (refused.status_code, refused.json()["code"]) == (412, "precondition_failed")


async def test_a_dry_run_tells_all_and_does_nothing(hub: Counter) -> None:
    await hub.applied(a_file(a_rule(), a_rule("gone")))
    made = set(hub.runtime.standing.made)
    answer = await hub.put(
        a_file(a_rule(share=10), a_rule("new", to=("bi", "till")), admits={"type": [ISSUED]}),
        params={"dry_run": "true"},
    )
    assert answer.status_code == 200, answer.text
    shown = answer.json()
    assert [(each["what"], each["name"], each["change"]) for each in shown["changes"]] == [
        ("bus", "", "changed"),
        ("rule", "gone", "removed"),
        ("rule", "all", "changed"),
        ("rule", "new", "added"),
        ("target", "till", "added"),
    ]
    assert shown["queues"] == ["target.fuel.till", "target.fuel.till.dead"]
    assert shown["cost"] > 0
    assert hub.runtime.standing.made == made
    assert (await hub.ask("GET", "/v1/hub/buses/fuel")).json()["revision"] == 1


@pytest.mark.parametrize(
    ("file", "pointers"),
    [
        (a_file(a_rule(when={"type": [{"like": "x"}]})), ["/rules/0/when/type/0/like"]),
        (a_file(a_rule(), targets={}), ["/rules/0/to/0"]),
        (a_file(a_rule(template={"$no": 1})), ["/rules/0/template"]),
        (a_file(partner="nobody"), ["/partner"]),
        (a_file(publishers=["nobody", "milesaga"]), ["/publishers/0"]),
        (a_file(targets={"bi": {"service": "no_such"}}), ["/targets/bi/service"]),
        (a_file(a_rule() | {"as": "x.y.v1"}, targets={"bi": {"service": "dockets"}}), ["/rules/0/as"]),
        (a_file(targets={"bi": {"queue": True, "feed": True}}), ["/targets/bi"]),
        (a_file(colour="red"), ["/colour"]),
        (a_file(targets={"bi": {"webhook": "bi.example/hook"}}), ["/targets/bi/webhook"]),
        (
            a_file(targets={"bi": {"webhook": "https://bi.example/hook", "headers": {"Host": "x", "A": "x\r\nB: y"}}}),
            ["/targets/bi/headers/Host", "/targets/bi/headers/A"],
        ),
    ],
)
async def test_what_is_wrong_with_a_file_is_told_by_pointer(hub: Counter, file: Any, pointers: list[str]) -> None:
    for params in ({}, {"dry_run": "true"}):
        answer = await hub.put(file, params=params)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request"), answer.text
        assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers
    assert (await hub.ask("GET", "/v1/hub/buses/fuel")).status_code == 404


async def test_a_name_that_stands_twice_is_refused(hub: Counter) -> None:
    twice = json.dumps(a_file()).replace('"when": {', '"when": {"type": ["x"], ').encode()
    answer = await hub.put(twice, **{"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert answer.json()["errors"][0]["pointer"] == "/rules/0/when/type"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("partners/qf", b'{"clients": ["qf-tills"], "publishes": ["qf.*"], "publishes": ["*"]}'),
        (f"types/{ISSUED}", b'{"schema": {"type": "object", "type": "array"}}'),
    ],
)
async def test_neither_do_partners_and_types_say_a_name_twice(hub: Counter, path: str, body: bytes) -> None:
    kind: Any = {"Content-Type": "application/json"}
    answer = await hub.ask("PUT", f"/v1/hub/{path}", body, **kind)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    assert (await hub.ask("GET", f"/v1/hub/{path}")).status_code == 404


async def test_a_rule_that_costs_too_much_is_refused_by_its_name(hub: Counter) -> None:
    dear = {"type": [ISSUED], "data": {"a": [{"wildcard": "*a*"}] * 90}}
    answer = await hub.put(a_file(*(a_rule(f"r{n}", when=dear) for n in range(20))))
    assert (answer.status_code, answer.json()["code"]) == (422, "rule_too_costly")
    assert " r" in answer.json()["detail"]


@pytest.mark.parametrize("kind", [{"queue": True}, {"service": "dockets"}, {"feed": True}])
async def test_an_order_that_nobody_could_keep_is_not_promised(hub: Counter, kind: dict[str, object]) -> None:
    answer = await hub.put(a_file(targets={"bi": {**kind, "order": "by-key"}}))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/targets/bi/order"


async def test_a_signature_that_there_is_not_is_named(hub: Counter) -> None:
    hook = {"webhook": "https://bi.example/hook", "signature": "rsa"}
    answer = await hub.put(a_file(targets={"bi": hook}))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/targets/bi/signature")
    assert (await hub.put(a_file(targets={"bi": hook | {"signature": "ed25519"}}))).status_code == 200


async def test_a_template_is_tried_on_the_types_examples(hub: Counter) -> None:
    await hub.ask("PUT", f"/v1/hub/types/{ISSUED}", {"schema": {}, "examples": [{"id": 1}, {}]})
    answer = await hub.put(a_file(a_rule(template={"$": "/data/id", "required": True})))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/rules/0/template"


async def test_without_a_broker_nothing_is_changed(hub: Counter) -> None:
    hub.runtime.standing.away = True
    answer = await hub.put(a_file())
    assert (answer.status_code, answer.json()["code"]) == (503, "broker_unavailable")
    assert "Retry-After" in answer.headers
    hub.runtime.standing.away = False
    assert (await hub.ask("GET", "/v1/hub/buses/fuel")).status_code == 404


async def test_nobody_is_given_the_name_of_our_own(hub: Counter) -> None:
    answer = await hub.ask("PUT", "/v1/hub/partners/milesaga", {"clients": ["x"], "publishes": ["*"]})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "partner")


class TestWhoMay:
    async def test_a_partner_has_its_own_buses_and_sees_no_others(self, hub: Counter) -> None:
        await hub.partner("qf")
        await hub.applied(a_file(), by="coles")
        for method, path, body in (
            ("GET", "/v1/hub/buses/fuel", None),
            ("GET", "/v1/hub/buses/fuel/revisions", None),
            ("PUT", "/v1/hub/buses/fuel", a_file(partner="qf")),
            ("PUT", "/v1/hub/buses/other", a_file()),
            ("POST", "/v1/hub/buses/fuel/rollback", {"revision": 1}),
            ("DELETE", "/v1/hub/buses/fuel", None),
        ):
            answer = await hub.ask(method, path, body, by="qf")
            assert answer.status_code == 404, (method, path, answer.text)
        assert (await hub.ask("GET", "/v1/hub/buses", by="qf")).json()["buses"] == []
        assert [each["id"] for each in (await hub.ask("GET", "/v1/hub/buses", by="coles")).json()["buses"]] == ["fuel"]
        assert [each["id"] for each in (await hub.ask("GET", "/v1/hub/buses")).json()["buses"]] == ["fuel"]

    async def test_a_deleted_bus_stays_its_owners(self, hub: Counter) -> None:
        await hub.partner("qf")
        await hub.applied(a_file(), by="coles")
        assert (await hub.ask("DELETE", "/v1/hub/buses/fuel", by="coles")).status_code == 204
        assert (await hub.put(a_file(partner="qf"), by="qf")).status_code == 404
        assert (await hub.ask("GET", "/v1/hub/buses/fuel/revisions", by="qf")).status_code == 404

    async def test_whoever_is_no_partner_has_none(self, hub: Counter) -> None:
        assert (await hub.put(a_file(), by="stranger")).json()["code"] == "unknown_partner"

    @pytest.mark.parametrize(
        ("more", "pointer"),
        [
            ({"publishers": ["*"]}, "/publishers"),
            ({"publishers": ["milesaga"]}, "/publishers"),
            ({"targets": {"bi": {"service": "dockets"}}}, "/targets/bi/service"),
            ({"rules": [a_rule() | {"as": "other.type.v1"}]}, "/rules/0"),
        ],
    )
    async def test_what_reaches_into_the_house_is_for_operators(self, hub: Counter, more: Any, pointer: str) -> None:
        answer = await hub.put(a_file() | more, by="coles")
        assert (answer.status_code, answer.json()["code"]) == (403, "operators_only")
        assert answer.json()["errors"][0]["pointer"] == pointer
        assert (await hub.put(a_file() | more)).status_code == 200

    async def test_a_partner_keeps_what_an_operator_wrote_and_does_not_change_it(self, hub: Counter) -> None:
        targets = {"dockets": {"service": "dockets"}, "bi": {"queue": True}}
        own = a_rule("own", to=("dockets",), when={"type": [ISSUED], "data": {"a": [1]}})
        await hub.applied(a_file(own, targets=targets))
        kept = await hub.put(a_file(own, a_rule(), targets=targets), by="coles")
        assert kept.status_code == 200, kept.text
        for when in ({"type": [ISSUED]}, {"type": [ISSUED], "data": {"a": [True]}}):
            refused = await hub.put(a_file({**own, "when": when}, targets=targets), by="coles")
            assert refused.json()["code"] == "operators_only"
        more = await hub.put(a_file(own, a_rule("b", to=("dockets",)), targets=targets), by="coles")
        assert more.json()["code"] == "operators_only"

    async def test_a_page_of_a_partners_buses_is_full_and_its_cursor_names_nobody_elses(
        self, hub: Counter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(buses, "LISTED", 2)
        await hub.partner("qf")
        for bus, owner in (("a", "coles"), ("b", "qf"), ("c", "qf"), ("d", "coles"), ("e", "coles"), ("f", "qf")):
            await hub.applied(a_file(partner=owner), bus)
        seen: list[list[str]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = (await hub.ask("GET", "/v1/hub/buses", by="coles", params={"cursor": cursor})).json()
            seen.append([each["id"] for each in page["buses"]])
            cursor = page["next_cursor"]
            assert cursor is None or decode_cursor(cursor, (str, str)) == ("d:1", "d")
        assert seen == [["a", "d"], ["e"]]

    async def test_no_copy_that_was_another_partners_is_its_heirs(self, hub: Counter) -> None:
        """It would be posted to the heir's endpoint, and read among its dead letters."""
        await hub.partner("qf")
        await hub.applied(a_file(a_rule(to=("bi", "till"))), by="coles")
        await hub.applied(a_file(), by="coles")
        for queue in ("target.fuel.bi", "target.fuel.bi.dead", "target.fuel.till"):
            hub.runtime.standing.waiting = {queue: 1}
            assert (await hub.put(a_file(enabled=False))).status_code == 200
            refused = await hub.put(a_file(partner="qf"))
            assert (refused.status_code, refused.json()["code"]) == (409, "not_empty"), queue
        hub.runtime.standing.waiting = {}
        assert (await hub.put(a_file(partner="qf"))).status_code == 200


async def numbers(hub: Counter) -> list[int]:
    """Of the revisions before."""
    shown = (await hub.ask("GET", "/v1/hub/buses/fuel/revisions")).json()["revisions"]
    return [each["revision"] for each in shown]


class TestRevisions:
    async def test_every_revision_is_kept_and_one_call_brings_it_back(self, hub: Counter) -> None:
        first = await hub.applied(a_file(a_rule(share=10)))
        await hub.applied(a_file(a_rule(share=20)))
        back = await hub.ask("POST", "/v1/hub/buses/fuel/rollback", {"revision": 1})
        assert back.status_code == 200, back.text
        assert (back.json()["revision"], back.json()["terms"]) == (3, first["terms"])
        shown = (await hub.ask("GET", "/v1/hub/buses/fuel/revisions")).json()["revisions"]
        assert [(each["revision"], each["terms"]["rules"][0]["share"]) for each in shown] == [(2, 20), (1, 10)]
        assert (await hub.ask("POST", "/v1/hub/buses/fuel/rollback", {"revision": 9})).status_code == 404

    async def test_so_many_are_kept_and_the_oldest_go(self, hub: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
        for share in range(1, 6):
            await hub.applied(a_file(a_rule(share=share)))
        await hub.applied(a_file(), "other")
        monkeypatch.setattr(revisions, "MOST", 2)
        assert await numbers(hub) == [4, 3, 2, 1], "an older release kept them all"
        await hub.applied(a_file(a_rule(share=6)))
        assert await numbers(hub) == [5, 4, 3]
        await hub.applied(a_file(a_rule(share=7)))
        assert await numbers(hub) == [6, 5]
        for revision, status in ((4, 404), (5, 200)):
            answer = await hub.ask("POST", "/v1/hub/buses/fuel/rollback", {"revision": revision})
            assert answer.status_code == status
        assert (await hub.ask("GET", "/v1/hub/buses/other")).json()["revision"] == 1

    async def test_a_partner_does_not_roll_back_to_what_an_operator_took_away(self, hub: Counter) -> None:
        await hub.applied(a_file(publishers=["*"]))
        await hub.applied(a_file())
        refused = await hub.ask("POST", "/v1/hub/buses/fuel/rollback", {"revision": 1}, by="coles")
        assert refused.json()["code"] == "operators_only"

    async def test_what_a_bus_said_as_another_partners_is_not_its_heirs(self, hub: Counter) -> None:
        await hub.partner("qf")
        await hub.applied(a_file(), by="coles")
        await hub.applied(a_file(partner="qf"))
        await hub.applied(a_file(partner="qf", enabled=False), by="qf")
        path = "/v1/hub/buses/fuel"
        shown = (await hub.ask("GET", f"{path}/revisions", by="qf")).json()["revisions"]
        assert [each["revision"] for each in shown] == [2]
        assert (await hub.ask("POST", f"{path}/rollback", {"revision": 1}, by="qf")).status_code == 404
        assert (await hub.ask("GET", path, by="qf")).json()["revision"] == 3
        assert (await hub.ask("POST", f"{path}/rollback", {"revision": 1})).status_code == 200

    async def test_a_bus_that_is_made_again_goes_on_counting(self, hub: Counter) -> None:
        await hub.applied(a_file(enabled=False))
        assert (await hub.ask("DELETE", "/v1/hub/buses/fuel")).status_code == 204
        assert (await hub.ask("GET", "/v1/hub/buses/fuel")).status_code == 404
        assert (await hub.ask("DELETE", "/v1/hub/buses/fuel")).status_code == 404
        assert (await hub.applied(a_file()))["revision"] == 3


class TestReplicas:
    async def test_a_revision_is_in_force_on_every_replica_when_the_call_says_so(
        self, hub: Counter, replica: Counter
    ) -> None:
        await replica.look()
        applying = asyncio.create_task(hub.put(a_file()))
        while not applying.done():
            await asyncio.sleep(0.05)
            await replica.look()
        assert (await applying).json()["active"] is True
        await replica.route(an_event())
        assert len(replica.copies()) == 1

    async def test_a_replica_that_does_not_look_keeps_it_from_being_active(
        self, hub: Counter, replica: Counter
    ) -> None:
        await replica.look()
        assert (await hub.put(a_file())).json()["active"] is False
        await replica.look()
        assert (await hub.put(a_file())).json()["active"] is True

    async def test_one_that_is_dead_is_not_waited_for(self, hub: Counter, replica: Counter, clock: HandClock) -> None:
        await replica.look()
        clock.pass_by(seconds=9)
        assert (await hub.put(a_file())).json()["active"] is True

    async def test_one_that_left_is_not_waited_for(self, hub: Counter, replica: Counter) -> None:
        await replica.look()
        await replica.service.closing[1]()
        assert (await hub.put(a_file())).json()["active"] is True


class TestForgetting:
    async def test_where_copies_wait_a_bus_stays(self, hub: Counter) -> None:
        await hub.applied(a_file())
        for queue in ("target.fuel.bi", "target.fuel.bi.dead"):
            hub.runtime.standing.waiting = {queue: 1}
            answer = await hub.ask("DELETE", "/v1/hub/buses/fuel")
            assert (answer.status_code, answer.json()["code"]) == (409, "not_empty")
            assert queue in answer.json()["detail"]
        assert (await hub.ask("GET", "/v1/hub/buses/fuel")).json()["terms"]["enabled"] is True

    async def test_it_waits_where_that_is_asked_and_routes_nothing_meanwhile(self, hub: Counter) -> None:
        await hub.applied(a_file())
        hub.runtime.standing.waiting = {"target.fuel.bi": 1}

        async def off() -> bool:
            return not (await hub.ask("GET", "/v1/hub/buses/fuel")).json()["terms"]["enabled"]

        deleting = asyncio.create_task(hub.ask("DELETE", "/v1/hub/buses/fuel", params={"drain": "true"}))
        await eventually(off)
        await hub.look()
        await hub.route(an_event())
        assert not hub.copies()
        hub.runtime.standing.waiting = {}
        assert (await deleting).status_code == 204

    async def test_a_target_that_holds_copies_is_not_left_out(self, hub: Counter) -> None:
        await hub.applied(a_file(a_rule(to=("bi", "till"))))
        hub.runtime.standing.waiting = {"target.fuel.till": 1}
        assert (await hub.put(a_file())).json()["code"] == "not_empty"
        hub.runtime.standing.waiting = {}
        assert (await hub.put(a_file())).status_code == 200

    async def test_a_queue_is_taken_away_when_it_has_long_been_left_and_is_empty(
        self, hub: Counter, clock: HandClock
    ) -> None:
        await hub.applied(a_file(a_rule(to=("bi", "till"))))
        await hub.applied(a_file())
        standing = hub.runtime.standing
        tidy = next(task for task in hub.service.tasks if getattr(task, "__name__", "") == "queues")._page  # type: ignore[attr-defined]
        clock.pass_by(seconds=max(TIERS.values()).total_seconds())
        await tidy()
        assert "target.fuel.till" in standing.made, "a copy may come back from the longest tier"
        standing.consumed = {"target.fuel.till"}
        clock.pass_by(minutes=31)
        await tidy()
        assert "target.fuel.till" in standing.made
        standing.consumed, standing.waiting = set(), {"target.fuel.till.dead": 1}
        clock.pass_by(hours=7)
        await tidy()
        assert "target.fuel.till" in standing.made
        standing.waiting = {}
        clock.pass_by(hours=7)
        await tidy()
        assert not {"target.fuel.till", "target.fuel.till.dead"} & standing.made
        assert "target.fuel.bi" in standing.made

    async def test_a_target_that_is_there_again_keeps_its_queue(self, hub: Counter, clock: HandClock) -> None:
        both = a_file(a_rule(to=("bi", "till")))
        await hub.applied(both)
        await hub.applied(a_file())
        await hub.applied(both)
        clock.pass_by(hours=7)
        await next(task for task in hub.service.tasks if getattr(task, "__name__", "") == "queues")._page()  # type: ignore[attr-defined]
        assert "target.fuel.till" in hub.runtime.standing.made

    async def test_whoever_names_targets_anew_again_and_again_fills_no_broker(self, hub: Counter) -> None:
        def of(name: str, most: int = MOST_TARGETS) -> Json:
            return a_file(a_rule(to=(f"{name}-0",)), targets={f"{name}-{n}": {"queue": True} for n in range(most)})

        await hub.applied(of("a"), by="coles")
        await hub.applied(of("b"), by="coles")
        refused = await hub.put(of("c"), by="coles")
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_left")
        assert not {each for each in hub.runtime.standing.made if each.startswith("target.fuel.c-")}
        await hub.applied(of("a"), by="coles")
        assert (await hub.ask("DELETE", "/v1/hub/buses/fuel", by="coles")).status_code == 204
        assert (await hub.put(of("c", 1), by="coles")).json()["code"] == "too_many_left"
        await hub.applied(of("b", 5), by="coles")

    async def test_queues_of_whoever_was_slower_are_taken_away(
        self, hub: Counter, clock: HandClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await hub.applied(a_file())
        save = Repository.save

        async def late(self: Any, value: Any, **more: Any) -> Any:
            if isinstance(value, KeptBus) and value.terms is not None and "late" in value.terms.targets:
                raise Conflict(value.id)
            return await save(self, value, **more)

        monkeypatch.setattr(Repository, "save", late)
        assert (await hub.put(a_file(a_rule(to=("bi", "late"))))).status_code == 409
        tidy = next(task for task in hub.service.tasks if getattr(task, "__name__", "") == "queues")._page  # type: ignore[attr-defined]
        assert "target.fuel.late" in hub.runtime.standing.made
        clock.pass_by(hours=7)
        await tidy()
        made = {each for each in hub.runtime.standing.made if each.startswith("target.fuel.")}
        assert made == {"target.fuel.bi", "target.fuel.bi.dead"}


class TestCrashes:
    async def test_whatever_is_lost_on_the_way_no_revision_is_missing_or_told_otherwise(
        self, hub: Counter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each save of a bus or of what it said before is lost once, before it is written or after."""
        chance = random.Random(5)
        save = Repository.save
        said: list[int] = []

        async def losing(self: Any, value: Any, **more: Any) -> Any:
            lost = isinstance(value, KeptBus | PastBus) and chance.random() < 0.4
            if lost and chance.random() < 0.5:
                raise Unavailable("before")
            stored = await save(self, value, **more)
            if lost:
                raise Unavailable("after")
            return stored

        monkeypatch.setattr(Repository, "save", losing)
        for share in range(1, 30):
            while (await hub.put(a_file(a_rule(share=share)))).status_code != 200:
                said.append(share)
        monkeypatch.setattr(Repository, "save", save)
        assert said, "nothing was lost"
        shown = (await hub.ask("GET", "/v1/hub/buses/fuel/revisions")).json()["revisions"]
        assert [each["revision"] for each in shown] == list(range(28, 0, -1))
        assert [each["terms"]["rules"][0]["share"] for each in shown] == list(range(28, 0, -1))

    async def test_those_who_apply_at_once_make_revisions_one_after_the_other(self, hub: Counter) -> None:
        answers = await asyncio.gather(*(hub.put(a_file(a_rule(share=share))) for share in range(1, 11)))
        done = {each.json()["revision"]: each.json()["terms"] for each in answers if each.status_code == 200}
        assert {each.status_code for each in answers} <= {200, 409}
        assert set(done) == set(range(1, len(done) + 1))
        shown = (await hub.ask("GET", "/v1/hub/buses/fuel/revisions")).json()["revisions"]
        assert {each["revision"]: each["terms"] for each in shown} == {
            revision: terms for revision, terms in done.items() if revision < len(done)
        }


async def test_other_services_are_told_of_a_bus_and_of_whose_a_token_is(hub: Counter) -> None:
    internal: dict[str, Any] = {"X-Internal-Token": INTERNAL_TOKEN}
    await hub.applied(a_file())
    told = await hub.ask("GET", "/internal/hub/buses/fuel", **internal)
    assert BusRevision.model_validate_json(told.text).terms.partner == "coles"
    assert told.json()["revision"] == 1
    assert (await hub.ask("GET", "/internal/hub/buses/none", **internal)).status_code == 404
    assert (await hub.ask("GET", "/internal/hub/buses/fuel")).status_code == 401
    await hub.applied(a_file(enabled=False))
    for revision, enabled in ((1, True), (2, False)):
        then = await hub.ask("GET", f"/internal/hub/buses/fuel/revisions/{revision}", **internal)
        found = BusRevision.model_validate_json(then.text)
        assert (found.revision, found.terms.enabled) == (revision, enabled)
    assert (await hub.ask("GET", "/internal/hub/buses/fuel/revisions/3", **internal)).status_code == 404
    subject = urlsafe_b64encode(b"coles-tills").rstrip(b"=").decode()
    assert (await hub.ask("GET", f"/internal/hub/clients/{subject}", **internal)).json() == {"partner": "coles"}
    for nobody in ("bm9ib2R5", "x", "_-_-"):
        assert (await hub.ask("GET", f"/internal/hub/clients/{nobody}", **internal)).status_code == 404


async def test_who_makes_and_deletes_buses_pushes_nobody_elses_out(
    hub: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A replica reads so many names and no more: what is beyond them would route nothing, and nobody would be told."""
    monkeypatch.setattr(applying, "OF_A_PARTNER", 3)
    monkeypatch.setattr(applying, "MOST_BUSES", 5)
    coles: Json = {"partner": "coles", "rules": [], "targets": {}}
    aldi = coles | {"partner": "aldi"}
    for partner in ("coles", "aldi"):
        await hub.partner(partner)
    for name in ("aa", "ab", "ac"):
        await hub.applied(coles, name, by="coles")
        assert (await hub.ask("DELETE", f"/v1/hub/buses/{name}", by="coles")).status_code == 204
    for refused in (
        await hub.put(coles, "ad", by="coles"),
        await hub.put(coles, "ad", by="coles", params={"dry_run": "true"}),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "too_many_buses")
    assert (await hub.applied(coles, "aa", by="coles"))["revision"] == 4
    await hub.applied(aldi, "ba", by="aldi")
    await hub.applied(coles, "zz")
    refused = await hub.put(aldi, "bb", by="aldi")
    assert (refused.status_code, refused.json()["detail"][:20]) == (409, "There may be 5 buses")
    assert (await hub.put(coles, "zy")).status_code == 409
    assert (await hub.put(coles, "zz")).status_code == 200


async def owned(hub: Counter) -> tuple[int | None, datetime | None]:
    internal: dict[str, Any] = {"X-Internal-Token": INTERNAL_TOKEN}
    told = BusRevision.model_validate_json((await hub.ask("GET", "/internal/hub/buses/fuel", **internal)).text)
    return told.owned_since, told.owned_at


async def test_since_when_a_bus_is_its_owners_is_told_also_of_one_that_an_earlier_release_saved(
    hub: Counter, clock: HandClock
) -> None:
    await hub.partner("aldi")
    await hub.applied(a_file())
    clock.pass_by(minutes=1)
    await hub.applied(a_file(partner="aldi"))
    given = clock.now()
    clock.pass_by(minutes=1)
    await hub.applied(a_file(partner="aldi", enabled=False))
    assert await owned(hub) == (2, given)
    store = hub.runtime.store("hub")
    collection = store.collection(BUSES)
    await store.open()
    kept = await collection.get("fuel")
    assert kept is not None
    await collection.save(replace(kept, body={name: each for name, each in kept.body.items() if "owned" not in name}))
    await store.close()
    assert await owned(hub) == (2, given)
