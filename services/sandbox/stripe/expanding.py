"""`expand[]`: a payment method shown as an object instead of its id, in an intent or in each of a list."""

from typing import Any

from services.sandbox.stripe.errors import invalid
from services.sandbox.stripe.form import Form

FIELD = "payment_method"
# What the portal may print of a card. The numbers are those of Stripe's test cards.
LAST_FOUR = {
    "pm_card_visa": "4242",
    "pm_card_threeDSecureRequired": "3220",
    "pm_card_visa_chargeDeclined": "0002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "9995",
}


def expanded(body: dict[str, Any], form: Form) -> dict[str, Any]:
    """A copy of `body` with what the form asks for in full; what cannot be expanded is refused."""
    for name in [value for key, value in form.items() if key.split("[", 1)[0] == "expand"]:
        if name == FIELD and FIELD in body:
            body = body | {FIELD: _method(body)}
        elif name == f"data.{FIELD}" and "data" in body:
            shown = [each | {FIELD: _method(each)} if FIELD in each else each for each in body["data"]]
            body = body | {"data": shown}
        else:
            raise invalid(f"This property cannot be expanded ({name}).", "expand")
    return body


def _method(intent: dict[str, Any]) -> dict[str, Any] | None:
    id_ = intent[FIELD]
    if id_ is None:
        return None
    return {
        "id": id_,
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {"address": None, "email": None, "name": None, "phone": None, "tax_id": None},
        "card": {
            "brand": "visa",
            "country": "BR",
            "display_brand": "visa",
            "exp_month": 12,
            "exp_year": 2039,
            "funding": "credit",
            "last4": LAST_FOUR[id_],
            "wallet": None,
        },
        "created": intent["created"],
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
