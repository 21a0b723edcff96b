"""Charges: one for every time a card's bank was asked, listed by the group that its intent belongs to."""

import json
import sqlite3
from typing import Any

from services.sandbox.stripe import form as read
from services.sandbox.stripe.objects import charge, page

LISTED = frozenset({"limit", "transfer_group", "expand"})
ALL = "SELECT p.body, p.captured, p.refunded FROM charges c JOIN payment_intents p ON p.id = c.payment_intent"
NEWEST = " ORDER BY c.position DESC LIMIT ?"


def listed(connection: sqlite3.Connection, form: read.Form) -> dict[str, Any]:
    """Newest first; of one group where it is named."""
    read.refuse_unknown(form, LISTED)
    most, group = read.limit(form), form.get("transfer_group")
    if group is None:
        rows = connection.execute(ALL + NEWEST, (most + 1,)).fetchall()
    else:
        rows = connection.execute(f"{ALL} WHERE c.transfer_group = ?{NEWEST}", (group, most + 1)).fetchall()
    whole = any(name.startswith("data.payment_intent") for key, name in form.items() if key.startswith("expand"))
    found = [_shown(json.loads(body), captured, refunded, whole=whole) for body, captured, refunded in rows]
    return page("list", "/v1/charges", found[:most], has_more=len(found) > most)


def _shown(intent: dict[str, Any], captured: int, refunded: int, *, whole: bool) -> dict[str, Any]:
    shown = charge(intent, captured=captured, refunded=refunded)
    return shown | ({"payment_intent": intent} if whole else {})
