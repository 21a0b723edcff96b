"""How releases look on HTTP."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field

from services.releases.cases.log import Log
from services.releases.domain.counting import eligible
from services.releases.domain.request import Request, State
from services.releases.domain.seats import Need, filled
from services.releases.domain.standing import Standing
from services.releases.domain.windows import Span
from shared.web.bodies import Shown
from shared.web.pages import NextCursor

Id = Annotated[str, Field(description="Its name", examples=["3f0c1d3a-8b1e-5c55-9d0a-2f0f5e1c7b11"])]
Person = Annotated[str, Field(description="An opaque id", examples=["p-sre"])]


class Seats(Shown):
    """So many people of a group are needed."""

    group: Annotated[str, Field(description="Of which group", examples=["sre"])]
    count: Annotated[int, Field(description="How many", examples=[1])]
    persons: Annotated[list[str], Field(description="Who has taken a seat", examples=[["p-sre"]])]


class ShownWindow(Shown):
    """When it may be begun."""

    start: Annotated[AwareDatetime | None, Field(alias="from", description="Not before; null for at any time")]
    end: Annotated[AwareDatetime | None, Field(alias="until", description="Before this; null for no end")]


class ShownRequest(Shown):
    """A request, as the log tells of it."""

    id: Id
    state: Annotated[State, Field(description="How far it has come", examples=["pending"])]
    action: Annotated[str, Field(description="What", examples=["deploy"])]
    environment: Annotated[str, Field(description="Where", examples=["production"])]
    target: Annotated[str, Field(description="Of what", examples=["checkout"])]
    digest: Annotated[str, Field(description="Of the payload", examples=["sha256:5"])]
    payload: Annotated[dict[str, Any] | None, Field(description="What is to run; null in a list")] = None
    body: Annotated[
        str | None,
        Field(
            description="The text whose SHA-256 is payload.body, as it will be sent; null where there is none, where "
            "it was erased, and in a list"
        ),
    ] = None
    reason: Annotated[str | None, Field(description="Why; null where it was erased, and in a list")] = None
    requester: Person
    initiator: Annotated[str, Field(description="The person behind a robot; empty for none")]
    authors: Annotated[list[str], Field(description="Persons who wrote it")]
    rule: Annotated[str, Field(description="The rule that holds for it", examples=["production deploys"])]
    need: Annotated[list[Seats], Field(description="Whose agreement is needed, and who has given it")]
    approvals: Annotated[list[str], Field(description="Persons who have agreed")]
    eligible: Annotated[list[str], Field(description="Persons who could take a seat now")]
    asked_at: Annotated[AwareDatetime, Field(description="When it was asked for")]
    expires_at: Annotated[AwareDatetime | None, Field(description="Until when it waits in this state")]
    window: Annotated[ShownWindow | None, Field(description="What was asked for; null for whenever the rule allows")]
    superseded_by: Annotated[str, Field(description="The request that took its place; empty for none")]
    closed_by: Annotated[
        str, Field(description="The person who denied, revoked, withdrew or replaced it; empty for time")
    ] = ""
    closed_reason: Annotated[
        str | None, Field(description="Why; null for no reason, where it was erased, and in a list")
    ] = None
    execution: Annotated[str, Field(description="What runs or ran; empty for none")]
    exit_code: Annotated[int | None, Field(description="How it ended; null where that is not known")]
    broken_by: Annotated[str, Field(description="Who went ahead without approval; empty for nobody")]
    incident: Annotated[str, Field(description="Because of what; empty for nothing")]
    review: Annotated[
        Literal["", "due", "overdue", "accepted", "rejected"], Field(description="Whether others have looked at that")
    ]
    revision: Annotated[int, Field(description="Counts what happened to it", examples=[1])]
    log_index: Annotated[int, Field(description="The place of its newest entry in the log", examples=[17])]


class ShownRequests(Shown):
    """Requests, the newest first."""

    requests: Annotated[list[ShownRequest], Field(description="The page")]
    next_cursor: NextCursor = None


class ShownGrant(Shown):
    """Good once, for what it names."""

    grant: Annotated[str, Field(description="A JSON Web Token, EdDSA", examples=["eyJhbGciOi"])]
    expires_at: Annotated[AwareDatetime | None, Field(description="Until when")]
    request: Id


class ShownExecution(Shown):
    """It may be run now."""

    execution: Annotated[str, Field(description="Its name, under which its end is told", examples=["0198f0c2"])]
    request: Id


class ShownFreeze(Shown):
    """What matches is neither granted nor begun."""

    id: Id
    log_index: Annotated[int, Field(description="The place of its entry in the log", examples=[17])]


class ShownDone(Shown):
    """It is in the log."""

    log_index: Annotated[int, Field(description="The place of its entry in the log", examples=[17])]


class ShownPolicy(Shown):
    """By what is decided, and what was taken away since."""

    policy_version: Annotated[int, Field(description="Of the file", examples=[1])]
    policy_digest: Annotated[str, Field(description="Of the file's bytes")]
    people_version: Annotated[int, Field(description="Of the file", examples=[1])]
    people_digest: Annotated[str, Field(description="Of the file's bytes")]
    rules: Annotated[list[dict[str, Any]], Field(description="In their order: the first that matches holds")]
    inactive: Annotated[list[str], Field(description="Persons who lost their power")]
    freezes: Annotated[list[dict[str, Any]], Field(description="Freezes that hold, or will")]


class ShownEntries(Shown):
    """Leaves of the log, as texts, exactly as they are hashed."""

    first: Annotated[int, Field(description="The number of the first", examples=[0])]
    size: Annotated[int, Field(description="Leaves in the log", examples=[17])]
    leaves: Annotated[list[str], Field(description="In their order")]


class ShownCheckpoint(Shown):
    """How far the log has come, signed."""

    checkpoint: Annotated[str, Field(description="A signed note (C2SP tlog-checkpoint)")]
    key: Annotated[str, Field(description="The public key to check it by; get it by another way as well")]


class ShownKeys(Shown):
    """A JSON Web Key Set."""

    keys: Annotated[list[dict[str, Any]], Field(description="Public keys")]


class ShownProof(Shown):
    """Hashes in base64, the nearest first."""

    leaf: Annotated[str | None, Field(description="The leaf that is proved; null for a proof of consistency")] = None
    proof: Annotated[list[str], Field(description="RFC 6962")]


class ShownReceipt(Shown):
    """All that the log tells of a request, and its proof."""

    request: Id
    checkpoint: Annotated[str, Field(description="A signed note")]
    entries: Annotated[list[dict[str, Any]], Field(description="Each a leaf and its proof of inclusion")]


def shown(request: Request, log: Log, standing: Standing, **more: Any) -> ShownRequest:
    """A request, with who has which seat and who could take one, as all stands now."""
    rules = log.rules
    rule = rules.policy.rule_for(request.action, request.environment, request.target)
    able = eligible(rule, request.persons_concerned, standing, rules) if rule else {}
    agreed = {person: able[person] for person in request.approvals if person in able}
    need = rule.need if rule else request.need
    holders = filled(need, agreed)
    window = request.window
    return ShownRequest(
        **{name: getattr(request, name) for name in _SAME},
        authors=list(request.authors),
        need=_seats(need, holders),
        approvals=list(request.approvals),
        eligible=sorted(set(able) - set(request.approvals)),
        expires_at=request.wake_at(),
        window=ShownWindow(**{"from": window.start, "until": window.end}) if window != Span() else None,
        log_index=request.through,
        **more,
    )


def _seats(need: Sequence[Need], holders: Mapping[int, str]) -> list[Seats]:
    """By group; `holders` count the seats over all of them."""
    found, first = [], 0
    for each in need:
        numbers = range(first, first + each.count)
        persons = [holders[number] for number in numbers if number in holders]
        found.append(Seats(group=each.group, count=each.count, persons=persons))
        first += each.count
    return found


_SAME = (
    "id",
    "state",
    "action",
    "environment",
    "target",
    "digest",
    "requester",
    "initiator",
    "rule",
    "asked_at",
    "superseded_by",
    "closed_by",
    "execution",
    "exit_code",
    "broken_by",
    "incident",
    "review",
    "revision",
)
