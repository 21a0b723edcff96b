"""The first status and body of a key, replayed for a day; kept in the same commit as the effect."""

import hashlib
import json
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from services.sandbox.stripe.errors import StripeError
from services.sandbox.stripe.form import Form

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: dict[str, Any]
    replayed: bool = False


Endpoint = Callable[[sqlite3.Connection], dict[str, Any]]


def digest(path: str, form: Form) -> str:
    """What makes two requests the same one."""
    said = json.dumps([path, sorted(form.items())]).encode()
    return hashlib.sha256(said).hexdigest()


def once(connection: sqlite3.Connection, key: str | None, request: str, endpoint: Endpoint, now: datetime) -> Reply:
    """The remembered reply, or the endpoint's, remembered when the endpoint decided something."""
    if key is None:
        return _reply(connection, endpoint)[0]
    oldest = (now - KEPT_FOR).timestamp()
    row = connection.execute(
        "SELECT request, status, body FROM idempotency WHERE key = ? AND at > ?", (key, oldest)
    ).fetchone()
    if row is not None:
        if row[0] != request:
            message = (
                "Keys for idempotent requests can only be used with the same parameters they were first used with."
            )
            return _told(StripeError(400, "idempotency_error", message))
        return Reply(row[1], json.loads(row[2]), replayed=True)
    reply, kept = _reply(connection, endpoint)
    if kept:
        connection.execute(
            "INSERT OR REPLACE INTO idempotency (key, request, status, body, at) VALUES (?, ?, ?, ?, ?)",
            (key, request, reply.status, json.dumps(reply.body), now.timestamp()),
        )
    return reply


def _reply(connection: sqlite3.Connection, endpoint: Endpoint) -> tuple[Reply, bool]:
    try:
        return Reply(200, endpoint(connection)), True
    except StripeError as error:
        return _told(error), error.kept


def _told(error: StripeError) -> Reply:
    return Reply(error.status, error.body)
