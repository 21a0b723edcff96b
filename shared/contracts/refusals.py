"""Every code by which a step or a whole purchase is refused, and what to do about it: one table, for the page too.

Services of somebody else's may have codes of their own: readers take an unknown one as a plain refusal.
"""

from typing import Final, NamedTuple


class RefusalMeaning(NamedTuple):
    """What the code means; what whoever bought does about it."""

    means: str
    remedy: str


NEW_CART: Final = "Search again, and buy in a new cart."
OTHER_CARD: Final = "Buy again with another card."
OPERATOR: Final = "Nothing: an operator finds it in the purchase's timeline."
AGAIN: Final = "Buy again under a new key."

REFUSALS: Final[dict[str, RefusalMeaning]] = {
    "amount_not_chargeable": RefusalMeaning("The card gateway cannot charge this amount exactly.", NEW_CART),
    "authentication_required": RefusalMeaning("The card's issuer wants its holder to authenticate.", OTHER_CARD),
    "booking_refused": RefusalMeaning(
        "The airline does not take the order as it is; the detail says why.", "Change what the detail names."
    ),
    "bounced": RefusalMeaning("The mail server does not take the message.", "Give another address the next time."),
    "capture_refused": RefusalMeaning("The card gateway does not hold the money any more.", OTHER_CARD),
    "card_declined": RefusalMeaning("The card's issuer declined.", OTHER_CARD),
    "cart_empty": RefusalMeaning("There is nothing in the cart.", "Add a flight."),
    "cart_expired": RefusalMeaning("The cart has expired.", NEW_CART),
    "cart_locked": RefusalMeaning("The cart is being bought, or was bought.", "Look at that purchase."),
    "cart_not_found": RefusalMeaning("The member has no such cart.", "Buy one of the member's own carts."),
    "expired": RefusalMeaning("The time in which the step could be done went by.", AGAIN),
    "fenced": RefusalMeaning("The step was taken back before it came.", AGAIN),
    "idempotency_key_reused": RefusalMeaning("The key belongs to another order.", "Make a new key for each purchase."),
    "insufficient_funds": RefusalMeaning("The card has not enough funds.", OTHER_CARD),
    "insufficient_miles": RefusalMeaning("The account has not enough miles.", "Use fewer miles."),
    "invalid_address": RefusalMeaning("No mail can be sent to the address.", "Give another address the next time."),
    "invalid_token": RefusalMeaning("The card gateway does not know the card's token.", "Make a new token."),
    "issue_refused": RefusalMeaning("The airline issues no tickets for the booking; the detail says why.", NEW_CART),
    "no_account": RefusalMeaning("The member has no miles account.", "Open one, or use no miles."),
    "no_answer": RefusalMeaning("The service did not answer in the time there was.", AGAIN),
    "not_available": RefusalMeaning("What was asked for is documented, but not built yet.", "Pay by card, at once."),
    "not_done": RefusalMeaning("The step was tried several times, without any effect.", AGAIN),
    "not_found": RefusalMeaning("The cart is gone.", NEW_CART),
    "not_held": RefusalMeaning("The miles to redeem are not set aside.", OPERATOR),
    "not_voidable": RefusalMeaning("A ticket can be neither voided nor refunded any more.", OPERATOR),
    "offer_expired": RefusalMeaning("The price was promised until a time that has gone by.", NEW_CART),
    "other_hold": RefusalMeaning("The purchase has set aside another number of miles.", OPERATOR),
    "passengers_differ": RefusalMeaning(
        "The cart's flights have different passengers.", "Buy flights with different passengers one by one."
    ),
    "payment_required": RefusalMeaning("Something is left to pay in money, and no payment was given.", "Send one."),
    "price_changed": RefusalMeaning("The price is not the accepted one any more.", "Look at the cart, and buy again."),
    "refund_failed": RefusalMeaning("The card gateway could not pay the money back.", OPERATOR),
    "reservation_unknown": RefusalMeaning("The airline did not say whether it booked.", AGAIN),
    "seat_unavailable": RefusalMeaning("One of the seats is no longer free.", "Choose another seat."),
    "segment_unavailable": RefusalMeaning("One of the flights is no longer available.", NEW_CART),
    "superseded": RefusalMeaning("A later attempt at the same step has begun.", "Nothing: that one decides."),
    "unreadable": RefusalMeaning(
        "The order that came by message cannot be read; the detail says where.", "Send it as AsyncAPI says."
    ),
}
