from typing import Any

import pytest

from tests.kit.world import World

MEMBER = {"member_id": "ana", "tier": "gold", "lots": [{"miles": 50_000, "expires_on": "2030-01-31"}]}


async def test_a_member_has_an_account_before_the_answer(world: World) -> None:
    response = await world.http.post("/sandbox/members", json=MEMBER)
    assert (response.status_code, response.json()) == (201, MEMBER)
    assert world.ledger.accounts == {"ana": {"tier": "gold", "lots": MEMBER["lots"]}}


@pytest.mark.parametrize("member", ["a/b", "..", 'C:\\"ana" de souza', "%2F?#", "x" * 255])
async def test_a_member_may_have_any_printable_name(world: World, member: str) -> None:
    assert (await world.http.post("/sandbox/members", json=MEMBER | {"member_id": member})).status_code == 201
    assert world.ledger.accounts == {member: {"tier": "gold", "lots": MEMBER["lots"]}}


async def test_members_survive_a_restart_and_are_replaced_by_name(world: World) -> None:
    await world.http.post("/sandbox/members", json=MEMBER)
    await world.http.post("/sandbox/members", json=MEMBER | {"tier": "diamond"})
    await world.restart()
    assert await world.get("/sandbox/members") == {"members": [MEMBER | {"tier": "diamond"}]}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (MEMBER | {"tier": "platinum"}, "/tier"),
        (MEMBER | {"lots": [{"miles": -1, "expires_on": "2030-01-31"}]}, "/lots/0/miles"),
        (MEMBER | {"lots": [{"miles": 1, "expires_on": "soon"}]}, "/lots/0/expires_on"),
        (MEMBER | {"member_id": ""}, "/member_id"),
        (MEMBER | {"member_id": "é"}, "/member_id"),
        (MEMBER | {"member_id": "a\n"}, "/member_id"),
        (MEMBER | {"colour": "red"}, "/colour"),
    ],
)
async def test_a_wrong_member_is_refused_by_field(world: World, body: dict[str, Any], pointer: str) -> None:
    response = await world.http.post("/sandbox/members", json=body)
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]
    assert response.json()["instance"] == "/sandbox/members"
    assert world.ledger.accounts == {}


async def test_a_body_that_is_no_json_is_a_bad_request(world: World) -> None:
    response = await world.http.post("/sandbox/members", content=b"{")
    assert (response.status_code, response.json()["code"]) == (400, "malformed_body")


async def test_the_price_level_survives_a_restart(world: World) -> None:
    assert await world.get("/sandbox/prices") == {"factor": 1.0}
    response = await world.http.put("/sandbox/prices", json={"factor": 1.1})
    assert response.json() == {"factor": 1.1}
    await world.restart()
    assert await world.get("/sandbox/prices") == {"factor": 1.1}


@pytest.mark.parametrize("factor", [0, -1, "much", None])
async def test_a_price_level_is_a_positive_number(world: World, factor: object) -> None:
    response = await world.http.put("/sandbox/prices", json={"factor": factor})
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "/factor"
