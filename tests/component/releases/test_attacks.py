"""What a stranger, and a deployer with bad intentions, would try over HTTP, at two processes over one store."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.component.releases.desk import PAYLOAD, Desk, code

AT_ONCE = 12


def outcomes(answers: list[httpx.Response]) -> dict[str, int]:
    found = [str(each.status_code) if each.is_success else str(code(each)) for each in answers]
    return {each: found.count(each) for each in set(found)}


async def executions(desk: Desk) -> int:
    leaves = (await desk.send("sre", "GET", "/log")).json()["leaves"]
    return sum('"kind":"executing"' in each for each in leaves)


async def test_a_grant_that_is_redeemed_everywhere_at_once_is_redeemed_once(desk: Desk, other: Desk) -> None:
    request = await desk.approved()
    grant = (await desk.grant(request)).json()["grant"]
    answers = await asyncio.gather(
        *((desk, other)[n % 2].redeem(grant, request, f"attempt-{n}") for n in range(AT_ONCE))
    )
    assert outcomes(answers) == {"200": 1, "grant_used": AT_ONCE - 1}
    assert await executions(desk) == 1


async def test_of_two_grants_that_are_redeemed_at_once_the_older_one_is_void(desk: Desk, other: Desk) -> None:
    request = await desk.approved()
    older = (await desk.grant(request)).json()["grant"]
    newer = (await other.grant(request)).json()["grant"]
    answers = await asyncio.gather(
        *((desk, other)[n // 2 % 2].redeem((older, newer)[n % 2], request, f"attempt-{n}") for n in range(AT_ONCE))
    )
    assert outcomes(list(answers[1::2])) == {"200": 1, "grant_used": AT_ONCE // 2 - 1}
    assert outcomes(list(answers[::2])) == {"grant_void": AT_ONCE // 2}
    assert await executions(other) == 1


async def test_a_grant_that_is_asked_for_while_one_is_used_starts_nothing_more(desk: Desk, other: Desk) -> None:
    request = await desk.approved()
    grants = [(await desk.grant(request)).json()["grant"]]

    async def again(by: Desk) -> httpx.Response:
        answer = await by.grant(request)
        if answer.is_success:
            grants.append(answer.json()["grant"])
        return answer

    await asyncio.gather(
        *(each for n in range(4) for each in (again(desk), other.redeem(grants[0], request, f"a-{n}")))
    )
    for n, grant in enumerate(grants):
        await desk.redeem(grant, request, f"b-{n}")
    assert await executions(desk) == 1


async def test_a_stranger_decides_nothing_and_has_what_he_asked_for_approved_by_nobody_alone(desk: Desk) -> None:
    asked = (await desk.ask("mallory")).json()
    for decision in ("approve", "deny"):
        assert code(await desk.decide("mallory", asked, decision)) == "self_approval"
    theirs = (await desk.ask(key="k-2", target="cart")).json()
    assert code(await desk.decide("mallory", theirs)) == "not_an_approver"
    assert code(await desk.send("mallory", "POST", f"/requests/{theirs['id']}/withdraw", {})) == "not_the_requester"
    assert code(await desk.grant(theirs, "mallory")) == "not_the_requester"
    body = {"digest": theirs["digest"], "incident": "INC-1", "reason": "fire"}
    assert code(await desk.send("mallory", "POST", f"/requests/{theirs['id']}/break-glass", body)) == "not_an_approver"
    assert (await desk.show(theirs))["state"] == "pending"


@pytest.mark.parametrize("subject", ["Sre", "sre ", "sr\u0435", "s\u200bre", "SRE", "p-sre", "stranger-1"])
async def test_whose_subject_looks_like_an_approvers_is_a_stranger(desk: Desk, subject: str) -> None:
    request = (await desk.ask()).json()
    assert code(await desk.decide(subject, request)) in {"not_an_approver", "invalid_token"}
    assert (await desk.show(request))["state"] == "pending"


@pytest.mark.parametrize("name", ["target", "environment", "action"])
@pytest.mark.parametrize("value", ["check\u043eut", "checkout ", " checkout", "check\u200bout", "a\nb", "", "x" * 201])
async def test_names_of_what_is_to_be_done_are_plain(desk: Desk, name: str, value: str) -> None:
    refused = await desk.ask(**{name: value})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, f"/{name}")


def nested(depth: int, opening: str = '{"a":', closing: str = "}") -> str:
    return opening * depth + "1" + closing * depth


@pytest.mark.parametrize(
    ("payload", "status"),
    [
        (nested(100_000), {400, 413, 422}),
        (nested(5_000), {400, 422}),
        ('{"a":' + nested(5_000, "[", "]") + "}", {400, 422}),
        ('{"a":1e400}', {400, 422}),
        ('{"a":0.1}', {422}),
        ('{"a":' + "9" * 5_000 + "}", {400, 422}),
        ('{"a":9007199254740993}', {422}),
        ('{"a":"\\ud800"}', {400, 422}),
        ('{"a":1,"a":2}', {400, 422}),
    ],
    ids=["deepest", "deep", "lists", "infinite", "fraction", "digits", "rounded", "surrogate", "twice"],
)
async def test_a_payload_that_has_no_one_meaning_is_refused(desk: Desk, payload: str, status: set[int]) -> None:
    given = {"action": "deploy", "environment": "production", "target": "checkout", "reason": "x", "payload": {}}
    body = json.dumps(given).replace('"payload": {}', f'"payload": {payload}')
    headers = desk.runtime.issuer.bearer("deployer", "releases:request") | {
        "Idempotency-Key": "k-1",
        "Content-Type": "application/json",
    }
    answer = await desk.client.post("/v1/releases/requests", content=body.encode(), headers=headers)
    assert answer.status_code in status, answer.text[:300]


@pytest.mark.parametrize("reason", ["x" * 2001, "x" * 100_000])
async def test_a_reason_is_as_long_as_somebody_reads(desk: Desk, reason: str) -> None:
    assert (await desk.ask(reason=reason)).status_code == 422
    request = (await desk.ask()).json()
    assert (await desk.decide("sre", request, "deny", reason=reason)).status_code == 422


async def test_whatever_a_reason_says_it_stands_outside_the_log_as_it_was(desk: Desk) -> None:
    reason = '<!channel> *approved* \u202e </script> {"kind":"approved"}\n\x00' + "\U0001f4a3"
    asked = await desk.ask(reason=reason)
    assert asked.status_code == 201, asked.text
    assert (await desk.show(asked.json()))["reason"] == reason
    leaves = (await desk.send("sre", "GET", "/log")).json()["leaves"]
    assert not any("channel" in each for each in leaves)


@pytest.mark.parametrize("changed", ["argv", "files"])
async def test_a_grant_is_worth_nothing_for_other_words_or_files(desk: Desk, changed: str) -> None:
    request = await desk.approved()
    grant = (await desk.grant(request)).json()["grant"]
    words: Any = {"argv": ["./deploy.sh", "--force"], "files": {"deploy.sh": "sha256:" + "6" * 64}}
    other = (await desk.ask(key="k-2", target="cart", payload=PAYLOAD | {changed: words[changed]})).json()
    refused = await desk.redeem(grant, request, digest=other["digest"])
    assert code(refused) == "payload_changed"
