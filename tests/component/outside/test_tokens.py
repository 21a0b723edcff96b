"""Tokens: one request for all who wait, the known one answers at once, a failure is everybody's."""

import asyncio
import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from shared.kernel.errors import NotSent
from shared.outside.line import Line
from shared.outside.tokens import ClientCredentials, TokenIssuer
from tests.eventually import eventually
from tests.kit.clock import HandClock


class Issuer:
    """Gives out T1, T2 ... for ten minutes each."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.asked: list[httpx.Request] = []
        self.silent = asyncio.Event()
        self.silent.set()
        self.answer: Callable[[], httpx.Response] = lambda: self.granting({})
        client = httpx.AsyncClient(
            base_url="http://issuer.test", transport=httpx.MockTransport(self._handle), trust_env=False
        )
        line = Line(client, timedelta(seconds=0.5))
        self.tokens = ClientCredentials(line, TokenIssuer("/token"), "a client:1", "pass/word", self.clock)

    def granting(self, changed: dict[str, Any]) -> httpx.Response:
        granted = {"access_token": f"T{len(self.asked)}", "token_type": "bearer", "expires_in": 600}
        return httpx.Response(200, json=granted | changed)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        await self.silent.wait()
        return self.answer()


async def test_a_token_is_asked_for_once_and_kept() -> None:
    issuer = Issuer()
    assert [await issuer.tokens.current() for _ in range(3)] == ["Bearer T1"] * 3
    (asked,) = issuer.asked
    assert (asked.method, asked.url.path, asked.content) == ("POST", "/token", b"grant_type=client_credentials")


async def test_id_and_secret_are_form_encoded_before_they_are_joined() -> None:
    issuer = Issuer()
    await issuer.tokens.current()
    scheme, _, credentials = issuer.asked[0].headers["Authorization"].partition(" ")
    assert (scheme, base64.b64decode(credentials)) == ("Basic", b"a+client%3A1:pass%2Fword")


async def test_a_crowd_asks_once() -> None:
    issuer = Issuer()
    assert set(await asyncio.gather(*[issuer.tokens.current() for _ in range(100)])) == {"Bearer T1"}
    assert len(issuer.asked) == 1


async def test_a_crowd_before_a_silent_issuer_waits_as_long_as_one() -> None:
    issuer = Issuer()
    issuer.silent.clear()
    async with asyncio.timeout(5):
        outcomes = await asyncio.gather(*[issuer.tokens.current() for _ in range(100)], return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {NotSent}
    assert len(issuer.asked) == 1


async def test_who_goes_away_takes_the_token_from_nobody() -> None:
    issuer = Issuer()
    issuer.silent.clear()
    first, second = (asyncio.create_task(issuer.tokens.current()) for _ in range(2))
    await eventually(lambda: len(issuer.asked) == 1)
    first.cancel()
    issuer.silent.set()
    assert await second == "Bearer T1"


async def test_a_token_is_renewed_behind_everybodys_back_while_it_is_still_good() -> None:
    issuer = Issuer()
    await issuer.tokens.current()
    issuer.clock.pass_by(seconds=545)
    issuer.silent.clear()
    assert await issuer.tokens.current() == "Bearer T1"
    await eventually(lambda: len(issuer.asked) == 2)
    issuer.silent.set()

    async def renewed() -> bool:
        return await issuer.tokens.current() == "Bearer T2"

    await eventually(renewed)
    assert len(issuer.asked) == 2


async def test_a_token_near_its_end_is_not_used_any_more() -> None:
    issuer = Issuer()
    await issuer.tokens.current()
    issuer.clock.pass_by(seconds=570)
    assert await issuer.tokens.current() == "Bearer T2"


async def test_one_that_was_not_accepted_is_dropped_but_not_its_successor() -> None:
    issuer = Issuer()
    first = await issuer.tokens.current()
    issuer.tokens.drop(first)
    assert await issuer.tokens.current() == "Bearer T2"
    issuer.tokens.drop(first)
    assert await issuer.tokens.current() == "Bearer T2"


@pytest.mark.parametrize(
    "changed",
    [
        {"access_token": ""},
        {"access_token": None},
        {"access_token": "a\r\nX-Evil: 1"},
        {"access_token": "é"},
        {"expires_in": 0},
        {"expires_in": -5},
        {"expires_in": "soon"},
        {"expires_in": None},
        {"expires_in": 10**12},
    ],
)
async def test_what_is_no_token_is_none(changed: dict[str, Any]) -> None:
    issuer = Issuer()
    issuer.answer = lambda: issuer.granting(changed)
    with pytest.raises(NotSent):
        await issuer.tokens.current()


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500, 503])
async def test_without_a_token_nothing_has_been_asked(status: int) -> None:
    issuer = Issuer()
    issuer.answer = lambda: httpx.Response(status, json={})
    with pytest.raises(NotSent):
        await issuer.tokens.current()


@pytest.mark.parametrize("back", [timedelta(minutes=1), timedelta(hours=3), timedelta(days=400)])
async def test_a_clock_set_back_keeps_no_token_longer(back: timedelta) -> None:
    issuer = Issuer()
    assert await issuer.tokens.current() == "Bearer T1"
    issuer.clock.time -= back
    assert await issuer.tokens.current() == "Bearer T1"
    issuer.clock.pass_by(seconds=600)
    assert await issuer.tokens.current() == "Bearer T2"
