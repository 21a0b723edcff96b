"""What the checkout needs from outside."""

from typing import Protocol

from shared.contracts.cart import CartAtCheckout


class CartsUnavailable(Exception):
    """The cart service does not answer; nothing was done."""


class Carts(Protocol):
    """Tells about carts, without changing them."""

    async def find(self, cart_id: str) -> CartAtCheckout | None:
        """The cart, or None where there is none. Raises CartsUnavailable."""
        ...
