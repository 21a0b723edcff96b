"""How long each step may be silent is a setting."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from services.checkout.saga import VERSIONS
from services.checkout.settings import CheckoutSettings


def test_every_step_of_every_version_has_a_silence_of_its_own() -> None:
    silences = CheckoutSettings().patience().silences
    assert set(silences) == {step.name for saga in VERSIONS.values() for step in saga.steps}


def test_the_first_pause_is_the_steps_own_unless_one_is_set_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKOUT_SILENCE_ISSUE_TICKETS_SECONDS", "90")
    patience = CheckoutSettings().patience()
    assert patience.pause(patience.silence("issue tickets"), 1) == timedelta(seconds=90)
    assert patience.pause(patience.silence("redeem miles"), 1) == timedelta(seconds=10)
    monkeypatch.setenv("CHECKOUT_FIRST_ASK_SECONDS", "3")
    patience = CheckoutSettings().patience()
    assert patience.pause(patience.silence("issue tickets"), 1) == timedelta(seconds=3)


def test_a_silence_of_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHECKOUT_SILENCE_ISSUE_TICKETS_SECONDS", "0")
    with pytest.raises(ValidationError, match="silence_issue_tickets_seconds"):
        CheckoutSettings()
