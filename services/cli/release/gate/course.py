"""What the gate does next, given what it has heard. Pure: no clock, no line, no file.

Everything that is not understood is no permission: an unknown state, an answer without what it must hold, a status that
nobody expects all end without running anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from services.cli.release.gate import exits

LONGEST_WATCH: Final = 25.0
"""Seconds of one long poll: proxies cut lines that say nothing for 30 to 60."""
PAUSE: Final = 0.5
"""Seconds between two tries at somebody who did not answer; and before a question whose answer came at once."""
HELD_PAUSE: Final = 1.0
"""Seconds between two asks for a grant while a freeze or a window holds it back."""
LONGEST_PAUSE: Final = 5.0
"""A freeze may be lifted before its end."""
MOST_GRANTS: Final = 20
"""Grants asked for without anything having changed in between; more would be a loop."""

WAITING: Final = frozenset({"pending"})
GRANTABLE: Final = frozenset({"approved", "granted"})
OVER: Final[Mapping[str, tuple[int, str]]] = {
    "denied": (exits.DENIED, "It was denied."),
    "expired": (exits.EXPIRED, "It expired."),
    "withdrawn": (exits.CLOSED, "It was withdrawn."),
    "superseded": (exits.CLOSED, "Another request took its place."),
    "revoked": (exits.CLOSED, "It was revoked."),
    "closed": (exits.CLOSED, "It was withdrawn, revoked or superseded."),
    "executing": (exits.CHANGED, "It is being executed already, by another gate."),
    "succeeded": (exits.CHANGED, "It was executed already."),
    "failed": (exits.CHANGED, "It was executed already, and failed."),
    "unknown": (exits.CHANGED, "It was executed already, and nobody knows how it ended."),
}
"""States in which nothing is run any more."""


@dataclass(frozen=True)
class Ask:
    """Have the request made, or the one of this key found."""


@dataclass(frozen=True)
class Watch:
    """Wait for something new about it, at most so many seconds."""

    since: int
    seconds: float


@dataclass(frozen=True)
class GetGrant:
    """Ask for what lets it run once."""


@dataclass(frozen=True)
class Redeem:
    """Use the grant: from the answer on, the command runs."""

    grant: str


@dataclass(frozen=True)
class Run:
    execution: str


@dataclass(frozen=True)
class End:
    """Nothing runs."""

    code: int
    why: str


Question = Ask | Watch | GetGrant | Redeem


@dataclass(frozen=True)
class Pause:
    seconds: float
    then: Question


Next = Question | Pause | Run | End


@dataclass(frozen=True)
class Terms:
    """What one gate is about; seconds."""

    digest: str
    """Of what would run, as this side computes it."""
    patience: float
    """How long it waits for people, freezes and windows."""
    reach: float
    """How long nobody need answer before it gives up."""


@dataclass(frozen=True)
class Heard:
    """An answer, or that there was none; `at` and `took` in seconds of one clock that never goes back."""

    to: Question
    at: float
    status: int = 0
    """HTTP's; 0 for no answer."""
    body: Mapping[str, Any] = field(default_factory=dict)
    retry_after: float | None = None
    took: float = 0.0


@dataclass(frozen=True)
class Course:
    """How far one gate has come."""

    terms: Terms
    begun: float
    answered: float
    """When somebody last answered."""
    request: str = ""
    revision: int = -1
    state: str = ""
    grants: int = 0
    held_by: str = ""
    """What holds back a request that is agreed to: `frozen`, `outside_window`."""


def begin(terms: Terms, now: float) -> tuple[Course, Next]:
    return Course(terms, begun=now, answered=now), Ask()


def advance(course: Course, heard: Heard) -> tuple[Course, Next]:
    """The course after that, and what to do."""
    if _is_absence(heard):
        return course, _again(course, heard)
    course = replace(course, answered=heard.at)
    match heard.to:
        case Ask():
            return _asked(course, heard)
        case Watch():
            return _watched(course, heard)
        case GetGrant():
            return _granted(course, heard)
        case Redeem():
            return _redeemed(course, heard)


def _again(course: Course, heard: Heard) -> Next:
    if heard.at - course.answered > course.terms.reach:
        return End(exits.AWAY, _said(heard, "Nobody answers whom the gate could ask, and nothing ran"))
    pause = min(max(PAUSE, heard.retry_after or 0.0), LONGEST_PAUSE)
    return Pause(pause, heard.to)


def _asked(course: Course, heard: Heard) -> tuple[Course, Next]:
    if heard.body.get("code") == "idempotency_key_reused":
        return course, End(exits.CHANGED, "The key belongs to an ask for something else than what would run here.")
    if heard.status not in {200, 201}:
        return course, End(exits.WRONG, _said(heard, "The request was refused") + _way_on(heard.body))
    request = heard.body.get("id")
    if not isinstance(request, str) or not request:
        return course, _nonsense(heard)
    return _looked_at(replace(course, request=request), heard)


def _watched(course: Course, heard: Heard) -> tuple[Course, Next]:
    match heard.status:
        case 304:
            return course, _patient(course, heard, Watch(course.revision, LONGEST_WATCH), heard.took)
        case 200:
            return _looked_at(course, heard)
        case _:
            return course, End(exits.AWAY, _said(heard, "The request cannot be looked at"))


