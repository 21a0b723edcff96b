"""Bearer tokens over HTTP: who gets in, and what the others are told."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from fastapi import Depends, FastAPI
from jwt.algorithms import ECAlgorithm
from jwt.utils import base64url_encode

from shared.web import problems
from shared.web import tokens as issued
from shared.web.auth import Authenticator, Caller
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.kit.issuer import INTERNAL_TOKEN, ISSUER, Issuer, key_pair


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def issuer(clock: HandClock) -> Issuer:
    return Issuer(clock)


def an_app(authenticator: Authenticator) -> FastAPI:
    app = FastAPI()
    problems.install(app)

    @app.get("/carts")
    async def carts(caller: Annotated[Caller, Depends(authenticator.requires("carts"))]) -> str:
        return caller.subject

    @app.get("/internal", dependencies=[Depends(authenticator.internal_only)])
    async def internal() -> str:
        return "inside"

    return app


@pytest.fixture
async def client(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(an_app(issuer.authenticator()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def ask(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.get("/carts", headers={"Authorization": f"Bearer {token}"})


def refused(answer: httpx.Response, status: int, code: str) -> bool:
    return (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_token_with_the_scope_lets_its_member_in(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await ask(client, issuer.token("m-7", "offers carts"))
    assert (answer.status_code, answer.json()) == (200, "m-7")


async def test_without_a_token_the_answer_is_401_with_a_challenge(client: httpx.AsyncClient) -> None:
    answer = await client.get("/carts")
    assert refused(answer, 401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="milesaga"'
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic bTpz", "bearer\tx"])
async def test_what_is_no_bearer_token_is_401(client: httpx.AsyncClient, header: str) -> None:
    assert (await client.get("/carts", headers={"Authorization": header})).status_code == 401


@pytest.mark.parametrize("token", ["x", "a.b.c", "..", "é" * 10, "x" * 9000, "e30.e30.e30"])
async def test_a_malformed_token_is_401(client: httpx.AsyncClient, token: str) -> None:
    answer = await client.get("/carts", headers=[(b"Authorization", f"Bearer {token}".encode())])
    assert refused(answer, 401, "invalid_token")


async def test_a_missing_scope_is_403_and_named(client: httpx.AsyncClient, issuer: Issuer) -> None:
    answer = await ask(client, issuer.token(scope="offers carts:read"))
    assert refused(answer, 403, "missing_scope")
    assert "carts" in answer.json()["detail"]
    assert 'scope="carts"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "http://other.test"},
        {"aud": "others"},
        {"sub": ""},
        {"sub": None},
        {"sub": "x" * 256},
        {"exp": "soon"},
        *({"sub": subject} for subject in ("zoë", "ana\n", "\x7f", "a\u00a0b", "李", "\ud800", "a\x00", 7)),
    ],
)
async def test_a_wrong_claim_is_401(client: httpx.AsyncClient, issuer: Issuer, claims: dict[str, Any]) -> None:
    answer = await ask(
        client, issuer.token(**claims) if claims.get("sub", "") is not None else _without_subject(issuer)
    )
    assert refused(answer, 401, "invalid_token")


def _without_subject(issuer: Issuer) -> str:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    return jwt.encode({k: v for k, v in claims.items() if k != "sub"}, key_pair("one"), "RS256", headers={"kid": "one"})


async def test_a_token_without_expiry_is_401(client: httpx.AsyncClient, issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    del claims["exp"]
    assert refused(
        await ask(client, jwt.encode(claims, key_pair("one"), "RS256", {"kid": "one"})), 401, "invalid_token"
    )


async def test_an_expired_token_is_401_even_when_it_was_good_before(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    token = issuer.token(exp=int(clock.now().timestamp()) + 60)
    assert (await ask(client, token)).status_code == 200
    clock.pass_by(seconds=80)
    assert (await ask(client, token)).status_code == 200, "clocks may differ by half a minute"
    clock.pass_by(seconds=11)
    assert refused(await ask(client, token), 401, "invalid_token")


async def test_a_token_that_is_not_good_yet_is_401(client: httpx.AsyncClient, issuer: Issuer, clock: HandClock) -> None:
    assert refused(await ask(client, issuer.token(nbf=int(clock.now().timestamp()) + 60)), 401, "invalid_token")


async def test_an_unsigned_token_is_401(client: httpx.AsyncClient, issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    assert refused(await ask(client, jwt.encode(claims, "", "none", {"kid": "one"})), 401, "invalid_token")


async def test_a_token_signed_with_the_public_key_as_a_secret_is_401(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """The classic confusion of RS256 and HS256."""
    public = key_pair("one").public_key()
    secret = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = base64url_encode(b'{"alg":"HS256","typ":"JWT","kid":"one"}')
    signed = b".".join((header, issuer.token().split(".")[1].encode()))
    mac = hmac.HMAC(secret, hashes.SHA256())
    mac.update(signed)
    token = b".".join((signed, base64url_encode(mac.finalize()))).decode()
    assert refused(await ask(client, token), 401, "invalid_token")


async def test_a_strangers_signature_under_a_known_key_id_is_401(client: httpx.AsyncClient, issuer: Issuer) -> None:
    claims = jwt.decode(issuer.token(), options={"verify_signature": False})
    assert refused(await ask(client, jwt.encode(claims, key_pair("x"), "RS256", {"kid": "one"})), 401, "invalid_token")


async def test_a_rotated_key_is_found_by_asking_once_more(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    assert (await ask(client, issuer.token())).status_code == 200
    issuer.kids = ["one", "two"]
    clock.pass_by(seconds=6)
    assert (await ask(client, issuer.token(kid="two"))).status_code == 200
    assert issuer.asked == 2


async def test_garbage_key_ids_do_not_make_us_flood_the_issuer(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    answers = await asyncio.gather(*[ask(client, issuer.token(kid=f"k{n % 3}")) for n in range(9)])
    assert {answer.status_code for answer in answers} == {401}
    assert issuer.asked == 1
    clock.pass_by(seconds=6)
    await ask(client, issuer.token(kid="k1"))
    await ask(client, issuer.token(kid="k2"))
    assert issuer.asked == 2


async def test_a_withdrawn_key_is_believed_ten_minutes_and_no_longer(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    token = issuer.token()
    assert (await ask(client, token)).status_code == 200
    issuer.kids = ["two"]
    clock.pass_by(minutes=10, seconds=1)
    assert refused(await ask(client, token), 401, "invalid_token")


async def test_the_first_callers_all_wait_for_the_keys(client: httpx.AsyncClient, issuer: Issuer) -> None:
    """Nobody is turned away because somebody else is just asking the issuer."""
    issuer.open.clear()
    asking = [asyncio.create_task(ask(client, issuer.token(f"m-{number}"))) for number in range(10)]
    await asyncio.sleep(0)
    late = asyncio.create_task(ask(client, issuer.token("late")))
    issuer.open.set()
    assert [(await answer).status_code for answer in (*asking, late)] == [200] * 11
    assert issuer.asked == 1


async def test_a_silent_issuer_is_503_and_soon_asked_again(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    issuer.silent = True
    for _ in range(2):
        answer = await ask(client, issuer.token())
        assert refused(answer, 503, "issuer_unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    issuer.silent = False
    clock.pass_by(seconds=2)
    assert (await ask(client, issuer.token())).status_code == 200


async def test_known_keys_outlive_the_issuers_silence(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    assert (await ask(client, issuer.token())).status_code == 200
    issuer.silent = True
    clock.pass_by(minutes=11)
    assert (await ask(client, issuer.token())).status_code == 200
    clock.pass_by(minutes=1)
    assert refused(await ask(client, issuer.token(kid="two")), 503, "issuer_unavailable")


async def test_an_issuer_that_hangs_holds_up_nobody_whose_key_is_known(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    """However old the keys are, and however many come."""
    assert (await ask(client, issuer.token())).status_code == 200
    issuer.open.clear()
    for age in (timedelta(minutes=6), timedelta(minutes=10), timedelta(days=1)):
        clock.time += age
        tokens = [issuer.token(f"m-{age}-{number}") for number in range(20)]
        async with asyncio.timeout(issued.ISSUER_SECONDS / 4):
            answers = [await ask(client, token) for token in tokens]
        assert {answer.status_code for answer in answers} == {200}
    issuer.open.set()


async def test_callers_with_unknown_keys_share_one_wait_that_has_an_end(
    client: httpx.AsyncClient, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issued, "ISSUER_SECONDS", 0.2)
    issuer.open.clear()
    began = time.monotonic()
    answers = await asyncio.gather(*[ask(client, issuer.token(f"m-{number}")) for number in range(50)])
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - began < 2, "50 waits one after the other would be ten seconds"
    assert issuer.waiting == 1


async def test_strangers_key_ids_hold_up_nobody_while_the_issuer_hangs(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    assert (await ask(client, issuer.token())).status_code == 200
    clock.pass_by(seconds=6)
    issuer.open.clear()
    strangers = [asyncio.create_task(ask(client, issuer.token(kid="two"))) for _ in range(20)]
    await eventually(lambda: issuer.waiting == 1)
    async with asyncio.timeout(issued.ISSUER_SECONDS / 4):
        assert (await ask(client, issuer.token("m-2"))).status_code == 200
    issuer.open.set()
    assert {(await stranger).status_code for stranger in strangers} == {401}
    assert issuer.asked == 2


async def test_a_caller_that_goes_away_takes_nobodys_answer_along(client: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.open.clear()
    first = asyncio.create_task(ask(client, issuer.token("first")))
    await eventually(lambda: issuer.waiting == 1)
    second = asyncio.create_task(ask(client, issuer.token("second")))
    first.cancel()
    issuer.open.set()
    assert (await second).status_code == 200
    assert issuer.asked == 1


async def test_busy_processes_renew_keys_behind_the_calls(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    assert (await ask(client, issuer.token())).status_code == 200
    issuer.kids = ["two"]
    clock.pass_by(minutes=6)
    assert (await ask(client, issuer.token("m-2"))).status_code == 200
    await eventually(lambda: issuer.asked == 2)
    assert (await ask(client, issuer.token("m-3", kid="two"))).status_code == 200


async def test_a_clock_set_back_keeps_no_key_and_no_token_longer(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    token = issuer.token(exp=int(clock.now().timestamp()) + 86400)
    assert (await ask(client, token)).status_code == 200
    issuer.kids = ["two"]
    clock.pass_by(hours=-3)
    assert (await ask(client, token)).status_code == 200
    clock.pass_by(minutes=10, seconds=1)
    assert refused(await ask(client, token), 401, "invalid_token")


async def test_a_clock_set_back_delays_no_question_to_the_issuer(
    client: httpx.AsyncClient, issuer: Issuer, clock: HandClock
) -> None:
    issuer.silent = True
    assert (await ask(client, issuer.token())).status_code == 503
    clock.pass_by(hours=-3)
    assert (await ask(client, issuer.token())).status_code == 503
    issuer.silent = False
    clock.pass_by(seconds=2)
    assert (await ask(client, issuer.token())).status_code == 200


async def test_a_discovery_document_of_somebody_else_is_not_believed(client: httpx.AsyncClient, issuer: Issuer) -> None:
    issuer.calls_itself = "http://other.test"
    assert refused(await ask(client, issuer.token()), 503, "issuer_unavailable")


async def test_internal_routes_open_to_the_internal_token_alone(client: httpx.AsyncClient, issuer: Issuer) -> None:
    assert (await client.get("/internal")).status_code == 401
    assert (await client.get("/internal", headers={"X-Internal-Token": INTERNAL_TOKEN + "x"})).status_code == 401
    assert (await client.get("/internal", headers=issuer.bearer())).status_code == 401
    assert (await client.get("/internal", headers=issuer.authenticator().internal_headers)).json() == "inside"


async def test_es256_tokens_are_taken(clock: HandClock) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = {**json.loads(ECAlgorithm.to_jwk(key.public_key())), "kid": "ec"}

    def answer(request: httpx.Request) -> httpx.Response:
        found = {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/jwks.json"}
        return httpx.Response(200, json=found if "well-known" in request.url.path else {"keys": [jwk]})

    authenticator = Authenticator(
        ISSUER, lambda: httpx.AsyncClient(transport=httpx.MockTransport(answer)), clock, INTERNAL_TOKEN
    )
    now = int(clock.now().timestamp())
    claims = {"iss": ISSUER, "aud": ["milesaga"], "sub": "m-1", "scope": "carts", "exp": now + 60}
    caller = await authenticator.caller(jwt.encode(claims, key, "ES256", {"kid": "ec"}))
    assert caller == Caller("m-1", frozenset({"carts"}))


async def test_the_openapi_document_shows_the_bearer_scheme(issuer: Issuer) -> None:
    document = an_app(issuer.authenticator()).openapi()
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["paths"]["/carts"]["get"]["security"] == [{"bearer": []}]
