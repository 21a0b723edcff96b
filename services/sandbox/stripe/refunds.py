"""Refunds: money that was taken goes back, in parts if need be, never more than was taken. It may come back to us."""

import json
import sqlite3
from datetime import datetime
from typing import Any

from services.sandbox.stripe import form as read
from services.sandbox.stripe import intents
from services.sandbox.stripe.errors import StripeError, invalid, not_found, unexpected_state
from services.sandbox.stripe.objects import page, refund

CREATE = frozenset({"payment_intent", "charge", "amount", "reason", "metadata", "expand"})
PENDING = "pm_card_pendingRefund"
"""A card whose refunds stay under way until they are completed."""
REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})


def create(connection: sqlite3.Connection, form: read.Form, now: datetime) -> dict[str, Any]:
    """Give back `amount`, or what is left."""
    read.refuse_unknown(form, CREATE)
    reason = form.get("reason")
    if reason is not None and reason not in REASONS:
        raise invalid(f"Invalid reason: {reason}", "reason")
    intent = intents.load(connection, read.required(form, "payment_intent"))
    if intent.status != "succeeded":
        raise unexpected_state(
            f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.", intent.body
        )
    left = intent.captured - intent.refunded
    if left == 0:
        raise StripeError(
            400,
            "invalid_request_error",
            f"Charge {intent.body['latest_charge']} has already been refunded.",
            "charge_already_refunded",
            kept=True,
        )
    amount = read.positive(form, "amount") if "amount" in form else left
    if amount > left:
        raise invalid(f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})", "amount")
    intent.refunded += amount
    intents.save(connection, intent)
    status = "pending" if intent.body["payment_method"] == PENDING else "succeeded"
    more = {"metadata": read.metadata(form), "reason": reason, "status": status}
    body = refund(intent.body, amount, int(now.timestamp()), **more)
    connection.execute(
        "INSERT INTO refunds (id, payment_intent, body) VALUES (?, ?, ?)",
        (body["id"], intent.id, json.dumps(body)),
    )
    return body


def complete(connection: sqlite3.Connection, id_: str, *, passed: bool) -> dict[str, Any]:
    """The card's bank has taken the money, or sent it back: also what seemed to have succeeded may fail later."""
    body = retrieve(connection, id_)
    intent = intents.load(connection, body["payment_intent"])
    if body["status"] == "failed":
        raise unexpected_state(f"This refund ({id_}) has failed.", intent.body)
    body["status"] = "succeeded" if passed else "failed"
    if not passed:
        body |= {"failure_reason": "expired_or_canceled_card", "failure_balance_transaction": None}
        intent.refunded -= body["amount"]
        intents.save(connection, intent)
    connection.execute("UPDATE refunds SET body = ? WHERE id = ?", (json.dumps(body), id_))
    return body


def retrieve(connection: sqlite3.Connection, id_: str) -> dict[str, Any]:
    row = connection.execute("SELECT body FROM refunds WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise not_found("refund", id_)
    body: dict[str, Any] = json.loads(row[0])
    return body


def listed(connection: sqlite3.Connection, form: read.Form) -> dict[str, Any]:
    """Newest first; of one payment intent when it is named."""
    most, intent = read.limit(form), form.get("payment_intent")
    rows = connection.execute(
        "SELECT body FROM refunds WHERE ? IS NULL OR payment_intent = ? ORDER BY position DESC LIMIT ?",
        (intent, intent, most + 1),
    ).fetchall()
    found = [json.loads(body) for (body,) in rows]
    return page("list", "/v1/refunds", found[:most], has_more=len(found) > most)
