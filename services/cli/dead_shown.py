"""Dead letters as people see them: without a word of what is none of our messages."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from rich.table import Column, Table

from shared.bus.dead_letters import CRASHED, DeadLetter
from shared.bus.retry import Unreadable
from shared.contracts import CATALOGUE
from shared.contracts.masking import masked


def summary(letter: DeadLetter) -> dict[str, Any]:
    """What is told of every letter."""
    return {
        "service": letter.service,
        "handle": letter.handle,
        "id": letter.id,
        "source": letter.source,
        "sender": letter.came.sender,
        "type": letter.type,
        "purchase_id": letter.purchase_id,
        "reason": letter.reason,
        "exception": letter.exception,
        "fingerprint": letter.fingerprint,
        "attempts": letter.attempts,
        "first_failed_at": letter.first_failed_at.isoformat() if letter.first_failed_at else None,
        "last_failed_at": letter.last_failed_at.isoformat() if letter.last_failed_at else None,
        "exchange": letter.came.exchange,
        "routing_key": letter.came.routing_key,
        "bytes": len(letter.body),
    }


def whose(letter: DeadLetter) -> dict[str, Any]:
    """Key and member, where the body tells them, and what is to be done."""
    try:
        body = json.loads(letter.body)
    except (ValueError, RecursionError):
        body = None
    told = {name: body.get(name) for name in ("key", "member_id")} if isinstance(body, dict) else {}
    return {
        "queue": letter.service,
        **{name: value[:255] for name, value in told.items() if isinstance(value, str)},
        "what_to_do": _advice(letter),
    }


def _advice(letter: DeadLetter) -> str:
    if letter.is_cut:
        return "Only the head of its body can be read: tell its sender, who must say it again smaller; then discard it."
    if letter.reason == CRASHED:
        return "Look in the log for what ended the process; retry when that is cured."
    if letter.exception == Unreadable.__name__:
        return "Tell its sender, who must say it again as it should be; then discard it."
    return "Cure the fault that the log shows, then retry: nothing was done by halves."


def body(letter: DeadLetter) -> Any:
    """Of one of our messages, with personal fields hidden."""
    contract = CATALOGUE.get(letter.type)
    if contract is None:
        return f"({len(letter.body)} bytes of an unknown type)"
    try:
        return masked(contract.model_validate_json(letter.body))
    except ValidationError as error:
        faults = error.errors(include_url=False, include_context=False, include_input=False)
        return {"unreadable": [f"/{'/'.join(map(str, fault['loc']))}: {fault['type']}" for fault in faults]}


def table(letters: Sequence[DeadLetter], now: datetime) -> Table:
    """Letters for people, with how long ago they failed."""
    table = Table(
        "service",
        Column("letter", no_wrap=True),
        Column("id", no_wrap=True),
        "type",
        "reason",
        "attempts",
        "first failed",
        "last failed",
    )
    for letter in letters:
        reason = f"{letter.reason} ({letter.exception})" if letter.exception else letter.reason
        first, last = _ago(letter.first_failed_at, now), _ago(letter.last_failed_at, now)
        table.add_row(letter.service, letter.handle, letter.id, letter.type, reason, str(letter.attempts), first, last)
    return table


def _ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return ""
    seconds = max(0, int((now - moment).total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{seconds} s ago"
