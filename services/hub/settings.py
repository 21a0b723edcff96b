"""The hub's settings, from the environment."""

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class HubSettings(Settings):
    """What partners may send. All from `HUB_...` variables."""

    model_config = SettingsConfigDict(env_prefix="HUB_")

    route: Literal["on", "off"] = "on"
    """Whether this process routes what was accepted; `off` leaves that to others."""
    archive_timeout_seconds: float = Field(default=3.0, gt=0)
    """How long the archive may take for an answer."""
    sweep_share: float = Field(default=0.25, gt=0, le=1)
    """The part of all pages that may be swept in an hour before an operator is asked, who allows more by 1."""

    @property
    def routes(self) -> bool:
        return self.route == "on"
