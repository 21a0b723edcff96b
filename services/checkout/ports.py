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


class Senders(Protocol):
    """Knows who may start purchases by message."""

    def refusal(self, sender: str, member_id: str) -> str | None:
        """Why this sender may not buy for this member; None where it may. `sender` is the user that the broker
        checked, empty where the message names none. Raises when the entries cannot be read."""
        ...
