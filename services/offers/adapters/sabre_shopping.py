"""Shopping at Sabre: Bargain Finder Max, revalidation, seat maps, ancillaries.

Sources: Sabre Dev Studio, Authentication v2, Bargain Finder Max v5 (grouped itinerary response), Revalidate Itinerary
v5, Get Seats v1, Get Ancillaries v2.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, TypeVar

from services.offers.adapters import sabre_shapes as shapes
from services.offers.domain import (
    BagPrice,
    Extras,
    Fare,
    Itinerary,
    Offer,
    Query,
    SeatPrice,
    Segment,
    some_itineraries,
    some_seats,
)
from services.offers.ports import ShoppingUnavailable
from shared.kernel.clock import Clock
from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown
from shared.outside.line import Json, Line, Request
from shared.outside.tokens import TokenIssuer, in_base64

log = logging.getLogger(__name__)

T = TypeVar("T")

TOKENS = TokenIssuer("/v2/auth/token", encoded=in_base64)
SHOP = "/v5/offers/shop"
REVALIDATE = "/v5/shop/flights/revalidate"
SEATS = "/v1/offers/getseats"
ANCILLARIES = "/v2/offers/getancillaries"
SEGMENTS_PER_CALL = 8
"""What one request for seat maps may name."""
BAGS_FOR = timedelta(minutes=5)
JOURNEYS_REMEMBERED = 2000


class SabreShopping:
    """The `Shopping` port on Sabre. Nothing here books or holds anything, so any call may be repeated."""

    def __init__(
        self,
        line: Line,
        pseudo_city: str,
        clock: Clock,
        *,
        timeout: timedelta,
        most_offers: int,
        seats_per_segment: int,
    ) -> None:
        """`timeout` bounds one call as a whole, its token and repetition included."""
        self._line = line
        self._seconds = timeout.total_seconds()
        self._clock = clock
        self._filed_bags: dict[tuple[Segment, ...], tuple[datetime, tuple[BagPrice, ...]]] = {}
        self._pseudo_city = pseudo_city
        self._most_offers = most_offers
        self._seats_per_segment = seats_per_segment

    async def search(self, query: Query) -> Sequence[Itinerary]:
        answer = await self._ask(SHOP, shapes.shop_request(query, self._pseudo_city))
        found = _read(answer, lambda: list(shapes.itineraries(answer)))
        return some_itineraries(found, self._most_offers)

    async def extras(self, itineraries: Sequence[Itinerary]) -> Sequence[Extras]:
        segments = list(dict.fromkeys(segment for one in itineraries for segment in one.segments))
        seats, bags = await asyncio.gather(
            self._seats(segments), asyncio.gather(*[self._bags(one.segments) for one in itineraries])
        )
        return [
            Extras(seats=_numbered(seats, one.segments), bags=found)
            for one, found in zip(itineraries, bags, strict=True)
        ]

    async def reprice(self, offer: Offer) -> Fare | None:
        first, last = offer.segments[0], offer.segments[-1]
        query = Query(first.origin, last.destination, first.departs_at.date(), offer.adults, offer.cabin)
        answer = await self._ask(REVALIDATE, shapes.shop_request(query, self._pseudo_city, offer.segments))
        found = _read(answer, lambda: next(shapes.itineraries(answer), None))
        return found.fare if found else None

    async def _ask(self, path: str, body: Json) -> Json:
        """What Sabre answers, its decimals exact. Silence is not borne for long, because the asker waits."""
        try:
            async with asyncio.timeout(self._seconds):
                return (await self._line.send(Request("POST", path, operation=path, json=body, repeatable=True))).body
        except (NotSent, OutcomeUnknown, Misconfigured, TimeoutError) as error:
            log.warning("sabre gave no answer", extra={"operation": path, "error": type(error).__name__})
            raise ShoppingUnavailable(f"{path}: {type(error).__name__}") from error

    async def _seats(self, segments: Sequence[Segment]) -> dict[Segment, tuple[SeatPrice, ...]]:
        """The free seats of each flight; several itineraries may share one."""
        if not self._seats_per_segment:
            return {}
        calls = [
            self._seat_maps(segments[start : start + SEGMENTS_PER_CALL])
            for start in range(0, len(segments), SEGMENTS_PER_CALL)
        ]
        return {segment: seats for found in await asyncio.gather(*calls) for segment, seats in found.items()}

    async def _seat_maps(self, segments: Sequence[Segment]) -> dict[Segment, tuple[SeatPrice, ...]]:
        answer = await self._ask(SEATS, _segments(segments))
        return _read(answer, lambda: self._offered(answer, segments))

    def _offered(self, answer: Any, segments: Sequence[Segment]) -> dict[Segment, tuple[SeatPrice, ...]]:
        maps = answer["response"]["seatMaps"]
        return {
            segments[int(one["paxSegmentRefId"])]: some_seats(shapes.free_seats(one), self._seats_per_segment)
            for one in maps
        }

    async def _bags(self, segments: tuple[Segment, ...]) -> tuple[BagPrice, ...]:
        """Bag prices are filed, not sold out: they are remembered for a while, unlike fares and seats."""
        now = self._clock.now()
        until, known = self._filed_bags.get(segments, (now, ()))
        if now < until:
            return known
        answer = await self._ask(ANCILLARIES, _segments(segments))
        found = _read(answer, lambda: shapes.bags(answer))
        self._filed_bags.pop(segments, None)
        self._filed_bags[segments] = (now + BAGS_FOR, found)
        if len(self._filed_bags) > JOURNEYS_REMEMBERED:
            del self._filed_bags[next(iter(self._filed_bags))]
        return found


def _segments(segments: Sequence[Segment]) -> dict[str, Any]:
    requests = [shapes.segment_request(reference, segment) for reference, segment in enumerate(segments)]
    return {"requestType": "payload", "request": {"paxSegments": requests}}


def _numbered(seats: dict[Segment, tuple[SeatPrice, ...]], segments: Sequence[Segment]) -> tuple[SeatPrice, ...]:
    """The seats of an itinerary, with the numbers its segments have there."""
    return tuple(
        SeatPrice(segment=number, seat=one.seat, price=one.price)
        for number, segment in enumerate(segments)
        for one in seats.get(segment, ())
    )


def _read(answer: Any, meaning: Callable[[], T]) -> T:
    """What an answer means; one that is not of the documented shape is no answer."""
    try:
        return meaning()
    except (KeyError, IndexError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        fields = {"error": type(error).__name__, "shape": sorted(answer)[:5] if isinstance(answer, dict) else "other"}
        log.error("sabre answered in an unknown shape", extra=fields)  # noqa: TRY400 - values may be anything
        raise ShoppingUnavailable("an answer of unknown shape") from error
