"""The card gateway as one of the providers."""

import sqlite3

from services.sandbox.provider import Beliefs, Provider, StandIn, Surroundings, rows
from services.sandbox.stripe import http

SCHEMA = """
CREATE TABLE IF NOT EXISTS payment_intents (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, reference TEXT, currency TEXT NOT NULL,
    authorized INTEGER NOT NULL, captured INTEGER NOT NULL, voided INTEGER NOT NULL, refunded INTEGER NOT NULL,
    body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS payment_intents_by_reference ON payment_intents (reference);
CREATE TABLE IF NOT EXISTS charges (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment_intent TEXT NOT NULL, transfer_group TEXT);
CREATE INDEX IF NOT EXISTS charges_by_group ON charges (transfer_group);
CREATE TABLE IF NOT EXISTS refunds (
    position INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment_intent TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS refunds_by_intent ON refunds (payment_intent);
CREATE TABLE IF NOT EXISTS idempotency (
    key TEXT PRIMARY KEY, request TEXT NOT NULL, status INTEGER NOT NULL, body TEXT NOT NULL, at REAL NOT NULL);
"""


class StripeStandIn(StandIn):
    def __init__(self, around: Surroundings) -> None:
        stripe = http.Stripe(around.memory, around.faults, around.settings.public_url, around.now)
        self.routers = (http.router(stripe),)

    def believes(self, connection: sqlite3.Connection) -> Beliefs:
        charges = connection.execute(
            "SELECT reference, authorized, captured, voided, refunded, currency FROM payment_intents"
            " WHERE authorized > 0 ORDER BY position"
        )
        return {"charges": rows(charges, "reference", "authorized", "captured", "voided", "refunded", "currency")}


STRIPE = Provider(
    name="stripe",
    open=StripeStandIn,
    operations=frozenset(http.REFUSALS),
    schema=SCHEMA,
    emptied=("payment_intents", "charges", "refunds", "idempotency"),
)
