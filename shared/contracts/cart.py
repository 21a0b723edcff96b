"""The cart's words."""

from typing import Annotated, Any, ClassVar

from pydantic import Field

from shared.contracts.checkout import Total
from shared.contracts.journey import Order, Part
from shared.contracts.steps import Answer, Command, Undo

LEFT_OUT_WHERE_NONE: Any = Field(exclude_if=lambda value: value is None)


class LockCart(Command):
    """Price the cart anew and keep it from changing while it is bought.
    Answers: CartLocked | StepRefused (`cart_empty`, `cart_locked`, `offer_expired`, `price_changed`, `not_found`)."""

    type: ClassVar[str] = "cart.lock.v1"
    cart_id: str
    member_id: str
    revision: Annotated[int | None, LEFT_OUT_WHERE_NONE] = None
    """The revision of the cart that was accepted; any other is refused as `price_changed`. A purchase that an older
    release began does not tell it."""
    total: Annotated[Total | None, LEFT_OUT_WHERE_NONE] = None
    """What was accepted to be paid for it; as for the revision."""


class CartLocked(Answer):
    """The cart is this purchase's alone; `order` is what it holds and costs."""

    type: ClassVar[str] = "cart.locked.v1"
    order: Order


class UnlockCart(Undo):
    """Give the cart back to its owner. Answers: StepUndone."""

    type: ClassVar[str] = "cart.unlock.v1"
    cart_id: str


class CloseCart(Command):
    """The cart was bought. Answers: CartClosed."""

    type: ClassVar[str] = "cart.close.v1"
    cart_id: str


class CartClosed(Answer):
    """The cart is `purchased` for good."""

    type: ClassVar[str] = "cart.closed.v1"


class CartAtCheckout(Part):
    """What a checkout must know of a cart before it begins, over the cart's internal route.

    `status` is open, locked, purchased or expired; `items` is a count, `expired_offers` are ids.
    """

    id: str
    member_id: str
    channel: str
    status: str
    currency: str
    items: int
    expired_offers: tuple[str, ...]
    total: Total
    revision: int
