"""What the sandbox is told from outside."""

from pathlib import Path
from typing import Self

from pydantic import AwareDatetime, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class SandboxSettings(BaseSettings):
    """Environment variables carry the field's name in capitals, those of this service alone with `SANDBOX_`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    enabled: bool = Field(default=False, validation_alias="SANDBOX")
    """Must be on."""
    environment: str = Field(default="development", validation_alias="ENVIRONMENT")
    """In `production` there is no sandbox."""
    home: Path = Field(default=Path(".milesaga"), validation_alias="MILESAGA_HOME")
    """Data folder."""
    public_url: str = Field(default="http://127.0.0.1:8000", validation_alias="PUBLIC_URL")
    """The issuer's base."""
    host: str = Field(default="127.0.0.1", validation_alias="HOST")
    """Where mail is taken, as HTTP is: in a container `0.0.0.0`."""
    url: str | None = Field(default=None, validation_alias="SANDBOX_URL")
    """Where services reach the sandbox, where that is not `PUBLIC_URL`: its tokens are issued under it."""
    miles_url: str | None = Field(default=None, validation_alias="MILES_URL")
    """Where the sandbox reaches the miles service, where that is not `PUBLIC_URL`."""
    releases_url: str | None = Field(default=None, validation_alias="RELEASES_URL")
    """Where the chat's callbacks go, where that is not `PUBLIC_URL`."""
    smtp_port: int = Field(default=0, ge=0, le=65535, validation_alias="SANDBOX_SMTP_PORT")
    """Port of the mail server; 0 takes any free one."""
    currency: str = Field(default="BRL", pattern=r"^[A-Z]{3}$", validation_alias="SANDBOX_CURRENCY")
    """What the providers' prices are in. The same numbers in every currency, hundredths where it has them."""
    begins_at: AwareDatetime | None = Field(default=None, validation_alias="SANDBOX_BEGINS_AT")
    """What time it is for the providers when the sandbox starts; from then on it passes. None: the machine's. Flights,
    fares and ticketing limits go by it, the issuer's tokens by the machine's clock, as those who check them do."""

    @model_validator(mode="after")
    def _only_where_it_belongs(self) -> Self:
        if self.environment.strip().lower() == "production":
            raise ValueError("ENVIRONMENT=production: the sandbox never runs in production")
        if not self.enabled:
            raise ValueError("SANDBOX must be on for the sandbox to start")
        return self

    @property
    def folder(self) -> Path:
        """Where the outside world keeps its own memory."""
        return self.home / "sandbox"

    @property
    def issuer(self) -> str:
        """The OIDC issuer, without a trailing slash."""
        return f"{(self.url or self.public_url).rstrip('/')}/sandbox/oauth"
