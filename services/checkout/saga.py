"""The business process: how a purchase is carried out, and how it is taken back.

Money and miles are secured first, because a ticket is the hardest thing to undo; then the three irreversible acts
follow in this order: tickets, money, miles.
"""

from services.checkout.domain.checkout import Purchase
from shared.contracts import cart, miles, payment, ticketing
from shared.saga.definition import Saga, step

CHECKOUT = Saga[Purchase](
    name="checkout",
    version=1,
    steps=(
        step(
            "lock cart",
            send=lambda p, at: cart.LockCart(
                **at, cart_id=p.cart_id, member_id=p.member_id, revision=p.revision, total=p.accepted
            ),
            expect=cart.CartLocked,
            keep=lambda p, locked: p.priced(locked.order),
            undo=lambda p, at: cart.UnlockCart(**at, cart_id=p.cart_id),
        ),
        step(
            "hold miles",
            when=lambda p: p.miles > 0,
            send=lambda p, at: miles.HoldMiles(**at, member_id=p.member_id, miles=p.miles),
            expect=miles.MilesHeld,
            undo=lambda p, at: miles.ReleaseMiles(**at, member_id=p.member_id),
        ),
        step(
            "reserve booking",
            send=lambda p, at: ticketing.ReserveBooking(**at, order=p.locked_order, contact=p.contact),
            expect=ticketing.BookingReserved,
            keep=lambda p, reserved: p.reserved(reserved.locators),
            forget=lambda p: p.reserved(()),
            undo=lambda _, at: ticketing.CancelBooking(**at),
        ),
        step(
            "authorize payment",
            when=lambda p: p.money.amount > 0,
            send=lambda p, at: payment.AuthorizeCard(**at, amount=p.money, card_token=p.card.token),
            expect=payment.CardAuthorized,
            keep=lambda p, authorized: p.paid_by(authorized.masked),
            undo=lambda _, at: payment.VoidAuthorization(**at),
        ),
        step(
            "issue tickets",
            pivot=True,
            send=lambda _, at: ticketing.IssueTickets(**at),
            expect=ticketing.TicketsIssued,
            keep=lambda p, issued: p.ticketed(issued.tickets, issued.documents),
            forget=lambda p: p.ticketed((), ()),
            undo=lambda _, at: ticketing.VoidTickets(**at),
        ),
        step(
            "capture payment",
            when=lambda p: p.money.amount > 0,
            send=lambda p, at: payment.CapturePayment(**at, amount=p.money),
            expect=payment.PaymentCaptured,
            undo=lambda _, at: payment.RefundPayment(**at),
            unwinds=True,
        ),
        step(
            "redeem miles",
            when=lambda p: p.miles > 0,
            send=lambda p, at: miles.RedeemMiles(**at, member_id=p.member_id, miles=p.miles),
            expect=miles.MilesRedeemed,
            undo=lambda p, at: miles.ReverseMiles(**at, member_id=p.member_id),
        ),
        step(
            "close cart",
            send=lambda p, at: cart.CloseCart(**at, cart_id=p.cart_id),
            expect=cart.CartClosed,
        ),
        step(
            "accrue miles",
            when=lambda p: p.earned > 0,
            send=lambda p, at: miles.AccrueMiles(**at, member_id=p.member_id, miles=p.earned),
            expect=miles.MilesAccrued,
        ),
    ),
)

VERSIONS = {CHECKOUT.version: CHECKOUT}
"""Every version that purchases may still be in."""
