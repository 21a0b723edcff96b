"""The cart service's internal HTTP route."""

from services.checkout.ports import CartsUnavailable
from shared.contracts.cart import CartAtCheckout
from shared.outside.neighbors import Neighbor


class HttpCarts:
    """Reads carts from the service that owns them."""

    def __init__(self, carts: Neighbor) -> None:
        self._carts = carts

    async def find(self, cart_id: str) -> CartAtCheckout | None:
        return await self._carts.get(CartAtCheckout, "/internal/carts/{id}", cart_id, CartsUnavailable)
