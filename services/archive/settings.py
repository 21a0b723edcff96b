"""The archive's settings, from the environment."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import Settings
from shared.segments.appending import LARGEST, OLDEST, Limits
from shared.segments.folders import Folder
from shared.segments.places import Place

_PLACE: Final = re.compile(r"file:///.+|(s3|gs|az)://[A-Za-z0-9][A-Za-z0-9._-]{1,253}(/[^?#]*)?")


def _place(text: str) -> str:
    if not _PLACE.fullmatch(text):
        raise ValueError("must be file:///FOLDER, s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or az://CONTAINER/PREFIX")
    return text


class ArchiveSettings(Settings):
    """Where accepted events are kept. All from `ARCHIVE_...` variables."""

    model_config = SettingsConfigDict(env_prefix="ARCHIVE_")

    place: Annotated[str, AfterValidator(_place)] | None = None
    """A folder of this machine, `file:///...`, or an object store, `s3://bucket/prefix`, `gs://...`, `az://...`;
    `archive` in `MILESAGA_HOME` where it is not given. Who may use a store is told by its own variables (`AWS_...`,
    `GOOGLE_...`, `AZURE_...`), or by the machine's identity."""
    endpoint: str | None = Field(default=None, pattern=r"^https?://.+")
    """Base URL of what speaks as S3 or Azure does and is neither, such as `https://minio.example:9000`."""
    request_seconds: float = Field(default=30.0, ge=1, le=600)
    """How long an object store may take for one request: a whole segment is put in one."""
    segment_bytes: int = Field(default=LARGEST, ge=1024, le=1 << 30)
    """A segment of so many bytes is closed."""
    segment_seconds: float = Field(default=OLDEST, gt=0, le=86_400)
    """A segment is closed after so long, however small it is."""
    hub_timeout_seconds: float = Field(default=3.0, gt=0)
    """How long the hub may take for an answer."""

    @model_validator(mode="after")
    def _of_one_store(self) -> Self:
        scheme = self.place.partition(":")[0] if self.place else "file"
        if self.endpoint and scheme not in {"s3", "az"}:
            raise ValueError("ARCHIVE_ENDPOINT: only where ARCHIVE_PLACE is s3:// or az://")
        return self

    def opened(self, home: Path, new_holder: Callable[[], str], ca_file: Path | None = None) -> Place:
        """Nothing is asked of it yet. `ca_file`: authorities that are believed beside the public ones."""
        if self.place is None:
            return Folder(home / "archive")
        if self.place.startswith("file:"):
            return Folder(Path(unquote(urlsplit(self.place).path)))
        authorities = ca_file.read_text() if ca_file is not None else None
        from shared.segments.stores import Account, objects_at  # noqa: PLC0415 - its library is not light

        account = Account(self.endpoint, self.request_seconds, authorities)
        return objects_at(self.place, account, new_holder)

    @property
    def limits(self) -> Limits:
        return Limits(self.segment_bytes, self.segment_seconds)
