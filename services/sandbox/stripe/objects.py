"""Stripe's objects as the sandbox fills them. Every field name is one of Stripe's OpenAPI fixtures."""

import secrets
import string
from typing import Any

ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """As Stripe's: an opaque name that tells its kind."""
    return f"{prefix}_3" + "".join(secrets.choice(ALPHABET) for _ in range(23))


def payment_intent(id_: str, amount: int, currency: str, created: int, **more: Any) -> dict[str, Any]:
    """A fresh intent; `more` replaces neutral values."""
    neutral = {
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{id_}_secret_{secrets.token_hex(12)}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": currency,
        "customer": None,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "processing": None,
        "receipt_email": None,
        "review": None,
        "setup_future_usage": None,
        "shipping": None,
        "source": None,
        "statement_descriptor": None,
        "statement_descriptor_suffix": None,
        "status": "requires_payment_method",
        "transfer_data": None,
        "transfer_group": None,
    }
    return neutral | more


def charge(intent: dict[str, Any], *, captured: int, refunded: int) -> dict[str, Any]:
    """The charge of an intent whose card's bank was asked: `failed` where it declined."""
    error = intent["last_payment_error"] or {}
    held = not error
    return {
        "id": intent["latest_charge"],
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": captured,
        "amount_refunded": refunded,
        "captured": captured > 0,
        "created": intent["created"],
        "currency": intent["currency"],
        "customer": None,
        "description": intent["description"],
        "failure_code": error.get("code"),
        "failure_message": error.get("message"),
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": held,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "refunded": held and captured == refunded > 0,
        "status": "succeeded" if held else "failed",
        "transfer_group": intent["transfer_group"],
    }


def refund(intent: dict[str, Any], amount: int, created: int, **more: Any) -> dict[str, Any]:
    """A refund that succeeded at once, as card refunds do; `more` replaces neutral values."""
    neutral = {
        "id": new_id("re"),
        "object": "refund",
        "amount": amount,
        "balance_transaction": None,
        "charge": intent["latest_charge"],
        "created": created,
        "currency": intent["currency"],
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": intent["id"],
        "reason": None,
        "receipt_number": None,
        "source_transfer_reversal": None,
        "status": "succeeded",
        "transfer_reversal": None,
    }
    return neutral | more


def page(kind: str, url: str, data: list[dict[str, Any]], *, has_more: bool = False) -> dict[str, Any]:
    """A `list` or a `search_result`."""
    shown: dict[str, Any] = {"object": kind, "data": data, "has_more": has_more, "url": url}
    return shown | ({"next_page": None} if kind == "search_result" else {})
