"""What others are told of what happened."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from services.releases.domain.happenings import Entry
from services.releases.domain.request import Request
from shared.contracts.releases import (
    ReleaseApproved,
    ReleaseBrokeGlass,
    ReleaseDenied,
    ReleaseEvent,
    ReleaseExecuted,
    ReleaseExpired,
    ReleaseGranted,
    ReleaseRequested,
    ReleaseReviewOverdue,
    ReleaseSuperseded,
    ReleaseWithdrawn,
)

_EVENTS: Final[dict[str, Callable[..., ReleaseEvent]]] = {
    "requested": ReleaseRequested,
    "approved": ReleaseApproved,
    "denied": ReleaseDenied,
    "revoked": ReleaseDenied,
    "expired": ReleaseExpired,
    "withdrawn": ReleaseWithdrawn,
    "superseded": ReleaseSuperseded,
    "granted": ReleaseGranted,
    "outcome": ReleaseExecuted,
    "broke_glass": ReleaseBrokeGlass,
    "review_overdue": ReleaseReviewOverdue,
}


def told(entries: Iterable[Entry], requests: Mapping[str, Request | None]) -> list[ReleaseEvent]:
    """An event for each entry that others hear of; `requests` are those that the entries are of."""
    found = []
    for entry in entries:
        request = requests.get(entry.request)
        if request is not None and entry.kind in _EVENTS:
            found.append(_EVENTS[entry.kind](**_common(entry, request), **_own(entry)))
    return found


def _common(entry: Entry, request: Request) -> dict[str, Any]:
    return {
        "request_id": request.id,
        "action": request.action,
        "environment": request.environment,
        "target": request.target,
        "digest": request.digest,
        "actor": entry.actor,
        "log_index": entry.n,
    }


def _own(entry: Entry) -> dict[str, Any]:
    if entry.kind == "outcome":
        return {"exit_code": entry.facts["exit_code"]}
    return {"incident": entry.facts["incident"]} if entry.kind == "broke_glass" else {}
