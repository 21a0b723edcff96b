"""The partners that may buy: for whom each may, and what the broker knows their password by.

They are kept in one file, which `milesaga partners` writes and the checkout reads. It holds no password.
"""

import os
import secrets
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.contracts.copies import target_queue

NAME = r"^[a-z][a-z0-9-]{1,30}$"
"""No dot: it ends the name in the names of a partner's queues."""
TARGET = r"^[a-z][a-z0-9-]{0,40}/[a-z][a-z0-9-]{0,40}$"


class Partner(BaseModel):
    """What one partner may do. `members` names those for whom it may buy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    members: Literal["any"] | frozenset[str] = "any"
    targets: frozenset[Annotated[str, Field(pattern=TARGET)]] = frozenset()
    """Targets of buses, as `fuel/till`, whose queues it may read."""
    password_hash: Annotated[str, Field(repr=False)]
    """RabbitMQ's: base64 of a salt of four bytes and the SHA-256 of salt and password."""

    @property
    def queues(self) -> list[str]:
        """Of its targets."""
        return sorted(target_queue(*target.split("/")) for target in self.targets)

    def may_buy_for(self, member_id: str) -> bool:
        return self.members == "any" or member_id in self.members


class _File(BaseModel):
    partners: dict[Annotated[str, Field(pattern=NAME)], Partner] = {}


class WrongPartners(Exception):
    """The file is not what it should be; the message says where."""


class Partners:
    """The file of partners. It is read whenever it has changed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read_at: tuple[int, int, int] | None = None
        self._known: dict[str, Partner] = {}

    def all(self) -> dict[str, Partner]:
        """By name; empty where there is no file. Raises WrongPartners."""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return {}
        state = (found.st_mtime_ns, found.st_size, found.st_ino)
        if state != self._read_at:
            try:
                self._known = _File.model_validate_json(self.path.read_bytes()).partners
            except ValidationError as error:
                place = "/".join(map(str, error.errors()[0]["loc"]))
                raise WrongPartners(f"{self.path}: not readable as partners at /{place}") from None
            self._read_at = state
        return dict(self._known)

    def put(self, name: str, partner: Partner) -> None:
        """Add a partner, or change it."""
        self._write({**self.all(), name: partner})

    def remove(self, name: str) -> None:
        self._write({each: partner for each, partner in self.all().items() if each != name})

    def _write(self, partners: dict[str, Partner]) -> None:
        """Whole or not at all, and for its owner's eyes."""
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self.path.with_name(f"{self.path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(_File(partners=partners).model_dump_json(indent=2) + "\n")
        draft.replace(self.path)
