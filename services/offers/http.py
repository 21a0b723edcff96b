"""Offers over HTTP: the public search, and what the cart asks."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.offers import domain
from services.offers.ports import ShoppingUnavailable
from services.offers.quoting import Quoting
from shared.kernel.clock import Clock
from shared.kernel.money import Money
from shared.web.auth import Authenticator
from shared.web.docs import READING, problems
from shared.web.problems import Fault, Problem

Airport = Annotated[str, Field(description="IATA code of an airport, such as GRU")]
_IATA = re.compile(r"[A-Z]{3}")


class Search(BaseModel):
    """The query of a search."""

    model_config = ConfigDict(extra="forbid")

    origin: Annotated[Airport, Field(alias="from")]
    destination: Annotated[Airport, Field(alias="to")]
    date: Annotated[date, Field(description="Day of departure, such as 2027-01-20")]
    adults: Annotated[int, Field(ge=1, le=9)] = 1
    cabin: domain.Cabin = "economy"


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class OfferedSegment(Shown):
    """One flight; times carry their airport's offset."""

    carrier: str
    number: str
    origin: str = Field(serialization_alias="from")
    destination: str = Field(serialization_alias="to")
    departs_at: AwareDatetime
    arrives_at: AwareDatetime
    cabin: domain.Cabin


class OfferedSeat(Shown):
    """A free seat; the price is per passenger and segment."""

    segment: int
    seat: str
    price: Money


class OfferedBag(Shown):
    """Bags of one passenger for the whole journey; the price is for that number of pieces."""

    pieces: int
    price: Money


class ShownOffer(Shown):
    """Flights at a price: `price` (without taxes), `taxes` and `miles` are totals for all `adults`."""

    id: str
    expires_at: AwareDatetime
    adults: int
    cabin: domain.Cabin
    segments: list[OfferedSegment]
    price: Money
    taxes: Money
    miles: int
    seats: list[OfferedSeat]
    bags: list[OfferedBag]


class ShownOffers(Shown):
    """What a search found, cheapest first."""

    offers: list[ShownOffer]


def routes(quoting: Quoting, clock: Clock, authenticator: Authenticator) -> APIRouter:
    """The service's routes: public under `/v1/offers`, for services under `/internal/offers`."""
    router = APIRouter(tags=["offers"])
    _public(router, quoting, clock, authenticator)
    _internal(router, quoting, clock, authenticator)
    return router


def _public(router: APIRouter, quoting: Quoting, clock: Clock, authenticator: Authenticator) -> None:
    known = [Depends(authenticator.requires("offers"))]

    @router.get(
        "/v1/offers",
        dependencies=known,
        response_model=None,
        responses={200: {"model": ShownOffers}, **problems(401, 403, 422, 503)},
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
        return _json(ShownOffers(offers=[ShownOffer.model_validate(offer) for offer in offers]))

    @router.get(
        "/v1/offers/{offer_id}",
        dependencies=known,
        response_model=None,
        responses={200: {"model": ShownOffer}, **problems(*READING, 410)},
    )
    async def read(offer_id: str) -> Response:
        """An offer while it lives; 410 after."""
        offer = await _found(quoting, offer_id)
        if offer.expired(clock.now()):
            raise Problem(410, "offer_expired", "The offer has expired: search again")
        return _json(ShownOffer.model_validate(offer))


def _internal(router: APIRouter, quoting: Quoting, clock: Clock, authenticator: Authenticator) -> None:
    services_only = [Depends(authenticator.internal_only)]

    @router.get("/internal/offers/{offer_id}", dependencies=services_only, include_in_schema=False)
    async def whole(offer_id: str) -> dict[str, Any]:
        offer = await _found(quoting, offer_id)
        return {**offer.model_dump(mode="json"), "expired": offer.expired(clock.now())}

    @router.get("/internal/offers/{offer_id}/price", dependencies=services_only, include_in_schema=False)
    async def price_now(offer_id: str) -> dict[str, Any]:
        offer = await _found(quoting, offer_id)
        try:
            fare = await quoting.reprice(offer)
        except ShoppingUnavailable as error:
            raise _gds_silent() from error
        expired = offer.expired(clock.now())
        if fare is None:
            return {"available": False, "expired": expired}
        miles = quoting.miles_for(fare, offer.adults)
        return {"available": True, "expired": expired, **fare.model_dump(mode="json"), "miles": miles}


async def _found(quoting: Quoting, offer_id: str) -> domain.Offer:
    offer = await quoting.find(offer_id)
    if offer is None:
        raise Problem(404, "not_found", "There is no such offer")
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
    return Problem(503, "airline_unavailable", detail, headers={"Retry-After": "2"})


def _json(shown: Shown) -> Response:
    """Straight from the model: an answer holds hundreds of seats, too many to go through Python twice."""
    return Response(shown.model_dump_json(by_alias=True), media_type="application/json")
