"""What payment is told from outside."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from services.payment.domain import WatchTerms
from shared.runtime.providers import Provider, formerly, provider_settings
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings

STRIPE_URL = HttpUrl("https://api.stripe.com")


class StripeSettings(Provider):
    """The card gateway. The sandbox, where it is on, stands in for whatever is not given."""

    model_config = SettingsConfigDict(env_prefix="PAYMENT_STRIPE_")
    formerly: ClassVar = formerly("STRIPE_", ("url", "secret_key", "timeout_seconds", "settle_seconds"))

    url: HttpUrl = STRIPE_URL
    """Base URL of the card gateway."""
    secret_key: SecretStr = Field(min_length=1)
    """Our key at the gateway."""
    timeout_seconds: float = Field(default=20.0, gt=0, le=120)
    """How long one request may take. An authorisation may take two: the second cancels what cannot be completed."""
    settle_seconds: float = Field(default=10.0, gt=0, le=600)
    """How long after a timeout the gateway may still be working; nobody looks before."""

    @property
    def call_timeout(self) -> timedelta:
        """How long a whole call may take, every request of it together."""
        return timedelta(seconds=2 * self.timeout_seconds)

    @property
    def settle(self) -> timedelta:
        return timedelta(seconds=self.settle_seconds)


class SandboxStripeSettings(StripeSettings):
    """Beside the sandbox any credentials do, and times are short."""

    secret_key: SecretStr = Field(default=SecretStr("sk_test_sandbox"), min_length=1)
    timeout_seconds: float = Field(default=3.0, gt=0, le=120)
    settle_seconds: float = Field(default=1.0, gt=0, le=600)
    calls_per_second: float = Field(default=1000.0, gt=0, le=10_000)
    breaker_seconds: float = Field(default=1.0, gt=0, le=900)


class PaymentSettings(Settings):
    """How refunds are looked at after they succeeded: a card's bank may send the money back for weeks."""

    model_config = SettingsConfigDict(env_prefix="PAYMENT_")

    refund_watch_days: float = Field(default=30.0, gt=0, le=365)
    """So long."""
    refund_first_look_seconds: float = Field(default=3600.0, ge=1, le=86_400)
    """After the refund; each pause is twice as long as the one before."""
    refund_longest_pause_seconds: float = Field(default=86_400.0, ge=1, le=30 * 86_400)
    """The longest of these pauses."""

    @property
    def watch(self) -> WatchTerms:
        return WatchTerms(
            lasts=timedelta(days=self.refund_watch_days),
            first=timedelta(seconds=self.refund_first_look_seconds),
            longest=timedelta(seconds=self.refund_longest_pause_seconds),
        )


def settings(runtime: Runtime) -> StripeSettings:
    """From the environment. Raises WrongSettings naming the variable that is missing or wrong."""
    return provider_settings(runtime, "stripe", StripeSettings, SandboxStripeSettings)
