"""Payment intents: authorise, capture, cancel. Amounts are minor units; the table's columns are what really moved."""

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.sandbox.stripe import form as read
from services.sandbox.stripe.errors import declined, invalid, not_found, unexpected_state
from services.sandbox.stripe.objects import new_id, payment_intent

CREATE = frozenset(
    {
        "amount",
        "currency",
        "capture_method",
        "confirm",
        "confirmation_method",
        "payment_method",
        "payment_method_data",
        "payment_method_types",
        "payment_method_options",
        "automatic_payment_methods",
        "off_session",
        "return_url",
        "description",
        "metadata",
        "statement_descriptor",
        "statement_descriptor_suffix",
        "receipt_email",
        "customer",
        "transfer_group",
        "expand",
    }
)
CAPTURE = frozenset({"amount_to_capture", "final_capture", "metadata", "statement_descriptor", "expand"})
CANCEL = frozenset({"cancellation_reason", "expand"})
REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer", "abandoned"})
CAPTURE_METHODS = frozenset({"automatic", "automatic_async", "manual"})
CANCELLABLE = frozenset({"requires_payment_method", "requires_capture", "requires_confirmation", "requires_action"})

# Card tokens, the payment method each stands for, and what the card's bank says to some.
METHODS = {
    "tok_visa": "pm_card_visa",
    "tok_pendingRefund": "pm_card_pendingRefund",
    "tok_3ds": "pm_card_threeDSecureRequired",
    "tok_declined": "pm_card_visa_chargeDeclined",
    "tok_insufficient_funds": "pm_card_visa_chargeDeclinedInsufficientFunds",
}
DECLINES = {"tok_declined": "generic_decline", "tok_insufficient_funds": "insufficient_funds"}


@dataclass
class Intent:
    """The object as shown, and the money behind it."""

    body: dict[str, Any]
    authorized: int = 0
    captured: int = 0
    voided: int = 0
    refunded: int = 0

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def status(self) -> str:
        return str(self.body["status"])

    def authorize(self) -> None:
        """The card's bank holds the money; with automatic capture it is taken at once."""
        self.authorized = self.body["amount"]
        self.body |= {"latest_charge": new_id("ch"), "next_action": None, "status": "requires_capture"}
        self.body["last_payment_error"] = None
        if self.body["capture_method"] == "manual":
            self.body["amount_capturable"] = self.body["amount"]
        else:
            self.take(self.body["amount"])

    def take(self, amount: int) -> None:
        """What is not taken of an authorisation is released with it."""
        self.captured, self.voided = amount, self.authorized - amount
        self.body |= {"status": "succeeded", "amount_capturable": 0, "amount_received": amount}

    def fail(self, error: dict[str, Any]) -> None:
        self.body |= {"status": "requires_payment_method", "next_action": None, "last_payment_error": error}


def create(connection: sqlite3.Connection, form: read.Form, now: datetime, three_d_secure: str) -> dict[str, Any]:
    """Authorise, when `confirm` says so. `three_d_secure` is the address under which challenges lie."""
    read.refuse_unknown(form, CREATE)
    amount, currency = read.positive(form, "amount"), read.required(form, "currency").lower()
    token = form.get("payment_method") or form.get("payment_method_data[card][token]")
    if form.get("capture_method", "automatic") not in CAPTURE_METHODS:
        raise invalid(f"Invalid capture_method: {form['capture_method']}", "capture_method")
    if token is not None and token not in METHODS:
        raise invalid(f"No such PaymentMethod: '{token}'", "payment_method", "resource_missing")
    confirmed = read.flag(form, "confirm")
    if confirmed and token is None:
        raise invalid("You cannot confirm without a payment method.", "payment_method")
    body = payment_intent(
        new_id("pi"),
        amount,
        currency,
        int(now.timestamp()),
        capture_method=form.get("capture_method", "automatic"),
        metadata=read.metadata(form),
        description=form.get("description"),
        receipt_email=form.get("receipt_email"),
        transfer_group=form.get("transfer_group"),
        payment_method=None if token is None else METHODS[token],
        status="requires_payment_method" if token is None else "requires_confirmation",
    )
    intent = Intent(body)
    add(connection, intent)
    if confirmed and token is not None:
        _confirm(connection, intent, token, {"url": three_d_secure, "return_url": form.get("return_url")})
    return intent.body


