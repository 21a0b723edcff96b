"""A request, as the log tells of it. Nothing here decides: what happened is folded into how things stand."""

from datetime import datetime
from typing import Any, ClassVar, Final, Literal, TypeAlias

from pydantic import AwareDatetime

from services.releases.domain.happenings import Entry
from services.releases.domain.seats import Need
from services.releases.domain.windows import Span
from shared.kernel.values import Value, changed

State: TypeAlias = Literal[
    "pending",
    "approved",
    "granted",
    "executing",
    "succeeded",
    "failed",
    "unknown",
    "denied",
    "expired",
    "withdrawn",
    "superseded",
    "revoked",
]
WAITING: Final[frozenset[State]] = frozenset(("pending", "approved", "granted"))
"""Something may still be done, and nothing is: such a request has its lane."""
RUNNING: Final[frozenset[State]] = frozenset(("executing", "unknown"))
CLOSED: Final[dict[str, State]] = {
    "denied": "denied",
    "expired": "expired",
    "withdrawn": "withdrawn",
    "superseded": "superseded",
    "revoked": "revoked",
}
ENDED: Final[frozenset[State]] = frozenset((*CLOSED.values(), "succeeded", "failed"))


class Request(Value):
    """What is asked for never changes; `revision` counts what happened to it, `through` is the log's number of that."""

    schema_version: ClassVar[int] = 1

    id: str
    action: str
    environment: str
    target: str
    digest: str
    requester: str
    initiator: str = ""
    authors: tuple[str, ...] = ()
    reason: str = ""
    body: str = ""
    """The salted hash of the text of a request of ours, which stands beside the log as reasons do."""
    rule: str
    need: tuple[Need, ...]
    window: Span = Span()
    asked: str
    """The digest of all that was asked, by which the same ask is known again."""
    asked_at: AwareDatetime
    ask_until: AwareDatetime

    state: State = "pending"
    revision: int = 1
    through: int = 0
    approvals: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()
    """(person, code) of those that were turned away; each is told once."""
    use_until: AwareDatetime | None = None
    jti: str = ""
    grants: int = 0
    """So many were given; the newest alone is good."""
    grant_until: AwareDatetime | None = None
    execution: str = ""
    redeemer: str = ""
    redeemed_by: str = ""
    """The key under which the grant was redeemed."""
    outcome_until: AwareDatetime | None = None
    exit_code: int | None = None
    superseded_by: str = ""
    closed_by: str = ""
    """Who denied, revoked, withdrew or replaced it; nobody where its time ran out."""
    closed_reason: str = ""
    """The salted hash of why."""
    broken_by: str = ""
    incident: str = ""
    review_due: AwareDatetime | None = None
    reviewers: int = 0
    reviews: tuple[str, ...] = ()
    review: Literal["", "due", "overdue", "accepted", "rejected"] = ""

    @property
    def broken(self) -> bool:
        return bool(self.broken_by)

    @property
    def lane(self) -> str:
        return lane_of(self.action, self.environment, self.target)

    @property
    def persons_concerned(self) -> frozenset[str]:
        """Whoever must not agree."""
        return frozenset(filter(None, (self.requester, self.initiator, *self.authors)))

    @property
    def askers(self) -> frozenset[str]:
        """Whose request it is: who asked, for whom a robot asked, who broke the glass for it."""
        return frozenset(filter(None, (self.requester, self.initiator, self.broken_by)))

    @property
    def is_over(self) -> bool:
        """Nothing that decides anything happens to it any more."""
        return self.state in ENDED and self.review not in {"due", "overdue"}

    def wake_at(self) -> datetime | None:
        """When the clock has something to say."""
        times = [_DEADLINES[self.state](self)] if self.state in _DEADLINES else []
        if self.review == "due":
            times.append(self.review_due)
        return min((each for each in times if each is not None), default=None)


_DEADLINES: Final[dict[str, Any]] = {
    "pending": lambda request: request.ask_until,
    "approved": lambda request: request.use_until,
    "granted": lambda request: request.grant_until,
    "executing": lambda request: request.outcome_until,
}


