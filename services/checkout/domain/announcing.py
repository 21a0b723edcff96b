"""What a change of a purchase is told to others: public events, and the customer."""

from collections.abc import Sequence

from services.checkout.domain.checkout import Checkout
from shared.contracts.checkout import CheckoutCancelled, CheckoutCompleted, CheckoutNeedsAttention, CheckoutRefused
from shared.contracts.messages import Message
from shared.contracts.notifications import NotifyCustomer, Template
from shared.saga.record import Status

NOTIFY = "notify"
"""The step named in the commands that tell the customer. Nobody waits for their answers: mail that is late or bounces
does not change what was bought."""


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
    )
