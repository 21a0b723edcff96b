"""What the log tells of a purchase: a line for each change of a step, and a call where it needs attention."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import BaseModel

from shared.contracts.cloudevents import Envelope
from shared.contracts.miles import HoldMiles, MilesHeld, MilesRedeemed, RedeemMiles, ReleaseMiles
from shared.contracts.steps import StepRefused, StepUndone
from shared.saga.definition import Saga, step
from shared.saga.engine import Advanced, advance, new_record
from shared.saga.happening import AskRequested, CancelRequested, Happening, Start, TimersDue
from shared.saga.record import Patience
from shared.saga.run import SagaRun
from shared.saga.watching import Watch
from shared.telemetry import catalogue
from shared.telemetry.catalogue import Metric
from shared.telemetry.process import Telemetry
from tests.kit.lines import Line, Lines

CAUSE = Envelope(id="m-7", source="tests", type="miles.held.v1")
PATIENCE = Patience(asks=2)


class Wish(BaseModel):
    miles: int = 1000


SAGA = Saga[Wish](
    name="two steps",
    version=1,
    steps=(
        step(
            "hold",
            send=lambda wish, at: HoldMiles(**at, member_id="M1", miles=wish.miles),
            expect=MilesHeld,
            undo=lambda _, at: ReleaseMiles(**at, member_id="M1"),
        ),
        step(
            "redeem",
            pivot=True,
            send=lambda wish, at: RedeemMiles(**at, member_id="M1", miles=wish.miles),
            expect=MilesRedeemed,
        ),
    ),
)


class Told:
    """A purchase that a watch is told of, as the orchestrator tells it."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._now = datetime(2026, 5, 1, tzinfo=UTC)
        self._run = SagaRun[Wish](
            id="p1", created_at=self._now, updated_at=self._now, state=Wish(), record=new_record(SAGA)
        )
        self.telemetry = Telemetry()
        self._watch = Watch("shop", self.telemetry)

    def counted(self, metric: Metric) -> dict[tuple[str, ...], int]:
        """Without the service and the saga."""
        for service, saga, *_ in self.telemetry.series.counts[metric]:
            assert (service, saga) == ("shop", "two steps")
        return {labels[2:]: count for labels, count in self.telemetry.series.counts[metric].items()}

    def happens(self, happening: Happening, cause: Envelope | None = None) -> list[Line]:
        """The lines that this one made."""
        self._now += timedelta(hours=1)
        before, count = self._run, len(self._lines.all)
        advanced = advance(
            SAGA,
            Advanced(before.record, before.state),
            happening,
            purchase_id="p1",
            now=self._now,
            patience=PATIENCE,
        )
        self._run = before.moved_to(advanced.state, advanced.record, self._now)
        self._watch.moved(before.record, self._run, happening, cause)
        return self._lines.all[count:]


@pytest.fixture
def told(lines: Lines) -> Told:
    return Told(lines)


def told_in_short(found: list[Line]) -> list[tuple[Any, ...]]:
    names = ("level", "step", "status", "attempt", "cause", "causation_id", "reason")
    return [tuple(line.get(name) for name in names) for line in found]


def test_each_row_of_the_timeline_has_its_line(told: Told) -> None:
    assert told_in_short(told.happens(Start())) == [
        ("info", None, "running", None, "start", None, None),
        ("info", "hold", "running", 1, "start", None, None),
    ]
    assert told_in_short(told.happens(MilesHeld(purchase_id="p1", step="hold"), CAUSE)) == [
        ("info", "hold", "done", 1, "miles.held.v1", "m-7", None),
        ("info", "redeem", "running", 1, "miles.held.v1", "m-7", None),
    ]


def test_a_line_names_the_purchase_and_its_saga(told: Told) -> None:
    line = told.happens(Start())[-1]
    assert (line["event"], line["purchase_id"], line["saga"]) == ("step changed", "p1", "two steps")


