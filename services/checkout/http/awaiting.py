"""What a purchase waits for, why that does not come, and what is to be done about it: for operators."""

from typing import Annotated

from pydantic import AwareDatetime, Field

from services.checkout.domain.checkout import Checkout
from services.checkout.saga import VERSIONS
from shared.saga.record import Status, StepState, StepStatus
from shared.web.bodies import Shown


class Awaiting(Shown):
    """The step whose answer is awaited."""

    step: Annotated[str, Field(description="Its name", examples=["issue tickets"])]
    service: Annotated[str, Field(description="Who carries it out, where known", examples=["ticketing"])]
    since: Annotated[AwareDatetime | None, Field(description="When it was first asked for")]
    asks: Annotated[int, Field(description="How often its present command was sent", examples=[3])]
    next_ask_at: Annotated[AwareDatetime | None, Field(description="When it is asked again by itself; null for never")]
    cause: Annotated[str, Field(description="Why the purchase does not go on")]
    what_to_do: Annotated[str, Field(description="For an operator")]


def awaiting(checkout: Checkout) -> Awaiting | None:
    """None for a purchase that waits for nobody."""
    record = checkout.record
    state = record.steps.get(record.current)
    if state is None:
        return None
    service = _service(record.version, record.current)
    next_ask = min((timer.at for timer in record.timers if timer.name == "ask"), default=None)
    return Awaiting(
        step=record.current,
        service=service,
        since=state.started_at,
        asks=state.asks,
        next_ask_at=next_ask,
        cause=_cause(checkout, state, service),
        what_to_do=_advice(checkout, state, service, asked_again=next_ask is not None),
    )


def _service(version: int, step: str) -> str:
    saga = VERSIONS.get(version)
    declared = saga.step(step) if saga else None
    return declared.expect.type.partition(".")[0] if declared else ""


def _cause(checkout: Checkout, state: StepState, service: str) -> str:
    who, times = service or "The step's service", "once" if state.asks == 1 else f"{state.asks} times"
    if state.status is StepStatus.REFUSED:
        refusal = checkout.record.refusal
        said = f": {refusal.code}, {refusal.detail}" if refusal else ""
        return f"{who} refused, and what is done cannot be undone any more{said}."
    undone = " to undo it" if state.status is StepStatus.UNDOING else ""
    if state.status is StepStatus.UNKNOWN or checkout.record.status is Status.NEEDS_ATTENTION:
        return f"{who} was asked {times}{undone} and is silent: whether it did it nobody knows."
    return f"{who} was asked {times}{undone} and has not answered yet."


def _advice(checkout: Checkout, state: StepState, service: str, *, asked_again: bool) -> str:
    look = "Look whether it runs and has work waiting (`milesaga status`), at its dead letters"
    look += f" (`milesaga dead list --service {service}`), and in its log for the purchase." if service else "."
    again = f"`milesaga purchases ask {checkout.id}`"
    if checkout.record.status is Status.NEEDS_ATTENTION:
        return f"{look} When its provider answers again, {again}."
    if not asked_again:
        return f"Its timer was cancelled, so nobody asks any more: {again}."
    if state.asks > 1 or state.status is StepStatus.UNKNOWN:
        return f"Nothing yet: it is asked again by itself. {look} {again} does not wait for the timer."
    return "Nothing: it is asked again by itself where no answer comes."
