"""What members and operators see of a purchase. `view(checkout, position)` shows it as it stood after a change."""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import AwareDatetime

from services.checkout.domain.checkout import Checkout
from services.checkout.saga import VERSIONS
from shared.contracts.checkout import Refusal, Total
from shared.contracts.journey import Document, Ticket
from shared.saga.record import AnyStatus, AnyStepStatus, Entry, Record, Status, StepStatus, known_or_newer
from shared.web.bodies import Shown

RESERVED_BY = "reserve booking"
TICKETED_BY = "issue tickets"
PRICED_BY = "lock cart"
_ENDS = (StepStatus.DONE, StepStatus.SKIPPED, StepStatus.REFUSED, StepStatus.UNDONE)


class StepView(Shown):
    """A step; `attempts` is how often its present command was sent."""

    name: str
    status: AnyStepStatus = StepStatus.PENDING
    attempts: int = 0
    started_at: AwareDatetime | None = None
    finished_at: AwareDatetime | None = None


class NextAction(Shown):
    """What the customer must do for the purchase to go on."""

    kind: Literal["redirect", "pix_qr"]
    payload: str
    expires_at: AwareDatetime


class CheckoutView(Shown):
    """A purchase."""

    id: str
    cart_id: str
    status: AnyStatus
    steps: list[StepView]
    next_action: NextAction | None = None
    refusal: Refusal | None
    total: Total | None
    tickets: tuple[Ticket, ...]
    documents: tuple[Document, ...]
    locators: tuple[str, ...]


class CheckoutPage(Shown):
    """A page of purchases, newest first."""

    checkouts: list[CheckoutView]
    next_cursor: str | None


class OperatorView(CheckoutView):
    """A purchase as operators see it."""

    member_id: str
    key: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    wake_at: AwareDatetime | None


class TimelineEntry(Shown):
    """One change of a purchase."""

    position: int
    at: AwareDatetime
    step: str
    status: str
    detail: str


class TimerView(Shown):
    """Something that will happen at a time."""

    name: str
    step: str
    at: AwareDatetime


class ListedTimer(TimerView):
    """A timer and whose it is."""

    checkout_id: str


class TimerPage(Shown):
    """A page of timers, the earliest first."""

    timers: list[ListedTimer]
    next_cursor: str | None


class OperatorDetail(OperatorView):
    """A purchase with its history."""

    timeline: list[TimelineEntry]
    timers: list[TimerView]


class OperatorPage(Shown):
    """A page of all members' purchases, newest first."""

    checkouts: list[OperatorView]
    next_cursor: str | None


def view(checkout: Checkout, position: int | None = None) -> CheckoutView:
    """The purchase as it stands, or as it stood after its first `position` changes."""
    record = checkout.record
    timeline = record.timeline if position is None else record.timeline[:position]
    steps = _steps(record, timeline)
    purchase = checkout.state
    reserved, ticketed = (_standing(steps, name) is StepStatus.DONE for name in (RESERVED_BY, TICKETED_BY))
    locked = _standing(steps, PRICED_BY) is not StepStatus.PENDING
    return CheckoutView(
        id=checkout.id,
        cart_id=purchase.cart_id,
        status=timeline[-1].of if timeline else Status.RUNNING,
        steps=list(steps.values()),
        refusal=checkout.refusal if _turned_back(timeline) else None,
        total=purchase.total if locked else purchase.quoted,
        tickets=purchase.tickets if ticketed else (),
        documents=purchase.documents if ticketed else (),
        locators=purchase.locators if reserved else (),
    )


def operator_view(checkout: Checkout) -> OperatorView:
    return OperatorView(**_operators(checkout))


def operator_detail(checkout: Checkout) -> OperatorDetail:
    timeline = [
        TimelineEntry(position=i, at=entry.at, step=entry.step, status=entry.status, detail=entry.detail)
        for i, entry in enumerate(checkout.record.timeline, start=1)
    ]
    timers = [TimerView(name=timer.name, step=timer.step, at=timer.at) for timer in checkout.record.timers]
    return OperatorDetail(**_operators(checkout), timeline=timeline, timers=timers)


def listed_timers(checkouts: Sequence[Checkout]) -> list[ListedTimer]:
    return [
        ListedTimer(checkout_id=each.id, name=timer.name, step=timer.step, at=timer.at)
        for each in checkouts
        for timer in each.record.timers
    ]


def creation_key(checkout: Checkout) -> tuple[str, str]:
    """Where a purchase stands in a list by age, as it is stored."""
    return checkout.model_dump(mode="json", include={"created_at"})["created_at"], checkout.id


def timer_key(checkout: Checkout) -> tuple[str, str]:
    """Where a purchase stands in the list of timers."""
    return checkout.wake_key or "", checkout.id


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


def _standing(steps: dict[str, StepView], name: str) -> StepStatus:
    return steps[name].status if name in steps else StepStatus.PENDING


def _apply(step: StepView, entry: Entry) -> None:
    step.status = known_or_newer(StepStatus, entry.status)
    step.attempts = entry.asks
    if step.status is StepStatus.RUNNING:
        step.started_at = entry.at
    step.finished_at = entry.at if step.status in _ENDS else None


def _turned_back(timeline: tuple[Entry, ...]) -> bool:
    turned = {StepStatus.REFUSED, StepStatus.UNDOING, Status.REFUSED, Status.CANCELLED, Status.NEEDS_ATTENTION}
    return any(entry.status in turned for entry in timeline)