def test_silence_is_told_once_and_a_cancellation_by_its_name(told: Told) -> None:
    told.happens(Start())
    assert told_in_short(told.happens(TimersDue())) == [("info", "hold", "unknown", 1, "silence", None, None)]
    assert told.happens(TimersDue()) == []
    assert told_in_short(told.happens(CancelRequested())) == [("info", "hold", "undoing", 1, "cancel", None, None)]


def test_a_purchase_that_needs_attention_calls_with_its_last_error(told: Told) -> None:
    told.happens(Start())
    told.happens(MilesHeld(purchase_id="p1", step="hold"), CAUSE)
    for _ in range(2):
        told.happens(TimersDue())
    *_, call = told.happens(TimersDue())
    assert (call["level"], call["event"], call["purchase_id"]) == ("warning", "purchase needs attention", "p1")
    assert (call["step"], call["attempt"], call["error"]) == ("redeem", 1, "no answer to 3 asks")


def test_a_refused_undo_calls_with_the_code_of_its_refusal(told: Told) -> None:
    told.happens(Start())
    told.happens(CancelRequested())
    refused = StepRefused(purchase_id="p1", step="hold", undo=True, code="account_closed", detail="Ana's account")
    found = told.happens(refused, CAUSE)
    assert found[-1]["error"] == "account_closed"
    assert "Ana" not in str(found)
    assert told_in_short(told.happens(AskRequested()))[0][4:] == ("operator", None, "asked by an operator")


def test_a_purchase_that_goes_well_is_counted_from_begin_to_end(told: Told) -> None:
    told.happens(Start())
    told.happens(MilesHeld(purchase_id="p1", step="hold"))
    told.happens(MilesRedeemed(purchase_id="p1", step="redeem"))
    assert told.counted(catalogue.BEGUN) == {(): 1}
    assert told.counted(catalogue.STEPPED) == {("hold", "done"): 1, ("redeem", "done"): 1}
    assert told.counted(catalogue.ENDED) == {("completed",): 1}
    assert told.counted(catalogue.TURNED_BACK) == told.counted(catalogue.ASKED) == {}
    times = told.telemetry.series.times[catalogue.STEP_SECONDS]
    assert {labels: histogram.total for labels, histogram in times.items()} == {
        ("shop", "two steps", "hold"): 3600,
        ("shop", "two steps", "redeem"): 3600,
    }


def test_a_refusal_turns_a_purchase_back_once_and_is_blamed(told: Told) -> None:
    told.happens(Start())
    told.happens(MilesHeld(purchase_id="p1", step="hold"))
    told.happens(StepRefused(purchase_id="p1", step="redeem", code="no", detail=""))
    told.happens(StepUndone(purchase_id="p1", step="hold", undo=True))
    assert told.counted(catalogue.TURNED_BACK) == {("redeem",): 1}
    assert told.counted(catalogue.STEPPED) == {
        ("hold", "done"): 1,
        ("redeem", "refused"): 1,
        ("hold", "undoing"): 1,
        ("hold", "undone"): 1,
    }
    assert told.counted(catalogue.ENDED) == {("refused",): 1}


def test_asks_and_calls_for_help_are_counted_by_step(told: Told) -> None:
    told.happens(Start())
    told.happens(TimersDue())
    told.happens(TimersDue())
    assert told.counted(catalogue.ASKED) == {("hold",): 2}
    told.happens(TimersDue())
    assert told.counted(catalogue.ASKED) == {("hold",): 2}, "it was given up, and is undone"
    assert told.counted(catalogue.TURNED_BACK) == {("hold",): 1}
    told.happens(StepRefused(purchase_id="p1", step="hold", undo=True, code="no", detail=""))
    assert told.counted(catalogue.CALLED_FOR_HELP) == {("hold",): 1}
    told.happens(AskRequested())
    assert told.counted(catalogue.ASKED) == {("hold",): 3}
