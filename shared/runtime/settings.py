"""Settings that every process reads, from the environment. A missing or wrong one stops the start and is named."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, TypeVar

from pydantic import Field, HttpUrl, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

log = logging.getLogger(__name__)

FOLLOWS = "default_factory_not_called"
"""Pydantic's fault of a setting whose default depends on another one that is wrong: nobody set it."""


class WrongSettings(Exception):
    """Names each variable that is missing or wrong, and what was expected."""


class Settings(BaseSettings):
    """Some of the environment's variables. Each is named by the class's `env_prefix` and its field.

    `formerly` says under which name a field was read before: where only that one is set it still counts, with a
    warning. Such an entry goes with the next release.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")
    formerly: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings calls by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, _Environment(settings_cls)


class _Environment(EnvSettingsSource):
    """The process's environment, with the names of the last release."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        value, key, is_complex = super().get_field_value(field, field_name)
        former = self._former(field_name)
        if value is not None or former is None:
            return value, key, is_complex
        log.warning(
            "a setting under its former name: it will not be read in the next release",
            extra={"variable": former, "renamed": self._name(field_name)},
        )
        return self.env_vars[former.lower()], key, is_complex

    def variable(self, place: str) -> str:
        """The variable that a field's value came from, or would come from; `place` may be its alias."""
        if place not in self.settings_cls.model_fields:
            return place.upper()
        name = self._name(place)
        return name if name.lower() in self.env_vars else self._former(place) or name

    def _name(self, field_name: str) -> str:
        return f"{self.env_prefix}{field_name}".upper()

    def _former(self, field_name: str) -> str | None:
        """The former name of a field, where it is set."""
        formerly: Mapping[str, str] = getattr(self.settings_cls, "formerly", {})
        former = formerly.get(field_name)
        return former if former and former.lower() in self.env_vars else None


S = TypeVar("S", bound=Settings)


class RuntimeSettings(Settings):
    """What a process needs to know about where it runs."""

    environment: Literal["development", "test", "production"] = "development"
    milesaga_home: Path = Path(".milesaga")
    """Folder of everything a laptop's stack keeps: stores, private broker, sandbox."""
    broker_url: str | None = Field(default=None, pattern=r"^amqps?://", repr=False)
    """RabbitMQ; a private node is started under `MILESAGA_HOME` where it is not given."""
    broker_management_url: HttpUrl | None = None
    """RabbitMQ's management API, for `milesaga topology apply` and `milesaga partners`; port 15672 of the broker's host
    where it is not given."""
    partners_file: Path | None = None
    """Who may buy by message, as `milesaga partners` keeps it; `partners.json` in `MILESAGA_HOME` where not given."""
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
    sandbox: bool = Field(default_factory=lambda given: given.get("environment") != "production")
    """`on` lets the sandbox stand in for the providers: the default, except in production, where it is refused."""
    sandbox_url: HttpUrl | None = None
    """Base URL of the process in which the sandbox runs, where that is another one."""
    sandbox_smtp_port: int = Field(default=0, ge=0, le=65535)
    """Port of the sandbox's mail server; 0 lets the sandbox take any free one."""
    drain_seconds: float = Field(default=15.0, gt=0, le=20)
    """How long a stopping process finishes what is in hand; bounded, because all of it must end within 40 s."""
    clock_warning_seconds: float = Field(default=5.0, gt=0)
    """How far this machine's clock may be from the stores' before the log says so."""
    clock_limit_seconds: float = Field(default=60.0, gt=0)
    """How far before the process is not ready, and neither changes, expires nor deletes anything."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def partners(self) -> Path:
        return self.partners_file or self.milesaga_home / "partners.json"

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
        variables = _Environment(settings)
        raise WrongSettings(
            "; ".join(
                _named(fault["loc"], fault["msg"], variables) for fault in error.errors() if fault["type"] != FOLLOWS
            )
        ) from error


def _named(place: tuple[int | str, ...], message: str, variables: _Environment) -> str:
    """The variable and what is wrong with it; a rule on several variables names them in its own words."""
    message = message.removeprefix("Value error, ")
    return f"{variables.variable(str(place[0]))}: {message}" if place else message
