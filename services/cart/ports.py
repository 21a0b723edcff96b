"""What the cart asks of the offers service."""

from typing import Protocol

from shared.contracts.offers import Price, Quote
from shared.kernel.errors import NotSent


class OffersUnavailable(NotSent):
    """The offers service is silent. Asking has no effect: it may be repeated."""


class Offers(Protocol):
    """Offers by their id. Both methods raise `OffersUnavailable`."""

    async def find(self, offer_id: str) -> Quote | None:
        """The offer as it was made, expired or not; None when there is none."""
        ...

    async def price_now(self, offer_id: str) -> Price | None:
        """What the airline asks now; None when the offer has expired or its flights are not for sale any more."""
        ...