def _confirm(connection: sqlite3.Connection, intent: Intent, token: str, redirect: dict[str, Any]) -> None:
    if token in DECLINES:
        refusal = declined(DECLINES[token])
        intent.fail(refusal.body["error"])
        intent.body |= {"payment_method": None, "latest_charge": new_id("ch")}
        save(connection, intent)
        raise declined(DECLINES[token], intent.body)
    if token == "tok_3ds":
        redirect["url"] = f"{redirect['url']}/{intent.id}/complete"
        intent.body |= {
            "status": "requires_action",
            "next_action": {"type": "redirect_to_url", "redirect_to_url": redirect},
        }
    else:
        intent.authorize()
    save(connection, intent)


def capture(connection: sqlite3.Connection, id_: str, form: read.Form) -> dict[str, Any]:
    """Take all or part of what is held, once."""
    read.refuse_unknown(form, CAPTURE)
    intent = load(connection, id_)
    if intent.status != "requires_capture":
        raise unexpected_state(
            f"This PaymentIntent could not be captured because it has a status of {intent.status}.", intent.body
        )
    amount = read.positive(form, "amount_to_capture") if "amount_to_capture" in form else intent.authorized
    if amount > intent.authorized:
        raise invalid("The amount to capture is greater than the amount held.", "amount_to_capture")
    intent.take(amount)
    save(connection, intent)
    return intent.body


def cancel(connection: sqlite3.Connection, id_: str, form: read.Form, now: datetime) -> dict[str, Any]:
    """Release what is held; money that was taken needs a refund instead."""
    read.refuse_unknown(form, CANCEL)
    reason = form.get("cancellation_reason")
    if reason is not None and reason not in REASONS:
        raise invalid(f"Invalid cancellation_reason: {reason}", "cancellation_reason")
    intent = load(connection, id_)
    if intent.status not in CANCELLABLE:
        raise unexpected_state(
            f"You cannot cancel this PaymentIntent because it has a status of {intent.status}.", intent.body
        )
    intent.voided = intent.authorized
    intent.body |= {"status": "canceled", "amount_capturable": 0, "next_action": None}
    intent.body |= {"canceled_at": int(now.timestamp()), "cancellation_reason": reason}
    save(connection, intent)
    return intent.body


def expire(connection: sqlite3.Connection, id_: str, now: datetime) -> dict[str, Any]:
    """The authorisation's life is over: what nobody took is let go of, as Stripe does by itself after a week."""
    intent = load(connection, id_)
    if intent.status != "requires_capture":
        raise unexpected_state(f"This PaymentIntent has a status of {intent.status}.", intent.body)
    intent.voided = intent.authorized
    intent.body |= {"status": "canceled", "amount_capturable": 0}
    intent.body |= {"canceled_at": int(now.timestamp()), "cancellation_reason": "automatic"}
    save(connection, intent)
    return intent.body


def complete_challenge(connection: sqlite3.Connection, id_: str, *, passed: bool) -> dict[str, Any]:
    """The customer's bank has asked the customer."""
    intent = load(connection, id_)
    if intent.status != "requires_action":
        raise unexpected_state(f"This PaymentIntent has a status of {intent.status}.", intent.body)
    if passed:
        intent.authorize()
    else:
        error = {
            "type": "invalid_request_error",
            "code": "payment_intent_authentication_failure",
            "message": "The provided PaymentMethod has failed authentication.",
        }
        intent.fail(error)
    save(connection, intent)
    return intent.body


def add(connection: sqlite3.Connection, intent: Intent) -> None:
    connection.execute(
        "INSERT INTO payment_intents (id, reference, currency, authorized, captured, voided, refunded, body)"
        " VALUES (?, ?, ?, 0, 0, 0, 0, ?)",
        (
            intent.id,
            intent.body["metadata"].get("reference"),
            intent.body["currency"].upper(),
            json.dumps(intent.body),
        ),
    )


def save(connection: sqlite3.Connection, intent: Intent) -> None:
    """What it is now, and the charge that it came to."""
    connection.execute(
        "UPDATE payment_intents SET authorized = ?, captured = ?, voided = ?, refunded = ?, body = ? WHERE id = ?",
        (
            intent.authorized,
            intent.captured,
            intent.voided,
            intent.refunded,
            json.dumps(intent.body),
            intent.id,
        ),
    )
    connection.execute(
        "INSERT OR IGNORE INTO charges (id, payment_intent, transfer_group) SELECT ?, ?, ? WHERE ? IS NOT NULL",
        (intent.body["latest_charge"], intent.id, intent.body["transfer_group"], intent.body["latest_charge"]),
    )


def load(connection: sqlite3.Connection, id_: str) -> Intent:
    row = connection.execute(
        "SELECT body, authorized, captured, voided, refunded FROM payment_intents WHERE id = ?", (id_,)
    ).fetchone()
    if row is None:
        raise not_found("payment_intent", id_)
    return Intent(json.loads(row[0]), *row[1:])
