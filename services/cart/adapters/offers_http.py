"""The offers service over its internal HTTP routes."""

from services.cart.ports import OffersUnavailable
from shared.contracts.offers import Price, PriceNow, Quote
from shared.outside.neighbors import Neighbor


class OffersOverHttp:
    """The `Offers` port. A broken line is tried once more; whoever met silence comes again."""

    def __init__(self, offers: Neighbor) -> None:
        self._offers = offers

    async def find(self, offer_id: str) -> Quote | None:
        return await self._offers.get(Quote, "/internal/offers/{id}", offer_id, OffersUnavailable)

    async def price_now(self, offer_id: str) -> Price | None:
        found = await self._offers.get(PriceNow, "/internal/offers/{id}/price", offer_id, OffersUnavailable)
        return found.for_sale() if found else None