def _looked_at(course: Course, heard: Heard) -> tuple[Course, Next]:
    """It lies before us: what it is, and whether it is ours."""
    state, revision = heard.body.get("state"), heard.body.get("revision")
    if not isinstance(state, str) or not isinstance(revision, int) or heard.body.get("id") != course.request:
        return course, _nonsense(heard)
    if heard.body.get("digest") != course.terms.digest:
        return course, End(exits.CHANGED, "The request is for something else than what would run here.")
    fresh = revision > course.revision
    course = replace(course, revision=revision, state=state, grants=0 if fresh else course.grants)
    if state in OVER:
        code, why = OVER[state]
        return course, End(code, _reasoned(why, heard.body))
    if state in GRANTABLE and (fresh or course.held_by != "not_approved"):
        return replace(course, held_by=""), GetGrant()
    if state in WAITING | GRANTABLE:
        watch = Watch(revision, LONGEST_WATCH)
        return course, _patient(course, heard, watch, heard.took if not fresh else LONGEST_WATCH)
    return course, End(exits.CHANGED, f"The request is {state!r}, of which this gate knows nothing.")


def _granted(course: Course, heard: Heard) -> tuple[Course, Next]:
    if heard.status == 200:  # noqa: PLR2004
        grant = heard.body.get("grant")
        if not isinstance(grant, str) or not grant:
            return course, _nonsense(heard)
        if course.grants >= MOST_GRANTS:
            return course, End(exits.CHANGED, "Grants are given and cannot be used.")
        return replace(course, grants=course.grants + 1), Redeem(grant)
    return _held_or_refused(course, heard)


def _redeemed(course: Course, heard: Heard) -> tuple[Course, Next]:
    if heard.status == 200:  # noqa: PLR2004
        execution = heard.body.get("execution")
        return course, Run(execution) if isinstance(execution, str) and execution else _nonsense(heard)
    if heard.body.get("code") in {"grant_void", "grant_expired"}:
        return course, Pause(PAUSE, GetGrant())
    return _held_or_refused(course, heard)


def _held_or_refused(course: Course, heard: Heard) -> tuple[Course, Next]:
    code = str(heard.body.get("code", ""))
    match code:
        case "frozen" | "outside_window":
            pause = min(max(heard.retry_after or 0.0, HELD_PAUSE), _left(course, heard.at), LONGEST_PAUSE)
            course = replace(course, held_by=code, grants=0)
            return course, _patient(course, heard, Pause(pause, GetGrant()))
        case "not_approved":
            course = replace(course, held_by=code)
            return course, _patient(course, heard, Pause(PAUSE, Watch(course.revision, LONGEST_WATCH)))
        case "expired":
            return course, End(exits.EXPIRED, _said(heard, "It expired"))
        case "closed":
            return course, Watch(-1, 0.0)
        case _:
            return course, End(exits.CHANGED, _said(heard, "The grant was refused"))


def _patient(course: Course, heard: Heard, then: Question | Pause, took: float = LONGEST_WATCH) -> Next:
    """`then`, while there is patience; what answers at once although it should wait is not asked at once."""
    left = _left(course, heard.at)
    if left <= 0:
        return _impatient(course)
    if isinstance(then, Watch):
        then = replace(then, seconds=min(then.seconds, left))
        return then if took >= PAUSE else Pause(PAUSE, then)
    return then


def _impatient(course: Course) -> End:
    if course.held_by in {"frozen", "outside_window"}:
        held = "A freeze holds it back" if course.held_by == "frozen" else "It is outside its window"
        return End(exits.HELD, f"{held}, and the gate's patience is over. The request stands.")
    return End(exits.EXPIRED, "Nobody decided within the gate's patience. The request stands: the key resumes it.")


def _left(course: Course, now: float) -> float:
    return course.begun + course.terms.patience - now


def _is_absence(heard: Heard) -> bool:
    """No answer, one of a proxy or of a service that cannot decide now, or that of one who forgot us for a moment: a
    token that ran out while people slept is read anew. At the ask no waiting makes it better."""
    if heard.status == 0 or heard.status >= 500 or heard.status in {408, 425, 429}:  # noqa: PLR2004
        return True
    return heard.status == 401 and not isinstance(heard.to, Ask)  # noqa: PLR2004


def _nonsense(heard: Heard) -> End:
    return End(exits.AWAY, f"The answer to {type(heard.to).__name__.lower()} holds not what it must. Nothing ran.")


def _said(heard: Heard, what: str) -> str:
    """The problem's own words (RFC 9457), with its code."""
    code, detail = heard.body.get("code"), heard.body.get("detail") or heard.body.get("title")
    return f"{what} ({code or heard.status}): {detail}" if detail else f"{what} ({code or heard.status})."


def _way_on(body: Mapping[str, Any]) -> str:
    """What may be done about an ask that waits for the same."""
    waits = body.get("request") if body.get("code") == "request_open" else None
    return f". --replaces {waits} takes its place; the --key of its gate goes on with it." if waits else ""


def _reasoned(why: str, body: Mapping[str, Any]) -> str:
    """With who did it, and what he said."""
    by, reason = body.get("closed_by"), body.get("closed_reason")
    told = f"{why.removesuffix('.')} by {by}" if by else why.removesuffix(".")
    return f"{told}: {reason}" if reason else f"{told}."
