"""One purchase is one trace, through HTTP, messages, providers and stores, and through silence."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartStack
from tests.e2e.shop import Shop
from tests.eventually import eventually
from tests.kit.collector import Collector, Span, collecting

SERVICES = {"cart", "checkout", "miles", "notifications", "offers", "payment", "ticketing"}
MESSAGES = {
    "cart.lock.v1", "cart.locked.v1", "miles.hold.v1", "miles.held.v1", "ticketing.reserve.v1",
    "ticketing.reserved.v1", "payment.authorize_card.v1", "payment.card_authorized.v1", "ticketing.issue.v1",
    "ticketing.issued.v1", "payment.capture.v1", "payment.captured.v1", "miles.redeem.v1", "miles.redeemed.v1",
    "cart.close.v1", "cart.closed.v1", "notifications.notify_customer.v1",
}  # fmt: skip
OUTSIDE = {
    "GET /internal/carts/{id}", "GET /internal/carts/{cart_id}", "sabre createBooking", "stripe authorize",
    "sabre fulfillFlightTickets", "stripe capture", "smtp send",
}  # fmt: skip
STORED = {"save checkouts", "save carts", "save accounts", "save bookings", "save payments", "save notices"}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as collector:
        yield collector


def trace_of(collector: Collector, purchase_id: str) -> list[Span]:
    """Every span that has come so far of the one trace that spans of the purchase are in."""
    traces = {span.trace for span in collector.spans if span.attributes.get("milesaga.purchase_id") == purchase_id}
    assert len(traces) <= 1, "a purchase is one trace"
    return [span for trace in traces for span in collector.of_trace(trace)]


def lines_of(log: str, purchase_id: str) -> list[dict[str, Any]]:
    found = (json.loads(line) for line in log.splitlines() if line.startswith("{"))
    return [line for line in found if line.get("purchase_id") == purchase_id]


async def test_a_whole_purchase_is_one_trace_and_its_lines_name_it(
    start_stack: StartStack, collector: Collector, vhost_url: str
) -> None:
    stack = start_stack(
        environment={
            "BROKER_URL": vhost_url,
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
            "OTEL_TRACES_SAMPLER_ARG": "1",
        }
    )
    async with Shop(stack.url) as shop:
        member = await shop.member()
        well = await member.buy(await member.cart(use_miles=30_000))
        assert (await member.ended(well))["status"] == "completed"
        await shop.misbehave("stripe", "authorize", "timeout_after", seconds=1)
        silent = await member.buy(await member.cart())
        assert (await member.ended(silent))["status"] == "completed"
    await eventually(lambda: len(re.findall("smtp send", str(trace_of(collector, well)))) == 1, within=20)
    log = stack.log()
    assert stack.terminate() == 0

    spans = trace_of(collector, well)
    assert {span.process for span in spans} == {"milesaga"}
    names = {span.name for span in spans}
    assert {f"process {kind}" for kind in MESSAGES} <= names
    assert names >= OUTSIDE
    assert names >= STORED
    assert {span.attributes["milesaga.service"] for span in spans if "milesaga.service" in span.attributes} == SERVICES
    (root,) = [span for span in spans if not span.parent]
    assert root.name == "POST /v1/checkouts"
    assert root.attributes["http.response.status_code"] == 202
    ids = {span.id for span in spans}
    assert {span.parent for span in spans} - ids == {""}, "every span hangs on another one"

    steps = [line for line in lines_of(log, well) if line["event"] == "step changed"]
    assert len(steps) > 10
    assert {line["trace_id"] for line in steps} == {root.trace}

    again = trace_of(collector, silent)
    assert "saga silence" in {span.name for span in again}
    asked = [span for span in again if span.name == "process payment.authorize_card.v1"]
    assert len(asked) > 1
    assert [span.name for span in again if not span.parent] == ["POST /v1/checkouts"]
    assert not {span.id for span in again} & ids
