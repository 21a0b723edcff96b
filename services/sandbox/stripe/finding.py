"""Lists and search. Search is consistent at once here; at the real Stripe it may be a minute late."""

import json
import operator
import re
import sqlite3
from itertools import islice
from typing import Any

from services.sandbox.stripe import form as read
from services.sandbox.stripe import intents
from services.sandbox.stripe.errors import invalid
from services.sandbox.stripe.objects import page

LISTED = frozenset({"limit", "starting_after", "created", "customer", "expand"})
COMPARED = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
CLAUSE = re.compile(
    r"""^\s*(?:metadata\[(?P<q>['"])(?P<key>[^'"]+)(?P=q)\]|(?P<field>status|currency))"""
    r"""\s*:\s*(?P<v>['"])(?P<value>[^'"]*)(?P=v)\s*$"""
)


def search(connection: sqlite3.Connection, form: read.Form) -> dict[str, Any]:
    """`metadata['k']:'v'`, `status:'s'`, `currency:'c'`, joined by AND."""
    clauses = [_clause(text) for text in re.split(r"\s+AND\s+", read.required(form, "query"))]
    reference = next((value for key, value in clauses if key == ("metadata", "reference")), None)
    rows = connection.execute(
        "SELECT body FROM payment_intents WHERE ? IS NULL OR reference = ? ORDER BY position DESC",
        (reference, reference),
    )
    found = (json.loads(body) for (body,) in rows)
    matching = [body for body in found if all(_holds(body, key, value) for key, value in clauses)]
    most = read.limit(form)
    return page("search_result", "/v1/payment_intents/search", matching[:most], has_more=len(matching) > most)


def listed(connection: sqlite3.Connection, form: read.Form) -> dict[str, Any]:
    """Newest first; `starting_after` names the last one already seen, `created[gte]` and its kin bound the time."""
    read.refuse_unknown(form, LISTED)
    most, after = read.limit(form), form.get("starting_after")
    if after is not None:
        intents.load(connection, after)
    rows = connection.execute(
        "SELECT body FROM payment_intents WHERE ? IS NULL"
        " OR position < (SELECT position FROM payment_intents WHERE id = ?) ORDER BY position DESC",
        (after, after),
    )
    in_time = (body for (text,) in rows if _created(body := json.loads(text), form))
    found = list(islice(in_time, most + 1))
    return page("list", "/v1/payment_intents", found[:most], has_more=len(found) > most)


def _created(body: dict[str, Any], form: read.Form) -> bool:
    bounds = {name: form[f"created[{name}]"] for name in COMPARED if f"created[{name}]" in form}
    if not all(bound.isdecimal() for bound in bounds.values()):
        raise invalid("created is compared with seconds since 1970", "created")
    return all(COMPARED[name](body["created"], int(bound)) for name, bound in bounds.items())


def _clause(text: str) -> tuple[tuple[str, str], str]:
    matched = CLAUSE.match(text)
    if matched is None:
        raise invalid(f"We were unable to parse your search query: {text}", "query")
    if matched["field"] is not None:
        return ("field", matched["field"]), matched["value"]
    return ("metadata", matched["key"]), matched["value"]


def _holds(body: dict[str, Any], key: tuple[str, str], value: str) -> bool:
    kind, name = key
    held = body["metadata"].get(name) if kind == "metadata" else body[name]
    return bool(held == value)
