"""What an endpoint was told, and what it answered: rows in the sandbox's memory."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from services.sandbox.receiver.signatures import verified
from services.sandbox.receiver.terms import Answer, Standing, Terms

SCHEMA = """
CREATE TABLE IF NOT EXISTS receivers (name TEXT PRIMARY KEY, terms TEXT NOT NULL, standings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS webhooks (
    position INTEGER PRIMARY KEY, receiver TEXT NOT NULL, at TEXT NOT NULL, webhook_id TEXT, event_id TEXT,
    verified_by TEXT, status INTEGER NOT NULL, headers TEXT NOT NULL, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS webhooks_by_receiver ON webhooks (receiver, position);
CREATE INDEX IF NOT EXISTS webhooks_by_id ON webhooks (receiver, webhook_id);
"""
KEPT = 100_000
"""Requests of one endpoint: the newest."""
COLUMNS = ("position", "at", "webhook_id", "event_id", "verified_by", "status", "headers", "body")
USUAL, FORBIDDEN = Answer(), Answer(status=401)


@dataclass(frozen=True)
class Heard:
    """A request as it came; header names in small letters."""

    receiver: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def event_id(self) -> str | None:
        """Of the CloudEvent, in binary or in structured mode."""
        if (told := self.headers.get("ce-id")) is not None:
            return told
        try:
            body = _read(self.body)
        except ValueError:
            return None
        told = body.get("id") if isinstance(body, dict) else None
        return told if isinstance(told, str) else None


def terms_of(connection: sqlite3.Connection, name: str) -> tuple[Terms, list[Standing]]:
    """Of one that was never told anything: the usual ones."""
    row = connection.execute("SELECT terms, standings FROM receivers WHERE name = ?", (name,)).fetchone()
    if row is None:
        return Terms(), []
    return Terms.model_validate_json(row[0]), [Standing.model_validate(each) for each in json.loads(row[1])]


def agree(connection: sqlite3.Connection, name: str, terms: Terms, now: datetime) -> None:
    """From now on these; the hits of former answers are forgotten."""
    standings = [
        Standing(answer=each, until=None if each.seconds is None else now + timedelta(seconds=each.seconds))
        for each in terms.answers
    ]
    connection.execute(
        "INSERT OR REPLACE INTO receivers VALUES (?, ?, ?)", (name, terms.model_dump_json(), _written(standings))
    )


def take(connection: sqlite3.Connection, heard: Heard, now: datetime, random: Random) -> Answer:
    """Keep the request with what is answered to it. An endpoint that is broken looks at no signature."""
    terms, standings = terms_of(connection, heard.receiver)
    by = verified(terms, heard.headers, heard.body)
    answer = _told(standings, heard, now, random)
    if answer is not None:
        connection.execute("UPDATE receivers SET standings = ? WHERE name = ?", (_written(standings), heard.receiver))
    elif by is None and (terms.secrets or terms.public_keys):
        answer = FORBIDDEN
    answer = answer or USUAL
    _keep(connection, heard, now, by, answer.status)
    return answer


def listed(connection: sqlite3.Connection, name: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Requests beyond the position `after`, in the order in which they came."""
    found = connection.execute(
        f"SELECT {', '.join(COLUMNS)} FROM webhooks"  # noqa: S608 - our own names
        " WHERE receiver = ? AND position > ? ORDER BY position LIMIT ?",
        (name, after, limit),
    )
    shown = [dict(zip(COLUMNS, row, strict=True)) for row in found]
    return [each | {"headers": json.loads(each["headers"]), "body": _body(each["body"])} for each in shown]


def counts(connection: sqlite3.Connection, name: str) -> dict[str, int]:
    """`webhooks` are those that were taken at least once: a repeat is the same webhook."""
    row = connection.execute(
        "SELECT COUNT(*), COUNT(DISTINCT CASE WHEN status BETWEEN 200 AND 299 THEN webhook_id END),"
        " SUM(status BETWEEN 200 AND 299), SUM(verified_by IS NOT NULL) FROM webhooks WHERE receiver = ?",
        (name,),
    ).fetchone()
    return dict(zip(("requests", "webhooks", "taken", "verified"), (int(each or 0) for each in row), strict=True))


def forget(connection: sqlite3.Connection, name: str) -> None:
    connection.execute("DELETE FROM webhooks WHERE receiver = ?", (name,))
    connection.execute("DELETE FROM receivers WHERE name = ?", (name,))


def _told(standings: list[Standing], heard: Heard, now: datetime, random: Random) -> Answer | None:
    for standing in standings:
        answer = standing.answer
        spent = answer.times is not None and standing.hits >= answer.times
        over = standing.until is not None and now >= standing.until
        if spent or over or (answer.event_id is not None and answer.event_id != heard.event_id):
            continue
        if answer.share < 1.0 and random.random() >= answer.share:
            continue
        standing.hits += 1
        return answer
    return None


def _keep(connection: sqlite3.Connection, heard: Heard, now: datetime, by: str | None, status: int) -> None:
    shown = {name: value for name, value in heard.headers.items() if name != "authorization"}
    position = connection.execute(
        "INSERT INTO webhooks (receiver, at, webhook_id, event_id, verified_by, status, headers, body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            heard.receiver,
            now.isoformat(),
            heard.headers.get("webhook-id"),
            heard.event_id,
            by,
            status,
            json.dumps(shown),
            heard.body.decode("utf-8", "replace"),
        ),
    ).lastrowid
    if position is not None and position % 1_000 == 0:
        connection.execute(
            "DELETE FROM webhooks WHERE receiver = ? AND position <= (SELECT position FROM webhooks"
            " WHERE receiver = ? ORDER BY position DESC LIMIT 1 OFFSET ?)",
            (heard.receiver, heard.receiver, KEPT),
        )


def _written(standings: list[Standing]) -> str:
    return json.dumps([each.model_dump(mode="json") for each in standings])


def _body(text: str) -> Any:
    """JSON as such; other text as it is."""
    try:
        return _read(text)
    except ValueError:
        return text


def _read(text: str | bytes) -> Any:
    """JSON that can be written again. Raises ValueError: also for what is nested too deep, NaN, a surrogate alone."""
    try:
        value = json.loads(text)
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    return value
