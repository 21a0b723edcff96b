"""A robot asks, and shows by an identity token of continuous integration for whom it acts."""

from typing import Any

import httpx
import pytest

from tests.component.releases.desk import Desk


@pytest.fixture
def desk(desk: Desk) -> Desk:
    """The issuer of tokens plays continuous integration, too."""
    desk.runtime.transport = httpx.MockTransport(desk.runtime.issuer._answer_when_open)
    return desk


async def asked_by_the_robot(desk: Desk, token: str | None) -> httpx.Response:
    return await desk.ask("ci", initiator_token=token)


async def test_who_is_behind_a_robot_stands_in_the_log_and_does_not_agree(desk: Desk) -> None:
    asked = await asked_by_the_robot(desk, desk.runtime.issuer.token("deployer", ""))
    assert asked.status_code == 201, asked.text
    request = asked.json()
    assert (request["requester"], request["initiator"]) == ("r-ci", "p-deployer")
    assert "p-deployer" not in request["eligible"]
    for person in ("deployer", "ci"):
        assert (await desk.decide(person, request)).status_code == 403, person
    for person in ("sre", "owner"):
        await desk.decide(person, request)
    assert (await desk.show(request))["state"] == "approved"


async def test_a_robot_that_shows_nobody_is_refused(desk: Desk) -> None:
    refused = await asked_by_the_robot(desk, None)
    assert (refused.status_code, refused.json()["code"]) == (403, "initiator_required")


@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"sub": "a-stranger"}, "stands not in the file of people"),
        ({"aud": "somebody-else"}, "proves nobody"),
        ({"iss": "http://elsewhere.test"}, "proves nobody"),
        ({"exp": 1}, "proves nobody"),
        ({"sub": "é"}, "stands not in the file of people"),
    ],
)
async def test_a_token_that_proves_nobody_is_named_as_the_field_that_is_wrong(
    desk: Desk, claims: dict[str, Any], words: str
) -> None:
    token = desk.runtime.issuer.token("deployer", "", **claims)
    refused = await asked_by_the_robot(desk, token)
    assert refused.status_code == 422
    (fault,) = refused.json()["errors"]
    assert fault["pointer"] == "/initiator_token"
    assert words in fault["detail"]
    assert token not in refused.text


async def test_a_forged_token_proves_nobody(desk: Desk) -> None:
    for token in (desk.runtime.issuer.token("deployer", "", kid="another"), "x.y.z", "nothing"):
        assert (await asked_by_the_robot(desk, token)).status_code == 422


async def test_a_silent_issuer_is_never_believed_unseen(desk: Desk) -> None:
    await desk.send("ci", "GET", "/requests")  # its own token's keys are known by then
    desk.runtime.issuer.silent = True
    refused = await asked_by_the_robot(desk, desk.runtime.issuer.token("deployer", ""))
    assert (refused.status_code, refused.json()["code"]) == (503, "issuer_unavailable")
