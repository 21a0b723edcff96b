"""The archive's settings, from the environment."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings
from shared.segments.appending import LARGEST, OLDEST, Limits


class ArchiveSettings(Settings):
    """Where accepted events are kept. All from `ARCHIVE_...` variables."""

    model_config = SettingsConfigDict(env_prefix="ARCHIVE_")

    place: str | None = Field(default=None, pattern=r"^file:///.+")
    """A folder of this machine, as `file:///...`; `archive` in `MILESAGA_HOME` where it is not given."""
    segment_bytes: int = Field(default=LARGEST, ge=1024, le=1 << 30)
    """A segment of so many bytes is closed."""
    segment_seconds: float = Field(default=OLDEST, gt=0, le=86_400)
    """A segment is closed after so long, however small it is."""
    hub_timeout_seconds: float = Field(default=3.0, gt=0)
    """How long the hub may take for an answer."""

    def folder(self, home: Path) -> Path:
        return Path(unquote(urlsplit(self.place).path)) if self.place else home / "archive"

    @property
    def limits(self) -> Limits:
        return Limits(self.segment_bytes, self.segment_seconds)
