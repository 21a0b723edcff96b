"""What clients send. Unknown fields are refused."""

from pydantic import Field

from shared.contracts.checkout import CustomerContact, Payment
from shared.web.bodies import Body, Moment


class CheckoutBody(Body):
    """What to buy, how to pay, where to be told. `payment` is null only when nothing is left to pay in money."""

    cart_id: str = Field(min_length=1, max_length=255)
    payment: Payment | None
    contact: CustomerContact


class TimerBody(Body):
    """When the timer shall fire."""

    at: Moment
