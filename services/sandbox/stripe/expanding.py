"""`expand[]`: a payment method or an intent shown as an object instead of its id, alone or in each of a list."""

from typing import Any

from services.sandbox.stripe.errors import invalid
from services.sandbox.stripe.form import Form

METHOD, INTENT = "payment_method", "payment_intent"
# What the portal may print of a card. The numbers are those of Stripe's test cards.
LAST_FOUR = {
    "pm_card_visa": "4242",
    "pm_card_pendingRefund": "7726",
    "pm_card_threeDSecureRequired": "3220",
    "pm_card_visa_chargeDeclined": "0002",
    "pm_card_visa_chargeDeclinedInsufficientFunds": "9995",
}


def expanded(body: dict[str, Any], form: Form) -> dict[str, Any]:
    """A copy of `body` with what the form asks for in full; what cannot be expanded is refused."""
    for name in [value for key, value in form.items() if key.split("[", 1)[0] == "expand"]:
        body = _expanded(body, name.split("."), name)
    return body


def _expanded(body: dict[str, Any], path: list[str], name: str) -> dict[str, Any]:
    """Along the path: through a list's `data`, and through an intent that a charge shows whole."""
    field, *rest = path
    if field == "data" and rest and "data" in body:
        return body | {"data": [_expanded(each, rest, name) for each in body["data"]]}
    if field == METHOD and not rest and METHOD in body:
        return body | {METHOD: _method(body)}
    if field == INTENT and isinstance(body.get(INTENT), dict):
        return body | {INTENT: _expanded(body[INTENT], rest, name)} if rest else body
    raise invalid(f"This property cannot be expanded ({name}).", "expand")


def _method(shown: dict[str, Any]) -> dict[str, Any] | None:
    id_ = shown[METHOD]
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
        "created": shown["created"],
        "customer": None,
        "livemode": False,
        "metadata": {},
        "type": "card",
    }
