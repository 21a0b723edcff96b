"""How the command line reaches a stack."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings


class AccessSettings(Settings):
    """All from `MILESAGA_...` variables."""

    model_config = SettingsConfigDict(env_prefix="MILESAGA_")

    url: str | None = Field(default=None, pattern=r"^https?://")
    """The API to ask. Where not given: the stack over `MILESAGA_HOME`; with neither given that over `.milesaga`, else
    `http://127.0.0.1:8000`."""
    token: str | None = Field(default=None, min_length=1, repr=False)
    """An operator's bearer token, with the scopes `ops:read ops:write`; one from the sandbox where not given."""
