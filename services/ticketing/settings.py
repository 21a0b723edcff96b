"""What ticketing is told from outside."""

from datetime import timedelta
from typing import ClassVar

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime.providers import Provider, formerly, provider_settings
from shared.runtime.service import Runtime


class SabreSettings(Provider):
    """The GDS. The sandbox, where it is on, stands in for whatever is not given."""

    model_config = SettingsConfigDict(env_prefix="TICKETING_SABRE_")
    formerly: ClassVar = formerly(
        "SABRE_",
        (
            "url",
            "client_id",
            "client_secret",
            "printer",
            "country",
            "timeout_seconds",
            "settle_seconds",
            "reread_seconds",
        ),
    )

    url: HttpUrl = HttpUrl("https://api.platform.sabre.com")
    """Base URL of the GDS."""
    client_id: str = Field(min_length=1)
    """`V1:user:group:domain`"""
    client_secret: SecretStr = Field(min_length=1)
    """The password that belongs to the client id."""
    printer: str = Field(min_length=1)
    """Line address of the printer that the agency's tickets are designated to."""
    country: str = Field(default="BR", pattern=r"^[A-Z]{2}$")
    """ISO country of the ticket stock."""
    timeout_seconds: float = Field(default=30.0, gt=0, le=120)
    """How long one request may take. Booking and issuing take several; all of them together get twice as long."""
    settle_seconds: float = Field(default=30.0, gt=0, le=600)
    """How long after a timeout the airline may still be booking or issuing; nobody looks before."""
    reread_seconds: float = Field(default=5.0, gt=0, le=60)
    """Between two readings of a booking that must agree before anything is concluded from documents missing."""

    @property
    def call_timeout(self) -> timedelta:
        """How long a whole call may take, every request of it together."""
        return timedelta(seconds=2 * self.timeout_seconds)

    @property
    def settle(self) -> timedelta:
        return timedelta(seconds=self.settle_seconds)


class SandboxSabreSettings(SabreSettings):
    """Beside the sandbox any credentials do, and times are short."""

    client_id: str = Field(default="V1:sandbox:MILE:EXT", min_length=1)
    client_secret: SecretStr = Field(default=SecretStr("sandbox"), min_length=1)
    printer: str = Field(default="SANDBX", min_length=1)
    timeout_seconds: float = Field(default=3.0, gt=0, le=120)
    settle_seconds: float = Field(default=1.0, gt=0, le=600)
    reread_seconds: float = Field(default=0.2, gt=0, le=60)
    calls_per_second: float = Field(default=1000.0, gt=0, le=10_000)
    breaker_seconds: float = Field(default=1.0, gt=0, le=900)


def settings(runtime: Runtime) -> SabreSettings:
    """From the environment. Raises WrongSettings naming the variable that is missing or wrong."""
    return provider_settings(runtime, "sabre", SabreSettings, SandboxSabreSettings)
