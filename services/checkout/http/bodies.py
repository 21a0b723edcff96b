"""What clients send. Unknown fields are refused."""

from typing import Annotated

from pydantic import Field

from shared.contracts.checkout import CustomerContact, Payment
from shared.web.bodies import Body, Moment


class CheckoutBody(Body):
    """What to buy, how to pay, where to be told. `payment` is null only when nothing is left to pay in money."""

    cart_id: str = Field(
        min_length=1, max_length=255, description="A cart of the caller's", examples=["0198f0c2-5a61-7c3e"]
    )
    payment: Payment | None = Field(description="Null only when nothing is left to pay in money")
    contact: CustomerContact = Field(description="Where the customer is told")


class TimerBody(Body):
    """When the timer shall fire."""

    at: Annotated[Moment, Field(description="With its zone", examples=["2027-01-20T10:00:00Z"])]
