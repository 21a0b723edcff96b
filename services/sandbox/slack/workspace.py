"""What a workspace keeps: messages, modals that are open, and the callbacks that it has sent."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.sandbox.memory import next_serial
from services.sandbox.slack.errors import SlackError

SCHEMA = """
CREATE TABLE IF NOT EXISTS slack_messages (
    position INTEGER PRIMARY KEY, channel TEXT NOT NULL, ts TEXT NOT NULL, seen_by TEXT, revision INTEGER NOT NULL,
    body TEXT NOT NULL, UNIQUE (channel, ts));
CREATE TABLE IF NOT EXISTS slack_triggers (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, expires REAL NOT NULL, used INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS slack_views (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, open INTEGER NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS slack_callbacks (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, headers TEXT NOT NULL, body BLOB NOT NULL);
"""
TABLES = ("slack_messages", "slack_triggers", "slack_views", "slack_callbacks")
TRIGGER_SECONDS = 3.0
Json = dict[str, Any]


def post(connection: sqlite3.Connection, channel: str, body: Json, at: datetime, seen_by: str | None = None) -> Json:
    """One more message; `seen_by` for one that is shown to a single person and in no history."""
    ts = f"{int(at.timestamp())}.{next_serial(connection, 'slack_ts') % 1_000_000:06d}"
    message = {"type": "message", "ts": ts} | body
    connection.execute(
        "INSERT INTO slack_messages (channel, ts, seen_by, revision, body) VALUES (?, ?, ?, 1, ?)",
        (channel, ts, seen_by, json.dumps(message)),
    )
    return message


def update(connection: sqlite3.Connection, channel: str, ts: str, body: Json) -> Json:
    """The message with another face. Raises SlackError `message_not_found`, also for those of a single person."""
    before = message_at(connection, channel, ts)
    message = before | body | {"edited": {"user": before["user"], "ts": ts}}
    connection.execute(
        "UPDATE slack_messages SET body = ?, revision = revision + 1 WHERE channel = ? AND ts = ?",
        (json.dumps(message), channel, ts),
    )
    return message


def message_at(connection: sqlite3.Connection, channel: str, ts: str) -> Json:
    row = connection.execute(
        "SELECT body FROM slack_messages WHERE channel = ? AND ts = ? AND seen_by IS NULL", (channel, ts)
    ).fetchone()
    return _read(row, "message_not_found")


def channel_of(connection: sqlite3.Connection, ts: str) -> str:
    """Where the message stands: here no two channels have the same `ts`. Raises SlackError `message_not_found`."""
    row = connection.execute("SELECT channel FROM slack_messages WHERE ts = ?", (ts,)).fetchone()
    if row is None:
        raise SlackError("message_not_found")
    return str(row[0])


def history(
    connection: sqlite3.Connection, channel: str, oldest: str, latest: str, limit: int
) -> tuple[list[Json], bool]:
    """Newest first, between two moments, and whether there are more."""
    found = connection.execute(
        "SELECT body FROM slack_messages WHERE channel = ? AND seen_by IS NULL"
        " AND CAST(ts AS REAL) >= ? AND CAST(ts AS REAL) <= ? ORDER BY position DESC LIMIT ?",
        (channel, float(oldest or 0), float(latest or "inf"), limit + 1),
    ).fetchall()
    return [json.loads(body) for (body,) in found[:limit]], len(found) > limit


def everything(connection: sqlite3.Connection) -> list[Json]:
    """All messages as anybody sees them, oldest first: with `channel`, `seen_by` and how often they were drawn."""
    found = connection.execute("SELECT channel, seen_by, revision, body FROM slack_messages ORDER BY position")
    return [
        {"channel": channel, "seen_by": seen_by, "revision": revision, "message": json.loads(body)}
        for channel, seen_by, revision, body in found
    ]


def new_trigger(connection: sqlite3.Connection, user: str, at: datetime) -> str:
    """What lets the app open one modal within three seconds."""
    id_ = f"{int(at.timestamp())}.{next_serial(connection, 'slack_trigger')}.sandbox"
    connection.execute(
        "INSERT INTO slack_triggers (id, user, expires) VALUES (?, ?, ?)",
        (id_, user, at.timestamp() + TRIGGER_SECONDS),
    )
    return id_


def open_view(connection: sqlite3.Connection, trigger: str, view: Json, at: datetime) -> Json:
    """The modal, as the one who pressed sees it. Raises SlackError for a trigger that is unknown, late or used."""
    row = connection.execute("SELECT user, expires, used FROM slack_triggers WHERE id = ?", (trigger,)).fetchone()
    if row is None:
        raise SlackError("invalid_trigger_id")
    user, expires, used = row
    if at.timestamp() > expires:
        raise SlackError("expired_trigger_id")
    if used:
        raise SlackError("exchanged_trigger_id")
    connection.execute("UPDATE slack_triggers SET used = 1 WHERE id = ?", (trigger,))
    id_ = f"V0{next_serial(connection, 'slack_view'):08d}"
    shown = view | {"id": id_, "hash": f"{int(at.timestamp())}.sandbox", "state": {"values": {}}}
    connection.execute("INSERT INTO slack_views VALUES (?, ?, 1, ?)", (id_, user, json.dumps(shown)))
    return shown


def view_of(connection: sqlite3.Connection, id_: str, user: str) -> Json:
    """A modal that is open before `user`. Raises SlackError `not_found`."""
    row = connection.execute(
        "SELECT body FROM slack_views WHERE id = ? AND user = ? AND open = 1", (id_, user)
    ).fetchone()
    return _read(row, "not_found")


def close_view(connection: sqlite3.Connection, id_: str) -> None:
    connection.execute("UPDATE slack_views SET open = 0 WHERE id = ?", (id_,))


def views(connection: sqlite3.Connection) -> list[Json]:
    found = connection.execute("SELECT user, body FROM slack_views WHERE open = 1 ORDER BY id")
    return [{"user": user, "view": json.loads(body)} for user, body in found]


def keep_callback(connection: sqlite3.Connection, user: str, headers: Mapping[str, str], body: bytes) -> str:
    id_ = f"cb-{next_serial(connection, 'slack_callback')}"
    connection.execute("INSERT INTO slack_callbacks VALUES (?, ?, ?, ?)", (id_, user, json.dumps(dict(headers)), body))
    return id_


def callback(connection: sqlite3.Connection, id_: str) -> tuple[dict[str, str], bytes]:
    """What was sent once, to the byte. Raises SlackError `not_found`."""
    row = connection.execute("SELECT headers, body FROM slack_callbacks WHERE id = ?", (id_,)).fetchone()
    if row is None:
        raise SlackError("not_found")
    return json.loads(row[0]), bytes(row[1])


def callbacks(connection: sqlite3.Connection) -> list[Json]:
    found = connection.execute("SELECT id, user FROM slack_callbacks ORDER BY CAST(SUBSTR(id, 4) AS INTEGER)")
    return [{"id": id_, "user": user} for id_, user in found]


def _read(row: tuple[str] | None, missing: str) -> Json:
    """The body in a row. Raises SlackError where there is none."""
    if row is None:
        raise SlackError(missing)
    body: Json = json.loads(row[0])
    return body
