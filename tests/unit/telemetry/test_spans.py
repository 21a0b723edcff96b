"""Which trace something belongs to, and what is recorded of it."""

import asyncio
from collections.abc import Iterator

import pytest

from shared.telemetry import spans
from shared.telemetry.spans import Kind, Place
from tests.kit.tracer import KeepingTracer, recording

OURS = Place("a" * 32, "b" * 16, recorded=True)
UNRECORDED = Place("c" * 32, "d" * 16, recorded=False)


@pytest.fixture
def tracer() -> Iterator[KeepingTracer]:
    with recording() as tracer:
        yield tracer


@pytest.mark.parametrize("place", [OURS, UNRECORDED])
def test_a_place_travels_as_text(place: Place) -> None:
    assert Place.of(place.traceparent) == place


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00-1-2-01",
        f"00-{'0' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'0' * 16}-01",
        f"00-{'A' * 32}-{'b' * 16}-01",
        f"01-{'a' * 32}-{'b' * 16}-01",
        f"00-{'a' * 32}-{'b' * 16}-01-more",
        f"00-{'a' * 32}-{'b' * 16}-01\n",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_traceparent_is_no_place(text: str) -> None:
    assert Place.of(text) is None


def test_without_a_tracer_nothing_is_in_hand_and_nothing_is_lost() -> None:
    with spans.entered("request", Kind.SERVER, parent=OURS.traceparent) as span:
        assert not span.recorded
        span.tell(a=1)
        with spans.child("inner"), spans.under(OURS.traceparent, "timer"):
            assert (spans.traceparent(), spans.trace_id(), spans.is_recorded()) == ("", "", False)


def test_what_comes_in_goes_on_in_its_senders_trace(tracer: KeepingTracer) -> None:
    with spans.entered("process", Kind.CONSUMER, parent=OURS.traceparent):
        assert spans.trace_id() == OURS.trace_id
        with spans.child("save", Kind.CLIENT):
            inner = spans.traceparent()
    outer, child = tracer.kept
    assert (outer.parent, child.parent) == (OURS, outer.place)
    assert inner == child.place.traceparent
    assert outer.ended
    assert child.ended
    assert spans.traceparent() == ""


def test_what_nobody_sent_begins_a_trace_and_a_stranger_is_only_linked_to(tracer: KeepingTracer) -> None:
    with spans.entered("request", Kind.SERVER, link=OURS.traceparent):
        assert spans.trace_id() != OURS.trace_id
    (span,) = tracer.kept
    assert (span.parent, span.link) == (None, OURS)


def test_what_is_not_recorded_at_its_beginning_is_not_later(tracer: KeepingTracer) -> None:
    with spans.entered("process", Kind.CONSUMER, parent=UNRECORDED.traceparent) as span:
        assert not span.recorded
        assert spans.traceparent() == UNRECORDED.traceparent
        with spans.child("save"):
            assert spans.traceparent() == UNRECORDED.traceparent
    assert tracer.kept == []


def test_the_share_decides_about_what_begins_here_alone() -> None:
    with recording(share=0.0) as none:
        with spans.entered("request", Kind.SERVER):
            said = spans.traceparent()
            assert Place.of(said) is not None
            assert not spans.is_recorded()
        with spans.entered("process", Kind.CONSUMER, parent=OURS.traceparent):
            assert spans.is_recorded()
    assert [span.name for span in none.kept] == ["process"]
    with recording(share=0.5) as half:
        for _ in range(400):
            with spans.entered("request", Kind.SERVER):
                pass
    assert 100 < len(half.kept) < 300


def test_a_timer_goes_on_where_the_purchase_began_and_an_operator_is_linked_to(tracer: KeepingTracer) -> None:
    with spans.under(OURS.traceparent, "saga silence"):
        assert spans.trace_id() == OURS.trace_id
    with spans.entered("POST /ask", Kind.SERVER), spans.under(OURS.traceparent, "saga operator"):
        assert spans.trace_id() == OURS.trace_id
    timer, request, operator = tracer.kept
    assert (timer.parent, timer.link) == (OURS, None)
    assert (operator.parent, operator.link) == (OURS, request.place)


def test_what_is_in_the_purchases_trace_already_needs_no_span_more(tracer: KeepingTracer) -> None:
    with spans.entered("process", Kind.CONSUMER, parent=OURS.traceparent), spans.under(OURS.traceparent, "saga"):
        pass
    with spans.under("", "of a purchase that began while nobody traced"):
        pass
    assert [span.name for span in tracer.kept] == ["process"]


def test_a_span_ends_with_what_was_raised_in_it(tracer: KeepingTracer) -> None:
    error = ValueError("a card number, say")
    with pytest.raises(ValueError, match="card"), spans.entered("request", Kind.SERVER):
        raise error
    assert tracer.kept[0].error is error
    assert spans.traceparent() == ""


async def test_tasks_have_places_of_their_own(tracer: KeepingTracer) -> None:
    async def one(number: int) -> tuple[str, str]:
        with spans.entered(str(number), Kind.CONSUMER):
            before = spans.traceparent()
            await asyncio.sleep(0)
            return before, spans.traceparent()

    found = await asyncio.gather(*(one(number) for number in range(20)))
    assert all(before == after for before, after in found)
    assert len({before for before, _ in found}) == 20


def test_attributes_dots_are_written_with_two_lines(tracer: KeepingTracer) -> None:
    with spans.entered("request", Kind.SERVER) as span:
        span.tell(http__response__status_code=200, milesaga__purchase_id="p1")
    assert tracer.kept[0].attributes == {"http.response.status_code": 200, "milesaga.purchase_id": "p1"}
