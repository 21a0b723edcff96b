"""Refusals of the rules as problems."""

from typing import Final

from services.releases.cases.log import Done
from services.releases.domain.commands import Refusal
from services.releases.ports import BadGrant
from shared.web.problems import Problem

STATUSES: Final = {
    "self_approval": 403,
    "not_an_approver": 403,
    "inactive": 403,
    "via_not_allowed": 403,
    "not_the_requester": 403,
    "initiator_required": 403,
    "review_overdue": 403,
    "not_found": 404,
    "closed": 409,
    "payload_changed": 409,
    "already_executing": 409,
    "expired": 409,
    "not_approved": 409,
    "frozen": 409,
    "outside_window": 409,
    "grant_used": 409,
    "grant_void": 409,
    "grant_expired": 409,
    "too_many_grants": 409,
    "request_open": 409,
    "grant_required": 409,
    "unsatisfiable": 422,
    "no_policy": 422,
    "in_the_past": 422,
    "idempotency_key_reused": 422,
    "too_many_waiting": 429,
    "policy_outdated": 503,
}


def checked(done: Done) -> Done:
    """What was done. Raises the problem of a refusal."""
    if done.decision.refusal is not None:
        raise problem(done.decision.refusal)
    return done


def problem(refusal: Refusal) -> Problem:
    status = STATUSES[refusal.code]
    headers = {}
    if "retry_after" in refusal.told:
        headers["Retry-After"] = str(refusal.told["retry_after"])
    elif status in {429, 503}:
        headers["Retry-After"] = "5"
    if "request" in refusal.told:
        headers["Location"] = f"/v1/releases/requests/{refusal.told['request']}"
    if status == 403:  # noqa: PLR2004 - HTTP's
        headers["WWW-Authenticate"] = 'Bearer realm="milesaga"'
    return Problem(status, refusal.code, refusal.detail, headers=headers)


def bad_grant(error: BadGrant) -> Problem:
    code = "grant_expired" if error.expired else "grant_void"
    return Problem(409, code, "It is no grant of this log that is good for this")
