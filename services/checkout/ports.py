"""What the checkout needs from outside."""

from dataclasses import dataclass
from typing import Protocol

from shared.contracts.checkout import Total


class CartsUnavailable(Exception):
    """The cart service does not answer; nothing was done."""


@dataclass(frozen=True, slots=True)
class CartSummary:
    """A cart as it stands at this moment. `status` is open, locked, purchased or expired."""

    id: str
    member_id: str
    status: str
    items: int
    has_expired_offers: bool
    total: Total


class Carts(Protocol):
    """Tells about carts, without changing them."""

    async def find(self, cart_id: str) -> CartSummary | None:
        """The cart, or None where there is none. Raises CartsUnavailable."""
        ...
