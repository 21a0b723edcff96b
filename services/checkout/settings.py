"""The checkout's settings."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.checkout.cases.following import STREAMS, STREAMS_PER_CALLER
from shared.runtime.settings import Settings
from shared.saga.record import LONGEST, MOST_ASKS, MOST_GROWTH, Patience

Pause = Annotated[float, Field(gt=0, le=LONGEST.total_seconds())]
"""Seconds."""


class CheckoutSettings(Settings):
    """How long the orchestrator bears silence, and what the programme credits. All from `CHECKOUT_...` variables."""

    model_config = SettingsConfigDict(env_prefix="CHECKOUT_")

    first_ask_seconds: Pause | None = None
    """Silence before a command of any step is repeated; each step's own where not given (2 s beside the sandbox)."""
    silence_lock_cart_seconds: Pause = 15
    """Silence of the step that locks the cart, before its command is repeated."""
    silence_hold_miles_seconds: Pause = 15
    """Silence of the step that holds the miles, before its command is repeated."""
    silence_reserve_booking_seconds: Pause = 45
    """Silence of the step that books, before its command is repeated."""
    silence_authorize_payment_seconds: Pause = 30
    """Silence of the step that holds the money, before its command is repeated."""
    silence_issue_tickets_seconds: Pause = 120
    """Silence of the step that issues the tickets, before its command is repeated."""
    silence_capture_payment_seconds: Pause = 30
    """Silence of the step that takes the money, before its command is repeated."""
    silence_redeem_miles_seconds: Pause = 10
    """Silence of the step that redeems the miles, before its command is repeated."""
    silence_close_cart_seconds: Pause = 300
    """Silence of the step that closes the cart, before its command is repeated."""
    silence_accrue_miles_seconds: Pause = 300
    """Silence of the step that credits miles, before its command is repeated. As the others it is as long as its
    provider may take at worst."""
    longest_pause_seconds: Pause = 300
    """What the growing pauses grow to (10 s beside the sandbox)."""
    pause_growth: float = Field(default=2.0, ge=1, le=MOST_GROWTH)
    """By what each pause is longer than the one before."""
    asks: int = Field(default=12, ge=1, le=MOST_ASKS)
    """Repetitions until silence before the pivot undoes the purchase, and later needs attention."""
    command_life_hours: float = Field(default=24, gt=0, le=LONGEST / timedelta(hours=1))
    """How long a command stays good that is sent before the tickets are asked for."""
    holds_live_hours: float = Field(default=144, gt=0, le=LONGEST / timedelta(hours=1))
    """How long authorised money and held miles can be taken: so long a capture without effect is asked for."""
    miles_per_unit: int = Field(default=0, ge=0)
    """Miles credited for each whole unit of currency paid. 0: flights earn when they are flown, not when bought."""
    cart_timeout_seconds: float = Field(default=3.0, gt=0)
    """How long the cart service may take for an answer."""
    streams: int = Field(default=STREAMS, ge=1)
    """Event streams that one process keeps open; more are refused with 429."""
    streams_per_caller: int = Field(default=STREAMS_PER_CALLER, ge=1)
    """Event streams of one caller that one process keeps open."""

    def _silences(self) -> dict[str, float]:
        return {
            "lock cart": self.silence_lock_cart_seconds,
            "hold miles": self.silence_hold_miles_seconds,
            "reserve booking": self.silence_reserve_booking_seconds,
            "authorize payment": self.silence_authorize_payment_seconds,
            "issue tickets": self.silence_issue_tickets_seconds,
            "capture payment": self.silence_capture_payment_seconds,
            "redeem miles": self.silence_redeem_miles_seconds,
            "close cart": self.silence_close_cart_seconds,
            "accrue miles": self.silence_accrue_miles_seconds,
        }

    def patience(self) -> Patience:
        return Patience(
            silences={step: timedelta(seconds=seconds) for step, seconds in self._silences().items()},
            first_pause=None if self.first_ask_seconds is None else timedelta(seconds=self.first_ask_seconds),
            growth=self.pause_growth,
            longest_pause=timedelta(seconds=self.longest_pause_seconds),
            asks=self.asks,
            command_life=timedelta(hours=self.command_life_hours),
            holds_live=timedelta(hours=self.holds_live_hours),
        )


class SandboxCheckoutSettings(CheckoutSettings):
    """Beside the sandbox times are short."""

    first_ask_seconds: Pause | None = 2.0
    longest_pause_seconds: Pause = 10.0
    pause_growth: float = Field(default=1.3, ge=1, le=MOST_GROWTH)
    """Twelve asks are over in 95 s, well within the two minutes that a silent step may last on a busy laptop."""
