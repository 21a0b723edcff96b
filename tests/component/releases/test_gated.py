"""Our own dangerous acts: without another person's agreement to exactly this, nothing is done."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.hub.app import compose as compose_hub
from services.miles.app import compose as compose_miles
from shared.kernel.acts import SINGLES, payload
from shared.kernel.digest import digest
from tests.component.releases.acts import agreed, asking
from tests.component.releases.desk import Desk, code
from tests.kit.clock import HandClock

PATH = "/v1/miles/accounts/ana"
BODY = b'{"tier":"member","lots":[{"miles":1000,"expires_on":"2030-12-31"}]}'


@pytest.fixture
async def miles(tmp_path: Path, clock: HandClock, gated: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(compose_miles, tmp_path, clock, gated) as client:
        yield client


@pytest.fixture
async def hub(tmp_path: Path, clock: HandClock, gated: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(compose_hub, tmp_path, clock, gated) as client:
        yield client


async def replacing(desk: Desk, **others: Any) -> str:
    return await agreed(desk, BODY, PATH, "PUT", **others)


async def test_an_account_is_replaced_by_its_own_grant_once(miles: httpx.AsyncClient, gated: Desk) -> None:
    without = await miles.put(PATH, content=BODY)
    assert (without.status_code, without.json()["code"]) == (409, "grant_required")
    assert digest(payload("PUT", PATH, "", BODY)) in without.json()["detail"]
    grant = await replacing(gated)
    other = await miles.put(PATH, content=BODY.replace(b"1000", b"9000"), headers={"Milesaga-Grant": grant})
    assert (other.status_code, other.json()["code"]) == (409, "payload_changed")
    elsewhere = await miles.put("/v1/miles/accounts/bia", content=BODY, headers={"Milesaga-Grant": grant})
    assert elsewhere.json()["code"] == "payload_changed"
    done = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
    assert done.status_code == 200, done.text
    again = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
    assert (again.status_code, again.json()["code"]) == (409, "grant_used")
    leaves = (await gated.send("sre", "GET", "/log")).json()["leaves"]
    assert '"exit_code":0' in leaves[-1], "how it ended is on record"


async def test_a_request_that_could_not_be_obeyed_spends_no_grant(miles: httpx.AsyncClient, gated: Desk) -> None:
    grant = await replacing(gated)
    stale = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": grant, "If-Match": '"7"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    done = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
    assert done.status_code == 200, done.text


async def test_whoever_agrees_reads_what_will_be_sent(gated: Desk) -> None:
    """Releases makes the digest of the text that it shows; the text can be erased, and the log goes on to hold."""
    about: dict[str, Any] = {"action": "miles.replace_account", "environment": "test", "target": "path:1"}
    about |= {"payload": dict(payload("PUT", PATH, "", BODY))}
    for text in (None, BODY.decode().replace("1000", "9000")):
        refused = await gated.ask(**about, body=text)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/body")
    asked = (await gated.ask(**about, body=BODY.decode())).json()
    assert asked["body"] == (await gated.show(asked))["body"] == BODY.decode()
    again = await gated.ask(**about, body=BODY.decode())
    assert again.json()["id"] == asked["id"]
    leaf = json.loads((await gated.send("sre", "GET", "/log")).json()["leaves"][-1])
    assert "1000" not in json.dumps(leaf), "the log has the text's salted hash alone"
    erased = await gated.send("oncall", "DELETE", f"/texts/{leaf['facts']['body']}")
    assert erased.status_code == 204, erased.text
    assert (await gated.show(asked))["body"] is None


async def test_a_grant_for_another_act_or_place_is_none(miles: httpx.AsyncClient, gated: Desk) -> None:
    other_places: list[dict[str, Any]] = [{"action": "dead.discard"}, {"environment": "staging"}]
    for number, others in enumerate(other_places):
        grant = await replacing(gated, key=f"k-{number}", **others)
        refused = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
        assert refused.status_code == 409
        assert refused.json()["code"] in {"grant_void", "payload_changed"}
    nothing = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": "x.y.z"})
    assert nothing.json()["code"] == "grant_void"


async def test_a_type_is_broken_for_its_readers_by_a_grant_alone(hub: httpx.AsyncClient, gated: Desk) -> None:
    here, forced = "/v1/hub/types/retail.receipt.v1", "/v1/hub/types/retail.receipt.v1?force=true"
    old, new = (json.dumps({"schema": {"type": type_}}).encode() for type_ in ("object", "array"))
    assert (await hub.put(here, content=old)).status_code == 200, "what breaks nobody is not gated"
    assert (await hub.put(here, content=new)).json()["code"] == "incompatible"
    assert (await hub.put(forced, content=new)).json()["code"] == "grant_required"
    other = await agreed(gated, old, forced, "PUT", action="hub.force_type")
    refused = await hub.put(forced, content=new, headers={"Milesaga-Grant": other})
    assert refused.json()["code"] == "payload_changed"
    assert (await hub.get(here)).json()["schema_document"] == {"type": "object"}, "nothing was done"

    grant = await agreed(gated, new, forced, "PUT", action="hub.force_type", key="k-2")
    wrong = await hub.put(forced, content=b'{"schema": 1}', headers={"Milesaga-Grant": grant})
    assert wrong.status_code == 422, "what could not be done spends no grant"
    done = await hub.put(forced, content=new, headers={"Milesaga-Grant": grant})
    assert done.status_code == 200, done.text
    assert (await hub.get(here)).json()["schema_document"] == {"type": "array"}
    again = await hub.put(forced, content=new, headers={"Milesaga-Grant": grant})
    assert (again.status_code, again.json()["code"]) == (409, "grant_used")


async def test_a_type_is_forgotten_by_a_grant_alone(hub: httpx.AsyncClient, gated: Desk) -> None:
    """Else whoever may break no type would delete it, and register it anew as he likes."""
    here, forced = "/v1/hub/types/retail.receipt.v1", "/v1/hub/types/retail.receipt.v1?force=true"
    schema = b'{"schema": {"type": "object"}}'
    assert (await hub.put(here, content=schema)).status_code == 200
    assert (await hub.delete(here)).json()["code"] == "grant_required"
    for number, (method, path, action) in enumerate(
        [("PUT", forced, "hub.force_type"), ("DELETE", here, "dead.discard"), ("DELETE", f"{here}x", "hub.force_type")]
    ):
        other = await agreed(gated, b"", path, method, action=action, key=f"k-{number}")
        refused = await hub.delete(here, headers={"Milesaga-Grant": other})
        assert refused.json()["code"] in {"grant_void", "payload_changed"}
    assert (await hub.get(here)).status_code == 200, "nothing was done"
    grant = await agreed(gated, b"", here, "DELETE", action="hub.force_type", key="k-9")
    stale = await hub.delete(here, headers={"Milesaga-Grant": grant, "If-Match": '"9"'})
    assert stale.status_code == 412, "what could not be done spends no grant"
    assert (await hub.delete(here, headers={"Milesaga-Grant": grant})).status_code == 204
    assert (await hub.put(here, content=schema)).status_code == 200
    again = await hub.delete(here, headers={"Milesaga-Grant": grant})
    assert (again.status_code, again.json()["code"]) == (409, "grant_used")


async def test_a_silent_gate_keeps_a_type_as_it_is(hub: httpx.AsyncClient, gated: Desk) -> None:
    forced = "/v1/hub/types/retail.receipt.v1?force=true"
    body = b'{"schema": {}}'
    grant = await agreed(gated, body, forced, "PUT", action="hub.force_type")
    await gated.service.store.close()  # type: ignore[union-attr]
    silent = await hub.put(forced, content=body, headers={"Milesaga-Grant": grant})
    assert (silent.status_code, silent.json()["code"]) == (503, "gate_unreachable")
    assert (await hub.get("/v1/hub/types/retail.receipt.v1")).status_code == 404


async def test_what_is_too_long_for_a_grant_is_refused_with_the_headers_name(miles: httpx.AsyncClient) -> None:
    refused = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": "x" * 4097})
    assert refused.status_code == 422
    assert [each["header"] for each in refused.json()["errors"]] == ["Milesaga-Grant"]


async def test_a_silent_gate_lets_nothing_pass(miles: httpx.AsyncClient, gated: Desk) -> None:
    grant = await replacing(gated)
    await gated.service.store.close()  # type: ignore[union-attr]
    silent = await miles.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
    assert (silent.status_code, silent.json()["code"]) == (503, "gate_unreachable")


async def test_the_end_of_a_freeze_takes_a_grant_too(gated: Desk) -> None:
    freeze = (await gated.send("oncall", "POST", "/freezes", {"match": {}, "reason": "Christmas"})).json()["id"]
    path = f"/freezes/{freeze}"
    assert (await gated.send("deployer", "DELETE", path)).json()["code"] == "grant_required"
    grant = await agreed(gated, b"", f"/v1/releases{path}", "DELETE", action="releases.lift_freeze")
    lifted = await gated.send("deployer", "DELETE", path, Milesaga_Grant=grant)
    assert lifted.status_code == 204, lifted.text
    leaves = [json.loads(leaf) for leaf in (await gated.send("sre", "GET", "/log")).json()["leaves"]]
    told = {leaf["kind"]: leaf for leaf in leaves}
    assert told["thawed"]["facts"] == {"id": freeze, "redeemed": told["executing"]["request"]}, "by whose leave is said"


async def test_single_acts_are_counted_over_all_processes_and_stand_in_the_log(desk: Desk, other: Desk) -> None:
    body = {"action": "dead.retry_all", "environment": "production", "target": "payment", "act": "4f2a90c1d7be"}
    asked = [each.send("sre", "POST", "/singles", body) for each in (desk, other) * SINGLES]
    answers = await asyncio.gather(*asked)
    assert sorted(each.status_code for each in answers) == [200] * SINGLES + [409] * SINGLES
    assert {code(each) for each in answers if each.status_code == 409} == {"grant_required"}
    leaves = (await desk.send("sre", "GET", "/log")).json()["leaves"]
    told = [leaf for leaf in map(json.loads, leaves) if leaf["kind"] == "single"]
    assert [(leaf["actor"], leaf["facts"]) for leaf in told] == [("p-sre", body)] * SINGLES


PARTNER = "/v1/hub/partners/coles"
GIVING = {"action": "hub.partner_clients"}


def partner(*clients: str, **others: Any) -> bytes:
    return json.dumps({"clients": clients, "publishes": ["retail.*"]} | others).encode()


async def test_nobody_makes_himself_a_partners_client(hub: httpx.AsyncClient, gated: Desk) -> None:
    """Neither of a new one, nor of one that there is, nor by the broker, nor by deleting it first."""
    assert (await hub.put(PARTNER, content=partner("deployer"))).json()["code"] == "grant_required"
    first = partner("tills", broker_user="coles")
    grant = await agreed(gated, first, PARTNER, "PUT", **GIVING)
    assert (await hub.put(PARTNER, content=partner("deployer"), headers={"Milesaga-Grant": grant})).status_code == 409
    assert (await hub.put(PARTNER, content=first, headers={"Milesaga-Grant": grant})).status_code == 200
    again = await hub.put(PARTNER, content=partner("tills", "deployer"), headers={"Milesaga-Grant": grant})
    assert again.status_code == 409
    for taken in (partner("tills", "deployer"), partner("deployer"), partner("tills", broker_user="mine")):
        refused = await hub.put(PARTNER, content=taken)
        assert (refused.status_code, refused.json()["code"]) == (409, "grant_required")
    assert (await hub.get(PARTNER)).json()["clients"] == ["tills"], "nothing was done"
    assert (await hub.delete(PARTNER)).status_code == 204
    assert (await hub.put(PARTNER, content=first)).json()["code"] == "grant_required"


async def test_power_over_a_partner_is_taken_away_by_any_operator(hub: httpx.AsyncClient, gated: Desk) -> None:
    first = partner("tills", "office", broker_user="coles")
    grant = await agreed(gated, first, PARTNER, "PUT", **GIVING)
    wrong = await hub.put(PARTNER, content=first, headers={"Milesaga-Grant": grant, "If-Match": '"7"'})
    assert wrong.status_code == 412, "what could not be done spends no grant"
    assert (await hub.put(PARTNER, content=first, headers={"Milesaga-Grant": grant})).status_code == 200
    changes = (partner("office", "tills", broker_user="coles", contact="x@y.example"), partner("office"), partner())
    for less in changes:
        assert (await hub.put(PARTNER, content=less)).status_code == 200
    assert (await hub.get(PARTNER)).json()["clients"] == []
