"""What the clock has to say of a request, whenever it is heard."""

from datetime import datetime

from services.releases.domain.happenings import Entry, Happening
from services.releases.domain.request import Request, folded


def due(request: Request, now: datetime) -> tuple[Happening, ...]:
    """All that is due, in its order: a grant lapses before the approval that it came from expires."""
    found = list[Happening]()
    here = request
    while happening := _next(here, now):
        found.append(happening)
        after = folded(here, Entry.placed(happening, here.through, now))
        if after is None or after == here:
            break
        here = after
    return tuple(found)


def _next(request: Request, now: datetime) -> Happening | None:
    if request.state == "pending" and now >= request.ask_until:
        return Happening("expired", request.id, facts={"which": "ask"})
    if request.state == "granted" and request.grant_until is not None and now >= request.grant_until:
        return Happening("grant_lapsed", request.id, facts={"jti": request.jti})
    if request.state == "approved" and request.use_until is not None and now >= request.use_until:
        return Happening("expired", request.id, facts={"which": "use"})
    if request.state == "executing" and request.outcome_until is not None and now >= request.outcome_until:
        return Happening("silent", request.id, facts={"execution": request.execution})
    if request.review == "due" and request.review_due is not None and now >= request.review_due:
        return Happening("review_overdue", request.id, facts={"person": request.broken_by})
    return None
