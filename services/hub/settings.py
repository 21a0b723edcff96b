"""The hub's settings, from the environment."""

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class HubSettings(Settings):
    """What partners may send. All from `HUB_...` variables."""

    model_config = SettingsConfigDict(env_prefix="HUB_")

    route: Literal["on", "off"] = "on"
    """Whether this process routes what was accepted; `off` leaves that to others."""
    redaction_key: SecretStr | None = Field(default=None, min_length=32)
    """By which what is personal is digested, where a type says `redact: hash`: for good, and for all replicas."""
    archive_timeout_seconds: float = Field(default=3.0, gt=0)
    """How long the archive may take for an answer."""
    sweep_share: float = Field(default=0.25, gt=0, le=1)
    """The part of all pages that may be swept in an hour before an operator is asked, who allows more by 1."""

    @property
    def routes(self) -> bool:
        return self.route == "on"

    @property
    def key(self) -> bytes | None:
        return self.redaction_key.get_secret_value().encode() if self.redaction_key else None
