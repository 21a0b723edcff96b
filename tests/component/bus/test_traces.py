"""A message's trace, through failures, delay tiers and dead letters, on a real broker."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from shared.bus.broker import Bus
from shared.bus.dead_letters import DeadLetters
from shared.contracts.cloudevents import Envelope
from shared.contracts.messages import OutboxMessage
from shared.telemetry import spans
from shared.telemetry.spans import Kind, Place
from tests.component.bus.conftest import Job, OpenBus, outbox_of
from tests.eventually import eventually
from tests.kit.tracer import KeepingTracer, Kept, recording

STRANGER = Place("e" * 32, "f" * 16, recorded=True)


@pytest.fixture
def tracer() -> Iterator[KeepingTracer]:
    with recording() as tracer:
        yield tracer


class Flaky:
    """Fails so often, and tells where it was."""

    def __init__(self, failures: int) -> None:
        self.left = failures
        self.places: list[str] = []

    async def __call__(self, _job: Job, _envelope: Envelope) -> None:
        self.places.append(spans.traceparent())
        if self.left:
            self.left -= 1
            raise RuntimeError("a card number, say")


async def send(bus: Bus, **changes: object) -> OutboxMessage:
    entry = replace(outbox_of(bus).entry(Job(name="p1")), **changes)  # type: ignore[arg-type]
    await bus.publisher.publish([entry])
    return entry


def tries(tracer: KeepingTracer) -> list[Kept]:
    return [span for span in tracer.kept if span.kind is Kind.CONSUMER]


def with_header(entry: Mapping[str, str], traceparent: str) -> dict[str, str]:
    return {**entry, "cloudEvents:traceparent": traceparent}


async def test_a_delivery_hangs_below_its_sender_and_the_next_try_below_the_last(
    vhost_url: str, open_bus: OpenBus, tracer: KeepingTracer
) -> None:
    bus = await open_bus(vhost_url, {Job: (handler := Flaky(1))})
    with spans.entered("request", Kind.SERVER):
        await send(bus)
    await eventually(lambda: len(handler.places) == 2, within=20)
    await eventually(lambda: all(span.ended for span in tracer.kept))
    request = tracer.kept[0]
    first, second = tries(tracer)
    assert first.parent == request.place
    assert second.parent == first.place
    assert handler.places == [first.place.traceparent, second.place.traceparent]
    assert (first.attributes["milesaga.outcome"], first.attributes["error.type"]) == ("retried", "RuntimeError")
    assert (second.attributes["milesaga.outcome"], second.attributes["milesaga.attempts"]) == ("done", 1)
    assert first.attributes["milesaga.purchase_id"] == "p1"
    assert "card" not in str([span.attributes for span in tracer.kept])


async def test_a_dead_letter_sent_back_to_work_goes_on_in_its_trace(
    vhost_url: str, open_bus: OpenBus, tracer: KeepingTracer
) -> None:
    bus = await open_bus(vhost_url, {Job: Flaky(0)})
    with spans.entered("request", Kind.SERVER):
        await send(bus, body=b"[]")
    async with DeadLetters(vhost_url, ["work"]) as letters:

        async def sent_back() -> bool:
            return await letters.retry("work", lambda _: True) == 1

        await eventually(sent_back)
        await eventually(lambda: len(tries(tracer)) == 2)
    request = tracer.kept[0]
    assert [span.place.trace_id for span in tries(tracer)] == [request.place.trace_id] * 2


async def test_what_a_stranger_says_of_traces_is_a_link_and_no_more(
    vhost_url: str, open_bus: OpenBus, tracer: KeepingTracer
) -> None:
    queues = {"work": (("public", "work.#"),)}
    bus = await open_bus(vhost_url, {Job: Flaky(0)}, queues=queues)
    entry = outbox_of(bus).entry(Job(name="p1"))
    headers = with_header(entry.headers, STRANGER.traceparent) | {"milesaga-traceparent": STRANGER.traceparent}
    await bus.publisher.publish([replace(entry, exchange="public", headers=headers)])
    await eventually(lambda: len(tries(tracer)) == 1 and tracer.kept[0].ended)
    (span,) = tries(tracer)
    assert (span.parent, span.link) == (None, STRANGER)


async def test_a_trace_that_is_not_recorded_is_handed_on_all_the_same(vhost_url: str, open_bus: OpenBus) -> None:
    unrecorded = Place("a" * 32, "b" * 16, recorded=False)
    with recording() as tracer:
        bus = await open_bus(vhost_url, {Job: (handler := Flaky(1))})
        entry = outbox_of(bus).entry(Job(name="p1"))
        await bus.publisher.publish([replace(entry, headers=with_header(entry.headers, unrecorded.traceparent))])
        await eventually(lambda: len(handler.places) == 2, within=20)
    assert handler.places == [unrecorded.traceparent] * 2
    assert tracer.kept == []


async def test_without_a_tracer_a_senders_trace_is_handed_on_as_it_is(vhost_url: str, open_bus: OpenBus) -> None:
    bus = await open_bus(vhost_url, {})
    cause = Envelope(id="c", source="s", type="t", traceparent=STRANGER.traceparent)
    entry = outbox_of(bus).entry(Job(name="p1"), cause)
    assert entry.headers["cloudEvents:traceparent"] == STRANGER.traceparent
