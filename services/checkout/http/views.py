"""What members and operators see of a purchase. `view(checkout, position)` shows it as it stood after a change."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import Path
from pydantic import AwareDatetime, Field

from services.checkout.domain.checkout import Checkout
from services.checkout.http.awaiting import Awaiting, awaiting
from services.checkout.saga import CHECKOUT, VERSIONS
from shared.contracts.checkout import Total
from shared.contracts.journey import Document, Ticket
from shared.contracts.steps import Refusal
from shared.saga.record import AnyStatus, AnyStepStatus, Entry, Record, Status, StepStatus, known_or_newer
from shared.telemetry.spans import Place
from shared.web.bodies import Shown
from shared.web.pages import Listing, NextCursor

CheckoutId = Annotated[str, Path(description="A purchase's id.", examples=["0198f0c2-5a61-7c3e"])]

_ENDS = (StepStatus.DONE, StepStatus.SKIPPED, StepStatus.REFUSED, StepStatus.UNDONE)


class StepView(Shown):
    """A step; `attempts` is how often its present command was sent."""

    name: Annotated[str, Field(description="Of the step", examples=["issue tickets"])]
    status: Annotated[AnyStepStatus, Field(description="How far the step is")] = StepStatus.PENDING
    attempts: Annotated[int, Field(description="How often its present command was sent", examples=[1])] = 0
    started_at: Annotated[AwareDatetime | None, Field(description="When it was first asked for")] = None
    finished_at: Annotated[AwareDatetime | None, Field(description="When it was done, refused or undone")] = None


class NextAction(Shown):
    """What the customer must do for the purchase to go on."""

    kind: Annotated[Literal["redirect", "pix_qr"], Field(description="What it is")]
    payload: Annotated[str, Field(description="A URL to open, or the text of a QR code")]
    expires_at: Annotated[AwareDatetime, Field(description="Until when it can be done")]


class CheckoutView(Shown):
    """A purchase."""

    id: Annotated[str, Field(description="Of the purchase", examples=["0198f0c2-5a61-7c3e"])]
    cart_id: Annotated[str, Field(description="What is bought", examples=["0198f0c2-5a61-7c3e"])]
    status: Annotated[AnyStatus, Field(description="How far the purchase is")]
    steps: Annotated[list[StepView], Field(description="In their order")]
    next_action: Annotated[NextAction | None, Field(description="What the customer must do, if anything")] = None
    refusal: Annotated[Refusal | None, Field(description="Why it did not go through, if so")]
    total: Annotated[Total | None, Field(description="What it costs; null until known")]
    tickets: Annotated[tuple[Ticket, ...], Field(description="One for each passenger and carrier")]
    documents: Annotated[tuple[Document, ...], Field(description="Of seats and bags")]
    locators: Annotated[tuple[str, ...], Field(description="Booking references of the airlines")]


class CheckoutPage(Shown):
    """A page of purchases, newest first."""

    checkouts: Annotated[list[CheckoutView], Field(description="The page")]
    next_cursor: NextCursor


class OperatorView(CheckoutView):
    """A purchase as operators see it."""

    member_id: Annotated[str, Field(description="Who buys", examples=["ana-1"])]
    key: Annotated[str, Field(description="The client's name for it", examples=["5f0c1d3a"])]
    created_at: Annotated[AwareDatetime, Field(description="When it was begun")]
    updated_at: Annotated[AwareDatetime, Field(description="When it last changed")]
    wake_at: Annotated[AwareDatetime | None, Field(description="When the earliest timer fires")]


class TimelineEntry(Shown):
    """One change of a purchase."""

    position: Annotated[int, Field(description="From 1; the id of its event", examples=[1])]
    at: Annotated[AwareDatetime, Field(description="When")]
    step: Annotated[str, Field(description="Of which step; empty for the purchase itself", examples=["issue tickets"])]
    status: Annotated[str, Field(description="What it became", examples=["running"])]
    detail: Annotated[str, Field(description="Why, where there is something to tell")]


class TimerView(Shown):
    """Something that will happen at a time."""

    name: Annotated[str, Field(description="Of the timer", examples=["ask"])]
    step: Annotated[str, Field(description="Of which step", examples=["issue tickets"])]
    at: Annotated[AwareDatetime, Field(description="When it fires")]


class ListedTimer(TimerView):
    """A timer and whose it is."""

    checkout_id: Annotated[str, Field(description="Whose it is", examples=["0198f0c2-5a61-7c3e"])]


class TimerPage(Shown):
    """A page of timers, the earliest first."""

    timers: Annotated[list[ListedTimer], Field(description="The page")]
    next_cursor: NextCursor


class OperatorDetail(OperatorView):
    """A purchase with its history."""

    timeline: Annotated[list[TimelineEntry], Field(description="Every change, the oldest first")]
    timers: Annotated[list[TimerView], Field(description="What will happen by itself")]
    awaiting: Annotated[Awaiting | None, Field(description="What it waits for; null when for nothing")]
    trace_id: Annotated[
        str | None, Field(description="Of the trace in which it began, where there are traces", examples=["4bf92f35"])
    ]


class StandingView(Shown):
    """Purchases of one status."""

    status: Annotated[Status, Field(description="The status")]
    count: Annotated[int, Field(description="How many, as far as they are counted", examples=[3])]
    more: Annotated[bool, Field(description="There are more than were counted")]
    oldest_at: Annotated[AwareDatetime | None, Field(description="When the oldest was begun; null where none is")]


class Summary(Shown):
    """How everybody's purchases stand."""

    statuses: Annotated[list[StandingView], Field(description="Every status")]


