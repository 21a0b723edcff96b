"""Shopping over a line that breaks, hangs, or answers in no known shape."""

import asyncio
import base64
from collections.abc import Callable, Coroutine
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from services.offers.adapters.sabre_shopping import TOKENS, SabreShopping
from services.offers.domain import Query
from services.offers.ports import ShoppingUnavailable
from shared.outside.line import Line
from shared.outside.tokens import ClientCredentials
from tests.kit.clock import HandClock

Answer = Callable[[httpx.Request], Coroutine[Any, Any, httpx.Response]]
NOTHING: dict[str, Any] = {"groupedItineraryResponse": {}}
QUERY = Query("GRU", "LIS", date(2027, 1, 20), 1, "economy")


class Sabre:
    """Sabre as a function, that gives out tokens by itself."""

    def __init__(self, answer: Answer) -> None:
        self.tokens = 0
        self.asked: list[httpx.Request] = []
        self._answer = answer
        http = httpx.AsyncClient(base_url="http://sabre.test", transport=httpx.MockTransport(self._handle))
        line = Line(http, timedelta(seconds=0.3))
        credentials = ClientCredentials(line, TOKENS, "V1:id:MILE:AA", "secret", HandClock())
        self.shopping = SabreShopping(
            line.adapted(credentials=credentials),
            "MILE",
            HandClock(),
            timeout=timedelta(seconds=0.3),
            most_offers=10,
            seats_per_segment=30,
        )

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if request.url.path == "/v2/auth/token":
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"T{self.tokens}", "expires_in": 600})
        return await self._answer(request)


def always(response: httpx.Response) -> Answer:
    async def answer(_: httpx.Request) -> httpx.Response:
        return response

    return answer


async def test_credentials_are_encoded_as_sabre_wants_them() -> None:
    line = Sabre(always(httpx.Response(200, json=NOTHING)))
    await line.shopping.search(QUERY)
    scheme, encoded = line.asked[0].headers["Authorization"].split(" ")
    client_id, secret = base64.b64decode(encoded).split(b":")
    assert (scheme, base64.b64decode(client_id), base64.b64decode(secret)) == ("Basic", b"V1:id:MILE:AA", b"secret")
    assert line.asked[1].headers["Authorization"] == "Bearer T1"


async def test_calls_at_the_same_moment_share_one_token() -> None:
    line = Sabre(always(httpx.Response(200, json=NOTHING)))
    await asyncio.gather(*[line.shopping.search(QUERY) for _ in range(5)])
    assert line.tokens == 1


async def test_a_token_that_is_refused_twice_is_given_up() -> None:
    line = Sabre(always(httpx.Response(401)))
    with pytest.raises(ShoppingUnavailable):
        await line.shopping.search(QUERY)
    assert line.tokens == 2


async def test_a_broken_line_is_tried_once_more() -> None:
    broken = iter((True, False))

    async def answer(_: httpx.Request) -> httpx.Response:
        if next(broken):
            raise httpx.ReadError("closed")
        return httpx.Response(200, json=NOTHING)

    assert list(await Sabre(answer).shopping.search(QUERY)) == []


async def test_silence_ends_after_the_whole_calls_time() -> None:
    async def answer(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    line = Sabre(answer)
    async with asyncio.timeout(5):
        with pytest.raises(ShoppingUnavailable):
            await line.shopping.search(QUERY)
    assert len(line.asked) == 2, "a token and one call"


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"errors": []}),
        httpx.Response(200, json={"groupedItineraryResponse": {"itineraryGroups": [{}]}}),
        httpx.Response(204),
        httpx.Response(429),
        httpx.Response(500),
    ],
)
async def test_an_answer_of_no_known_shape_is_no_answer(response: httpx.Response) -> None:
    with pytest.raises(ShoppingUnavailable):
        await Sabre(always(response)).shopping.search(QUERY)