def lane_of(action: str, environment: str, target: str) -> str:
    """One request waits in a lane, however its names are written."""
    return f"{action}\n{environment}\n{target}".casefold()


def folded(request: Request | None, entry: Entry) -> Request | None:
    """The request after the entry, which is of it; None while there is none."""
    if entry.kind == "requested":
        return _asked(entry)
    if request is None:
        return None
    after = changed(request, revision=request.revision + 1, through=entry.n)
    facts = entry.facts
    if entry.kind in CLOSED:
        by = str(facts.get("by", "")) if entry.kind == "superseded" else request.superseded_by
        closed = changed(after, closed_by=entry.actor, closed_reason=str(facts.get("reason", "")))
        return changed(closed, state=CLOSED[entry.kind], superseded_by=by, jti="")
    return _FOLDS[entry.kind](after, entry) if entry.kind in _FOLDS else after


def _asked(entry: Entry) -> Request:
    facts = entry.facts
    return Request(
        id=entry.request,
        action=facts["action"],
        environment=facts["environment"],
        target=facts["target"],
        digest=facts["digest"],
        requester=entry.actor,
        initiator=facts["initiator"],
        authors=tuple(facts["authors"]),
        reason=facts["reason"],
        body=facts.get("body", ""),
        rule=facts["rule"],
        need=tuple(Need(**each) for each in facts["need"]),
        window=Span(start=facts["window_start"], end=facts["window_end"]),
        asked=facts["asked"],
        asked_at=entry.at,
        ask_until=facts["ask_until"],
        through=entry.n,
    )


def _approval(request: Request, entry: Entry) -> Request:
    return changed(request, approvals=(*request.approvals, entry.actor))


def _refused(request: Request, entry: Entry) -> Request:
    return changed(request, refused=(*request.refused, (entry.actor, str(entry.facts["code"]))))


def _approved(request: Request, entry: Entry) -> Request:
    return changed(request, state="approved", use_until=datetime.fromisoformat(entry.facts["use_until"]))


def _granted(request: Request, entry: Entry) -> Request:
    return changed(
        request,
        state="granted",
        grants=request.grants + 1,
        jti=entry.facts["jti"],
        grant_until=datetime.fromisoformat(entry.facts["until"]),
    )


def _lapsed(request: Request, _: Entry) -> Request:
    return changed(request, state="approved", jti="", grant_until=None)


def _executing(request: Request, entry: Entry) -> Request:
    return changed(
        request,
        state="executing",
        execution=entry.facts["execution"],
        redeemer=entry.actor,
        redeemed_by=entry.facts["key"],
        outcome_until=datetime.fromisoformat(entry.facts["outcome_until"]),
    )


def _silent(request: Request, _: Entry) -> Request:
    return changed(request, state="unknown")


def _outcome(request: Request, entry: Entry) -> Request:
    code = int(entry.facts["exit_code"])
    return changed(request, state="succeeded" if code == 0 else "failed", exit_code=code)


def _broke_glass(request: Request, entry: Entry) -> Request:
    facts = entry.facts
    return changed(
        request,
        broken_by=entry.actor,
        incident=facts["incident"],
        review_due=datetime.fromisoformat(facts["review_due"]),
        reviewers=facts["reviewers"],
        review="due",
        use_until=datetime.fromisoformat(facts["use_until"]),
    )


def _overdue(request: Request, _: Entry) -> Request:
    return changed(request, review="overdue")


def _reviewed(request: Request, entry: Entry) -> Request:
    reviews = (*request.reviews, entry.actor)
    if entry.facts["verdict"] == "rejected":
        return changed(request, reviews=reviews, review="rejected")
    return changed(request, reviews=reviews, review="accepted" if len(reviews) >= request.reviewers else request.review)


_FOLDS: Final[dict[str, Any]] = {
    "approval": _approval,
    "refused": _refused,
    "approved": _approved,
    "granted": _granted,
    "grant_lapsed": _lapsed,
    "executing": _executing,
    "silent": _silent,
    "outcome": _outcome,
    "broke_glass": _broke_glass,
    "review_overdue": _overdue,
    "reviewed": _reviewed,
}
