"""What the outside world believes: charges, documents, bookings, mails, and the miles the ledger counts."""

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

from services.sandbox.books import Books, empty
from services.sandbox.miles import Miles
from services.sandbox.problems import ProblemError, as_json
from services.sandbox.sabre.records import lapse_bookings


def router(books: Books, miles: Miles, mail_folder: Path, now: Callable[[], datetime]) -> APIRouter:
    routes = APIRouter(prefix="/sandbox/books", tags=["tests"])

    @routes.get("")
    async def read_books(request: Request) -> Response:
        try:
            used = await miles.used()
        except ProblemError as error:
            return error.response(request.url.path)
        believed = await books.run(lambda connection: _believed(connection, now()))
        return as_json(believed | {"miles": used})

    @routes.delete("")
    async def clear_books() -> Response:
        await books.run(empty)
        await asyncio.to_thread(_burn, mail_folder)
        return Response(status_code=204)

    return routes


def _believed(connection: sqlite3.Connection, now: datetime) -> dict[str, Any]:
    lapse_bookings(connection, now)
    charges = connection.execute(
        "SELECT reference, authorized, captured, voided, refunded, currency FROM payment_intents"
        " WHERE authorized > 0 ORDER BY position"
    )
    documents = connection.execute("SELECT number, kind, reference, status FROM documents ORDER BY rowid")
    messages = connection.execute(
        "SELECT recipient, template, reference FROM mail_recipients JOIN mails ON mails.id = mail_recipients.mail"
        " ORDER BY position, recipient"
    )
    bookings = connection.execute("SELECT locator, reference, status FROM bookings ORDER BY rowid")
    return {
        "charges": _rows(charges, "reference", "authorized", "captured", "voided", "refunded", "currency"),
        "tickets": _rows(documents, "number", "kind", "reference", "status"),
        "messages": [{"channel": "email"} | row for row in _rows(messages, "to", "template", "reference")],
        "bookings": _rows(bookings, "locator", "reference", "status"),
    }


def _rows(cursor: sqlite3.Cursor, *names: str) -> list[dict[str, Any]]:
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _burn(folder: Path) -> None:
    for mail in folder.glob("*.eml"):
        mail.unlink(missing_ok=True)
