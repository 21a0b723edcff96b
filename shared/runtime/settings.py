"""Settings that every process reads, from the environment. A missing or wrong one stops the start and is named."""

from pathlib import Path
from typing import Literal, Self, TypeVar

from pydantic import Field, HttpUrl, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

S = TypeVar("S", bound=BaseSettings)

FOLLOWS = "default_factory_not_called"
"""Pydantic's fault of a setting whose default depends on another one that is wrong: nobody set it."""


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
    oidc_issuer: str | None = Field(default=None, pattern=r"^https?://")
    """Issuer of the bearer tokens; its keys are found by OpenID Connect discovery. The sandbox's where not given."""
    internal_token: str | None = Field(default=None, min_length=16, repr=False)
    """What services show each other on internal HTTP routes; kept in `MILESAGA_HOME` where it is not given."""
    offers_url: HttpUrl | None = None
    cart_url: HttpUrl | None = None
    """Where other services' internal HTTP routes are; the process's own where not given."""
    sandbox: bool = Field(default_factory=lambda given: given.get("environment") != "production")
    """`on` lets the sandbox stand in for the providers: the default, except in production, where it is refused."""
    sandbox_url: HttpUrl | None = None
    """Base URL of the process in which the sandbox runs, where that is another one."""
    sandbox_smtp_port: int = Field(default=0, ge=0, le=65535)
    """Port of the sandbox's mail server; 0 lets the sandbox take any free one."""
    drain_seconds: float = Field(default=15.0, gt=0, le=20)
    """How long a stopping process finishes what is in hand; bounded, because all of it must end within 40 s."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @model_validator(mode="after")
    def _no_sandbox_in_production(self) -> Self:
        if self.sandbox and self.environment == "production":
            raise ValueError("SANDBOX: must be off where ENVIRONMENT=production")
        return self


def read(settings: type[S]) -> S:
    """Read a settings class from the environment. Raises WrongSettings."""
    try:
        return settings()
    except ValidationError as error:
        prefix = str(settings.model_config.get("env_prefix") or "")
        raise WrongSettings(
            "; ".join(
                _named(fault["loc"], fault["msg"], prefix) for fault in error.errors() if fault["type"] != FOLLOWS
            )
        ) from error


def _named(place: tuple[int | str, ...], message: str, prefix: str) -> str:
    """The variable and what is wrong with it; a rule on several variables names them in its own words."""
    message = message.removeprefix("Value error, ")
    if not place:
        return message
    name = "_".join(str(part) for part in place).upper()
    return f"{name if name.startswith(prefix.upper()) else prefix.upper() + name}: {message}"
