"""Offers over HTTP: the public search, and what the cart asks."""

import re
from collections.abc import Sequence
from typing import Annotated

from fastapi import Path, Query, Request, Response

from services.offers import domain
from services.offers.cases.quoting import Quoting
from services.offers.http.bodies import IATA, Search
from services.offers.http.views import ShownOffer, ShownOffers
from services.offers.ports import ShoppingUnavailable
from shared.contracts.offers import PriceNow, Quote
from shared.kernel.clock import Clock
from shared.web.answers import answer
from shared.web.auth import Authenticator
from shared.web.docs import READING, answers
from shared.web.problems import Fault, Problem, not_found, try_again
from shared.web.routes import Routes

OfferId = Annotated[str, Path(description="An offer as a search found it.", examples=["0198f0c2-5a61-7c3e"])]
_IATA = re.compile(IATA)


def routes(quoting: Quoting, clock: Clock, authenticator: Authenticator) -> Routes:
    """The service's routes: public under `/v1/offers`, for services under `/internal/offers`."""
    router = Routes("offers")
    _public(router, quoting, clock, authenticator)
    _internal(router, quoting, clock, authenticator)
    return router


def _public(router: Routes, quoting: Quoting, clock: Clock, authenticator: Authenticator) -> None:
    known = [authenticator.allowed("offers")]

    @router.get(
        "/v1/offers",
        dependencies=known,
        response_model=None,
        responses=answers(ShownOffers, 400, 401, 403, 422, 503),
    )
    async def search(asked: Annotated[Search, Query()]) -> Response:
        """Search flights, with their seats and bags. No flights on a route or day: an empty list."""
        query = _query(asked)
        try:
            domain.check(query, clock.now())
            offers = await quoting.search(query)
        except domain.WrongQuery as wrong:
            raise _wrong([Fault(wrong.detail, parameter=wrong.parameter)]) from wrong
        except ShoppingUnavailable as error:
            raise _gds_silent() from error
        return answer(ShownOffers(offers=[ShownOffer.model_validate(offer) for offer in offers]))

    @router.get(
        "/v1/offers/{offer_id}",
        dependencies=known,
        response_model=None,
        responses=answers(ShownOffer, *READING, 410),
    )
    async def read(offer_id: OfferId) -> Response:
        """An offer while it lives; 410 after."""
        offer = await _found(quoting, offer_id)
        if offer.expired(clock.now()):
            raise Problem(410, "offer_expired", "The offer has expired: search again")
        return answer(ShownOffer.model_validate(offer))


def _internal(router: Routes, quoting: Quoting, clock: Clock, authenticator: Authenticator) -> None:
    @router.internal("/internal/offers/{offer_id}", authenticator)
    async def whole(request: Request) -> Response:
        offer = await _found(quoting, request.path_params["offer_id"])
        return answer(Quote(**offer.model_dump(), expired=offer.expired(clock.now())))

    @router.internal("/internal/offers/{offer_id}/price", authenticator)
    async def price_now(request: Request) -> Response:
        offer = await _found(quoting, request.path_params["offer_id"])
        try:
            fare = await quoting.reprice(offer)
        except ShoppingUnavailable as error:
            raise _gds_silent() from error
        expired = offer.expired(clock.now())
        if fare is None:
            return answer(PriceNow(available=False, expired=expired), sparse=True)
        miles = quoting.miles_for(fare, offer.adults)
        found = PriceNow(available=True, expired=expired, price=fare.price, taxes=fare.taxes, miles=miles)
        return answer(found, sparse=True)


async def _found(quoting: Quoting, offer_id: str) -> domain.Offer:
    offer = await quoting.find(offer_id)
    if offer is None:
        raise not_found("offer")
    return offer


def _query(asked: Search) -> domain.Query:
    codes = {"from": asked.origin, "to": asked.destination}
    expected = "must be the three capital letters of an airport, such as GRU"
    wrong = [Fault(expected, parameter=name) for name, code in codes.items() if not _IATA.fullmatch(code)]
    if wrong:
        raise _wrong(wrong)
    return domain.Query(asked.origin, asked.destination, asked.date, asked.adults, asked.cabin)


def _wrong(faults: Sequence[Fault]) -> Problem:
    detail = "; ".join(f"{fault.parameter} {fault.detail}" for fault in faults)
    return Problem(422, "invalid_request", detail, errors=faults)


def _gds_silent() -> Problem:
    detail = "The airlines' distribution system does not answer; try again"
    return try_again("airline_unavailable", detail, seconds=2)
