"""Which trace a delivery belongs to: that of whoever sent it, or of its own last try. A stranger begins one of ours."""

from dataclasses import replace
from typing import Final

from shared.bus.arrival import Arrival
from shared.bus.headers import ATTEMPTS, TRACEPARENT, number
from shared.contracts import CATALOGUE
from shared.contracts.cloudevents import PREFIXES, text_of
from shared.contracts.messages import OutboxMessage
from shared.telemetry import spans
from shared.telemetry.catalogue import OTHER
from shared.telemetry.spans import NO_SPAN, Kind, Span

STRANGERS: Final = "public"
"""The exchange that outsiders may write to."""


def traced(service: str, came: Arrival) -> Span:
    """The span of one try to handle a delivery."""
    if not spans.are_wanted():
        return NO_SPAN
    said, tried = _said(came, "traceparent"), text_of(came.headers.get(TRACEPARENT, ""))
    strange = came.exchange == STRANGERS
    parent, link = tried or ("" if strange else said), said if strange else ""
    span = spans.entered("process", Kind.CONSUMER, parent=parent, link=link)
    if span.recorded:
        kind = _said(came, "type")
        span.rename(f"process {kind if kind in CATALOGUE else OTHER}")
        span.tell(
            messaging__system="rabbitmq",
            messaging__operation__type="process",
            messaging__destination__name=service,
            messaging__message__id=_said(came, "id")[:100],
            milesaga__service=service,
            milesaga__purchase_id=_said(came, "correlationid")[:100],
            milesaga__attempts=number(came.headers.get(ATTEMPTS)),
        )
    return span


def with_place(message: OutboxMessage) -> OutboxMessage:
    """A failed message, with the place of this try: the next one goes on from there, hours later too."""
    here = spans.traceparent()
    return replace(message, headers={**message.headers, TRACEPARENT: here}) if here else message


def _said(came: Arrival, attribute: str) -> str:
    first, second = PREFIXES
    value = came.headers.get(first + attribute) or came.headers.get(second + attribute)
    return text_of(value) if value else ""
