"""Settings that every process reads, from the environment. A missing or wrong one stops the start and is named."""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, HttpUrl, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)


class WrongSettings(Exception):
    """Names each variable that is missing or wrong, and what was expected."""


class RuntimeSettings(BaseSettings):
    """What a process needs to know about where it runs."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["development", "test", "production"] = "development"
    milesaga_home: Path = Path(".milesaga")
    """Folder of everything a laptop's stack keeps: stores, private broker, sandbox."""
    broker_url: str | None = Field(default=None, pattern=r"^amqps?://", repr=False)
    """RabbitMQ; a private node is started under `MILESAGA_HOME` where it is not given."""
    mongodb_url: str | None = Field(default=None, pattern=r"^mongodb(\+srv)?://", repr=False)
    """MongoDB; SQLite files under `MILESAGA_HOME` where it is not given."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    public_url: HttpUrl | None = None
    """Where clients reach the public HTTP API; `http://HOST:PORT` where it is not given."""
    oidc_issuer: str | None = None
    """Issuer of the bearer tokens; its keys are found by OpenID Connect discovery. The sandbox's where not given."""
    internal_token: str | None = Field(default=None, min_length=16, repr=False)
    """What services show each other on internal HTTP routes; kept in `MILESAGA_HOME` where it is not given."""
    offers_url: HttpUrl | None = None
    cart_url: HttpUrl | None = None
    """Where other services' internal HTTP routes are; the process's own where not given."""
    sandbox: bool = True
    """`on` lets the sandbox stand in for the providers; refused in production."""
    drain_seconds: float = Field(default=15.0, gt=0)
    """How long a stopping process finishes what is in hand."""


def read(settings: type[S]) -> S:
    """Read a settings class from the environment. Raises WrongSettings."""
    try:
        return settings()
    except ValidationError as error:
        lines = [
            f"{'_'.join(str(place) for place in fault['loc']).upper()}: {fault['msg']}" for fault in error.errors()
        ]
        raise WrongSettings("; ".join(lines)) from error
