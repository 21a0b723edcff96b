"""What a change of a purchase is told to others: public events, and the customer."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from services.checkout.domain.checkout import Checkout, checkout_id
from shared.contracts.checkout import (
    CheckoutCancelled,
    CheckoutCompleted,
    CheckoutNeedsAttention,
    CheckoutRefused,
    MemberId,
    VisibleText,
)
from shared.contracts.messages import Message
from shared.contracts.notifications import NotifyCustomer, Template
from shared.contracts.steps import Refusal
from shared.saga.record import Status

NOTIFY = "notify"
"""The step named in the commands that tell the customer. Nobody waits for their answers: mail that is late or bounces
does not change what was bought."""
LONGEST_ID = 255
START = "start"
"""The step named in the refusal of what never began."""


class NamedPurchase(BaseModel):
    """What must be readable of an order for anybody to be told that the rest of it is not."""

    key: VisibleText
    member_id: MemberId
    cart_id: Any = None


def announce(before: Checkout, after: Checkout) -> Sequence[Message]:
    """The messages that go with a change of status, saved in the same write."""
    if before.record.status is after.record.status:
        return ()
    match after.record.status:
        case Status.COMPLETED:
            return (_completed(after), _notice(after, "completed"))
        case Status.REFUSED:
            return (refused_event(after), _notice(after, "refused"))
        case Status.CANCELLED:
            return (_cancelled(after), _notice(after, "cancelled"))
        case Status.NEEDS_ATTENTION:
            return (_needs_attention(after), _notice(after, "needs_attention"))
        case _:
            return ()


def refused_event(checkout: Checkout) -> Message:
    """What everybody is told of a purchase that was not made."""
    return CheckoutRefused(
        checkout_id=checkout.id,
        key=checkout.key,
        member_id=checkout.member_id,
        cart_id=checkout.state.cart_id,
        refusal=checkout.refusal,
    )


def unreadable_event(named: NamedPurchase, why: str) -> Message:
    """What whoever sent an order is told when it cannot be read: nothing began."""
    return CheckoutRefused(
        checkout_id=checkout_id(named.member_id, named.key),
        key=named.key,
        member_id=named.member_id,
        cart_id=named.cart_id if isinstance(named.cart_id, str) and len(named.cart_id) <= LONGEST_ID else "",
        refusal=Refusal(step=START, code="unreadable", detail=why),
    )


def _completed(checkout: Checkout) -> Message:
    return CheckoutCompleted(
        checkout_id=checkout.id,
        key=checkout.key,
        member_id=checkout.member_id,
        cart_id=checkout.state.cart_id,
        total=checkout.state.due,
        locators=checkout.state.locators,
        tickets=checkout.state.tickets,
    )


def _cancelled(checkout: Checkout) -> Message:
    return CheckoutCancelled(
        checkout_id=checkout.id,
        key=checkout.key,
        member_id=checkout.member_id,
        cart_id=checkout.state.cart_id,
        refusal=checkout.refusal,
    )


def _needs_attention(checkout: Checkout) -> Message:
    return CheckoutNeedsAttention(
        checkout_id=checkout.id,
        key=checkout.key,
        member_id=checkout.member_id,
        step=checkout.record.current,
    )


def _notice(checkout: Checkout, template: Template) -> Message:
    purchase = checkout.state
    return NotifyCustomer(
        purchase_id=checkout.id,
        step=NOTIFY,
        part=template,
        template=template,
        contact=purchase.contact,
        total=purchase.total,
        order=purchase.order,
        locators=purchase.locators,
        tickets=purchase.tickets,
        documents=purchase.documents,
        refusal=checkout.refusal,
        paid_with=purchase.paid_with,
        answer_wanted=False,
    )
