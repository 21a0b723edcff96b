"""The line to the offers service: what becomes of answers nobody expects."""

from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from services.cart.adapters.offers_http import OffersOverHttp
from services.cart.ports import OffersUnavailable
from shared.outside.neighbors import Neighbor

Answer = Callable[[httpx.Request], httpx.Response]


def offers(answer: Answer) -> OffersOverHttp:
    client = httpx.AsyncClient(base_url="http://offers.test", transport=httpx.MockTransport(answer))
    return OffersOverHttp(Neighbor(client, {"X-Internal-Token": "t"}, timedelta(seconds=0.2)))


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500),
        httpx.Response(401),
        httpx.Response(302),
        httpx.Response(200, json={"available": True}),
        httpx.Response(200, json={"available": True, "expired": False, "price": 5}),
    ],
)
async def test_an_answer_that_is_none_is_silence(answer: httpx.Response) -> None:
    with pytest.raises(OffersUnavailable):
        await offers(lambda _: answer).price_now("o-1")
    with pytest.raises(OffersUnavailable):
        await offers(lambda _: answer).find("o-1")


@pytest.mark.parametrize("answer", [{"available": False, "expired": False}, {"available": True, "expired": True}])
async def test_what_is_not_for_sale_has_no_price(answer: dict[str, bool]) -> None:
    assert await offers(lambda _: httpx.Response(200, json=answer)).price_now("o-1") is None


@pytest.mark.parametrize("offer_id", ["", "..", "a/b", "a%2Fb", "x" * 65, "é", "a?b"])
async def test_what_is_no_id_is_never_put_into_a_path(offer_id: str) -> None:
    def never(request: httpx.Request) -> httpx.Response:
        raise AssertionError(request.url)

    assert await offers(never).find(offer_id) is None


async def test_a_broken_line_is_tried_once_more_and_no_further() -> None:
    asked = 0

    def broken(_: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked in {1, 3, 4}:
            raise httpx.RemoteProtocolError("closed")
        return httpx.Response(404)

    port = offers(broken)
    assert await port.find("o-1") is None
    with pytest.raises(OffersUnavailable):
        await port.find("o-1")
    assert asked == 4


async def test_the_internal_token_is_shown() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["X-Internal-Token"] == "t"
        return httpx.Response(404)

    assert await offers(answer).price_now("o-1") is None
