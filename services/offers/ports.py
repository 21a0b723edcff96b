"""What the offers service asks of a distribution system (GDS)."""

from collections.abc import Sequence
from typing import Protocol

from services.offers.domain import Extras, Fare, Itinerary, Offer, Query


class ShoppingUnavailable(Exception):
    """The distribution system does not answer, or not in a way that can be understood. Asking has no effect: repeat."""


class Shopping(Protocol):
    """Looks for flights and their prices; nothing is booked by it. Every method raises `ShoppingUnavailable`."""

    async def search(self, query: Query) -> Sequence[Itinerary]:
        """Itineraries for sale, cheapest first; none where nobody flies or nothing is left."""
        ...

    async def extras(self, itineraries: Sequence[Itinerary]) -> Sequence[Extras]:
        """Free seats and bags of each itinerary, in the same order; nothing where the carrier sells none."""
        ...

    async def reprice(self, offer: Offer) -> Fare | None:
        """What the offer's flights cost now, for its adults; None when one of them is not for sale any more."""
        ...
