"""Purchases in flight outlive a release: recorded histories, replayed against the code of today.

Each file holds what happened to one purchase, and the record and commands that came of each happening when it was
recorded. A change that would move a purchase in flight elsewhere fails here; it needs a new version of the saga beside
the old one. `python -m tests.saga.test_histories NAME` records a script anew: for a *new* history, never to make a
failing one pass.
"""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from services.checkout.domain.checkout import Purchase
from services.checkout.saga import VERSIONS
from shared.contracts import CATALOGUE
from shared.contracts.cart import CloseCart, LockCart, UnlockCart
from shared.contracts.messages import Message
from shared.contracts.miles import HoldMiles, RedeemMiles, ReleaseMiles
from shared.contracts.payment import AuthorizeCard, CapturePayment, VoidAuthorization
from shared.contracts.steps import Answer
from shared.contracts.ticketing import CancelBooking, IssueTickets, ReserveBooking, VoidTickets
from shared.saga.engine import Advanced, advance, new_record
from shared.saga.happening import CancelRequested, Happening, Start, TimersDue
from shared.saga.record import Patience, Record
from tests.saga.purchases import AUTHORIZED, CAPTURED, CLOSED, HELD, ISSUED, REDEEMED, RESERVED, a_script, locked
from tests.saga.script import PATIENCE, PURCHASE_ID, Script, refused, undone

FOLDER = Path(__file__).parent / "histories"
HISTORIES = sorted(FOLDER.glob("*.json"))
PLAIN: dict[str, Happening] = {"start": Start(), "timers_due": TimersDue(), "cancel_requested": CancelRequested()}


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_a_recorded_purchase_goes_the_way_it_went(file: Path) -> None:
    history = json.loads(file.read_text())
    saga = VERSIONS[history["version"]]
    patience = Patience.model_validate(history["patience"])
    advanced = Advanced(new_record(saga), Purchase.model_validate(history["purchase"]))
    for entry in history["happenings"]:
        advanced = advance(
            saga,
            advanced,
            happening_of(entry),
            purchase_id=PURCHASE_ID,
            now=datetime.fromisoformat(entry["at"]),
            patience=patience,
        )
        assert advanced.record == Record.model_validate(entry["record"])
        assert [said(command) for command in advanced.commands] == entry["commands"]


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_every_record_on_the_way_can_be_taken_up_again(file: Path) -> None:
    """A process that loads the record of any moment goes on as the one that saved it would have."""
    history = json.loads(file.read_text())
    for entry in history["happenings"]:
        assert Record.model_validate_json(json.dumps(entry["record"])).model_dump(mode="json") == entry["record"]


def test_there_are_histories() -> None:
    assert {file.stem for file in HISTORIES} == set(SCRIPTS)


def happening_of(entry: dict[str, Any]) -> Happening:
    if entry["kind"] in PLAIN:
        return PLAIN[entry["kind"]]
    answer = CATALOGUE[entry["kind"]].model_validate(entry["body"])
    assert isinstance(answer, Answer)
    return answer


def said(message: Message) -> dict[str, Any]:
    return {"type": message.type, "body": message.model_dump(mode="json")}


class Recorder(Script[Purchase]):
    """A script that writes down what happens."""

    def __init__(self, script: Script[Purchase]) -> None:
        self.happenings: list[dict[str, Any]] = []
        self.beginning = script.state
        super().__init__(script.saga, script.state)

    def happen(self, happening: Happening) -> "Recorder":
        super().happen(happening)
        plain = next((name for name, known in PLAIN.items() if known == happening), None)
        self.happenings.append(
            {
                "at": self.now.isoformat(),
                "kind": plain or happening.type,  # type: ignore[union-attr]
                "body": happening.model_dump(mode="json") if isinstance(happening, Answer) else None,
                "record": self.record.model_dump(mode="json"),
                "commands": [said(command) for command in self.advanced.commands],
            }
        )
        return self

    def write(self, name: str) -> None:
        history = {
            "version": self.saga.version,
            "patience": PATIENCE.model_dump(mode="json"),
            "purchase": self.beginning.model_dump(mode="json"),
            "happenings": self.happenings,
        }
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / f"{name}.json").write_text(json.dumps(history, indent=1) + "\n")


def _completed(script: Recorder) -> None:
    _until_issue(script)
    script.silence().expect(IssueTickets).answer(ISSUED).expect(CapturePayment).answer(CAPTURED)
    script.expect(RedeemMiles).answer(REDEEMED).expect(CloseCart).answer(CLOSED)


def _capture_refused(script: Recorder) -> None:
    _until_issue(script)
    script.answer(ISSUED).expect(CapturePayment).answer(refused("capture_refused"))
    script.expect(VoidTickets).silence().expect(VoidTickets).answer(undone())
    for kind in (VoidAuthorization, CancelBooking, ReleaseMiles, UnlockCart):
        script.expect(kind).answer(undone())


def _silent_reservation(script: Recorder) -> None:
    script.expect(LockCart).answer(locked()).expect(HoldMiles).answer(HELD).expect(ReserveBooking)
    for _ in range(3):
        script.silence().expect(ReserveBooking)
    script.silence()
    for kind in (CancelBooking, ReleaseMiles, UnlockCart):
        script.expect(kind).answer(undone())


def _cancelled(script: Recorder) -> None:
    _until_issue(script)
    script.cancel().answer(refused("segment_unavailable"))
    for kind in (VoidAuthorization, CancelBooking, ReleaseMiles, UnlockCart):
        script.expect(kind).answer(undone())


def _until_issue(script: Recorder) -> None:
    script.expect(LockCart).answer(locked()).expect(HoldMiles).answer(HELD).expect(ReserveBooking).answer(RESERVED)
    script.expect(AuthorizeCard).answer(AUTHORIZED).expect(IssueTickets)


SCRIPTS: dict[str, Callable[[Recorder], None]] = {
    "v1-completed-after-silence": _completed,
    "v1-capture-refused": _capture_refused,
    "v1-silent-reservation": _silent_reservation,
    "v1-cancelled-at-the-pivot": _cancelled,
}

if __name__ == "__main__":
    for chosen in sys.argv[1:]:
        recorder = Recorder(a_script())
        SCRIPTS[chosen](recorder)
        recorder.write(chosen)