class OperatorPage(Shown):
    """A page of all members' purchases, newest first."""

    checkouts: Annotated[list[OperatorView], Field(description="The page")]
    next_cursor: NextCursor


def view(checkout: Checkout, position: int | None = None) -> CheckoutView:
    """The purchase as it stands, or as it stood after its first `position` changes."""
    record = checkout.record
    timeline = record.timeline if position is None else record.timeline[:position]
    steps = _steps(record, timeline)
    saga = VERSIONS.get(record.version, CHECKOUT)
    done = {step.name for step in steps.values() if step.status is StepStatus.DONE}
    purchase = saga.standing(checkout.state, done)
    return CheckoutView(
        id=checkout.id,
        cart_id=purchase.cart_id,
        status=timeline[-1].of if timeline else Status.RUNNING,
        steps=list(steps.values()),
        refusal=checkout.refusal if _turned_back(timeline) else None,
        total=purchase.total,
        tickets=purchase.tickets,
        documents=purchase.documents,
        locators=purchase.locators,
    )


def operator_view(checkout: Checkout) -> OperatorView:
    return OperatorView(**_operators(checkout))


def operator_detail(checkout: Checkout) -> OperatorDetail:
    timeline = [
        TimelineEntry(position=i, at=entry.at, step=entry.step, status=entry.status, detail=entry.detail)
        for i, entry in enumerate(checkout.record.timeline, start=1)
    ]
    timers = [TimerView(name=timer.name, step=timer.step, at=timer.at) for timer in checkout.record.timers]
    place = Place.of(checkout.traceparent)
    return OperatorDetail(
        **_operators(checkout),
        timeline=timeline,
        timers=timers,
        awaiting=awaiting(checkout),
        trace_id=place.trace_id if place else None,
    )


def listed_timers(checkouts: Sequence[Checkout]) -> list[ListedTimer]:
    return [
        ListedTimer(checkout_id=each.id, name=timer.name, step=timer.step, at=timer.at)
        for each in checkouts
        for timer in each.record.timers
    ]


def _creation_key(checkout: Checkout) -> tuple[str, str]:
    """Where a purchase stands in a list by age, as it is stored."""
    return checkout.model_dump(mode="json", include={"created_at"})["created_at"], checkout.id


def _timer_key(checkout: Checkout) -> tuple[str, str]:
    """Where a purchase stands in the list of timers."""
    return checkout.wake_key or "", checkout.id


BY_CREATION = Listing(_creation_key, (str, str))
BY_TIMER = Listing(_timer_key, (str, str))


def _operators(checkout: Checkout) -> dict[str, Any]:
    return {
        **dict(view(checkout)),
        "member_id": checkout.member_id,
        "key": checkout.key,
        "created_at": checkout.created_at,
        "updated_at": checkout.updated_at,
        "wake_at": checkout.record.wake_at,
    }


def _steps(record: Record, timeline: tuple[Entry, ...]) -> dict[str, StepView]:
    """Every step, as the changes so far left it. Of a purchase that a newer release began, the steps it wrote down."""
    saga = VERSIONS.get(record.version)
    declared = [step.name for step in saga.steps] if saga else []
    steps = {name: StepView(name=name) for name in (*declared, *record.steps)}
    for entry in timeline:
        if entry.step:
            _apply(steps.setdefault(entry.step, StepView(name=entry.step)), entry)
    if len(timeline) == len(record.timeline):
        for name, state in record.steps.items():
            steps[name].attempts = state.asks
    return steps


def _apply(step: StepView, entry: Entry) -> None:
    step.status = known_or_newer(StepStatus, entry.status)
    step.attempts = entry.asks
    if step.status is StepStatus.RUNNING:
        step.started_at = entry.at
    step.finished_at = entry.at if step.status in _ENDS else None


def _turned_back(timeline: tuple[Entry, ...]) -> bool:
    turned = {StepStatus.REFUSED, StepStatus.UNDOING, Status.REFUSED, Status.CANCELLED, Status.NEEDS_ATTENTION}
    return any(entry.status in turned for entry in timeline)
