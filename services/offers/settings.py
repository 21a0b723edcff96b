"""The offers service's settings, from the environment."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, HttpUrl, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime.providers import Provider, formerly, provider_settings
from shared.runtime.service import Runtime
from shared.runtime.settings import Settings
from shared.store.sweeping import SWEEP_SHARE


class OffersSettings(Settings):
    """How offers are found, what they cost in miles, and how long they live. All from `OFFERS_...` variables."""

    model_config = SettingsConfigDict(env_prefix="OFFERS_")
    formerly: ClassVar[Mapping[str, str]] = {
        "seconds": "OFFER_SECONDS",
        "kept_seconds": "OFFER_KEPT_SECONDS",
        "seats_per_segment": "OFFER_SEATS_PER_SEGMENT",
        "search_cache_seconds": "SEARCH_CACHE_SECONDS",
        "miles_per_hundred": "MILES_PER_HUNDRED",
    }

    seconds: int = Field(default=900, ge=1, le=86_400)
    """How long an offer may be bought."""
    kept_seconds: int = Field(default=3_600, ge=0)
    """How long an expired offer is still known, as expired; then it is swept."""
    sweep_share: float = Field(default=SWEEP_SHARE, gt=0, le=1)
    """The part of all offers that may be swept in an hour before an operator is asked, who allows more by 1."""
    per_search: int = Field(default=10, ge=1, le=50)
    """At most so many offers per answer."""
    seats_per_segment: int = Field(default=30, ge=0, le=500)
    """At most so many seats of a segment are offered."""
    search_cache_seconds: float = Field(default=0.0, ge=0, le=60)
    """So long the same search gets the same offers. 0: only searches that run at the same moment share an answer."""
    miles_per_hundred: int = Field(default=24, ge=1)
    """Miles for each 100 minor units of fare. 24: one mile is worth a little over four cents."""


class SabreSettings(Provider):
    """The GDS. The sandbox, where it is on, stands in for whatever is not given."""

    model_config = SettingsConfigDict(env_prefix="OFFERS_SABRE_")
    formerly: ClassVar = formerly("SABRE_", ("url", "client_id", "client_secret", "pseudo_city", "timeout_seconds"))

    url: HttpUrl = HttpUrl("https://api.platform.sabre.com")
    """Base URL of the GDS."""
    client_id: str = Field(min_length=1)
    """`V1:user:group:domain`"""
    client_secret: SecretStr = Field(min_length=1)
    """The password that belongs to the client id."""
    pseudo_city: str = Field(pattern=r"^[A-Z0-9]{3,5}$")
    """The agency (PCC) in whose name flights are looked for."""
    timeout_seconds: float = Field(default=3.0, gt=0, le=120)
    """For one call, token and repetition included."""


class SandboxSabreSettings(SabreSettings):
    """Beside the sandbox any credentials do, and times are short."""

    client_id: str = Field(default="V1:sandbox:MILE:AA", min_length=1)
    client_secret: SecretStr = Field(default=SecretStr("sandbox"), min_length=1)
    pseudo_city: str = Field(default="MILE", pattern=r"^[A-Z0-9]{3,5}$")
    calls_per_second: float = Field(default=1000.0, gt=0, le=10_000)
    breaker_seconds: float = Field(default=1.0, gt=0, le=900)


def sabre_settings(runtime: Runtime) -> SabreSettings:
    """From the environment. Raises WrongSettings naming the variable that is missing or wrong."""
    return provider_settings(runtime, "sabre", SabreSettings, SandboxSabreSettings)
