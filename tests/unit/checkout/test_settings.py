"""How long the checkout bears silence."""

from datetime import timedelta

from services.checkout.settings import CheckoutSettings, SandboxCheckoutSettings
from shared.saga.record import Patience

SILENCE = timedelta(seconds=30)


def pauses(patience: Patience) -> list[float]:
    """Seconds before each ask, and after the last one."""
    return [patience.pause(SILENCE, asks).total_seconds() for asks in range(1, patience.asks + 2)]


def test_beside_the_sandbox_a_silent_step_is_over_well_within_two_minutes() -> None:
    waited = pauses(SandboxCheckoutSettings().patience())
    assert (waited[0], waited[-1], len(waited)) == (2.0, 10.0, 13)
    assert waited == sorted(waited)
    assert 90 < sum(waited) < 100


def test_in_production_pauses_double_from_the_steps_own_up_to_five_minutes() -> None:
    waited = pauses(CheckoutSettings().patience())
    assert waited[:5] == [30, 60, 120, 240, 300]
    assert waited[-1] == 300
