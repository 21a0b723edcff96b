"""Settings that every process reads, from the environment. A missing or wrong one stops the start and is named."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar, Literal, Self, TypeVar

from pydantic import Field, HttpUrl, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.kernel.faults import sentence
from shared.runtime.environment import Environment
from shared.runtime.trust import CaFile

LEAVING = 10.0
"""Seconds that a stopping process takes, at most, beyond those that its drain was given."""
FOLLOWS = "default_factory_not_called"
"""Pydantic's fault of a setting whose default depends on another one that is wrong: nobody set it."""


class WrongSettings(Exception):
    """Names each variable that is missing or wrong, and what was expected: a sentence for each."""

    def __init__(self, *faults: str) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


class Settings(BaseSettings):
    """Some of the environment's variables. Each is named by the class's `env_prefix` and its field.

    `formerly` says under which name a field was read before, or under which ones, the latest first: where only such a
    one is set it still counts, with a warning. Such an entry goes with the next release.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")
    formerly: ClassVar[Mapping[str, str | tuple[str, ...]]] = {}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic-settings calls by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, Environment(settings_cls)


S = TypeVar("S", bound=Settings)


class TrustSettings(Settings):
    """Whose certificates are believed."""

    broker_ca_file: CaFile | None = None
    """Certificate authorities, PEM, that the broker's certificate is checked by (`amqps://`, and its management API)
    instead of the system's."""
    mongodb_ca_file: CaFile | None = None
    """Certificate authorities, PEM, that MongoDB's certificate is checked by instead of the system's. Asks for TLS."""
    https_ca_file: CaFile | None = None
    """Certificate authorities, PEM, believed beside the public ones by whatever goes over HTTPS: providers, the issuer,
    other services, the command line."""


class RuntimeSettings(TrustSettings):
    """What a process needs to know about where it runs."""

    environment: Literal["development", "test", "production"] = "development"
    """Where this runs. In `production` nothing that one machine keeps for itself stands in for what is not given."""
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
    """Address to listen on; in a container `0.0.0.0` or `::`."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes any free one."""
    processes: int | None = Field(default=None, ge=1, le=64)
    """How many processes `milesaga run` divides the whole stack over; by the machine's cores where it is not given."""
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
    drain_seconds: float = Field(default=15.0, gt=0, le=600)
    """How long a stopping process finishes what is in hand, at most. All of it ends within 10 s more; whoever stops the
    process waits so long."""
    gated: bool = Field(default_factory=lambda given: given.get("environment") == "production")
    """`on`: dangerous acts of ours take a grant, which another person has agreed to. The default in production."""
    after_restore: bool = False
    """The stores were restored and may have forgotten requests: workers ask their provider before the first one too."""
    clock_warning_seconds: float = Field(default=5.0, gt=0)
    """How far this machine's clock may be from the stores' and the broker's before the log says so."""
    clock_limit_seconds: float = Field(default=60.0, gt=0)
    """How far before the process is not ready, and neither changes, expires nor deletes anything."""
    otel_exporter_otlp_endpoint: HttpUrl | None = None
    """OTLP over HTTP: the collector's base URL, such as `http://collector:4318`. No traces where it is not given."""
    otel_traces_sampler_arg: float = Field(default=0.01, ge=0, le=1)
    """The share of traces that are recorded; a purchase is recorded from its beginning to its end, or not at all."""
    metrics_seconds: float = Field(default=5.0, gt=0, le=300)
    """Between two looks into stores and queues, for the metrics; a scrape shows what was seen last."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Logs are JSON lines on standard error, from this level upwards."""

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
    environment = Environment(settings)
    faults = dict(environment.faults())
    try:
        found = settings()
    except ValidationError as error:
        raise WrongSettings(*_sentences(error, environment, faults)) from error
    if faults:
        raise WrongSettings(*faults.values())
    return found


def _sentences(error: ValidationError, environment: Environment, known: Mapping[str, str]) -> Iterable[str]:
    """One for each variable that is wrong; what is known of a field's file says more than that it is missing."""
    sentences = dict(known)
    for number, fault in enumerate(error.errors()):
        if fault["type"] != FOLLOWS:
            place = str(fault["loc"][0]) if fault["loc"] else f"rule {number}"
            sentences.setdefault(place, _named(fault["loc"], sentence(fault), environment))
    return sentences.values()


def _named(place: tuple[int | str, ...], message: str, environment: Environment) -> str:
    """The variable and what is wrong with it; a rule on several variables names them in its own words."""
    return f"{environment.variable(str(place[0]))}: {message}" if place else message
