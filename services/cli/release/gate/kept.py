"""Outcomes that nobody took yet, on the machine where the command ran: told when somebody answers again.

`$XDG_STATE_HOME/milesaga/outcomes/<whom>/<execution>.json` is what is to be sent; `<whom>` is of the API's URL, so that
nobody is told of another's executions. `deploy/gate.sh` keeps them in the same place and form.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Final

import httpx

from services.cli.client import Api, segment
from services.cli.release.access import ROOT

MOST: Final = 500
"""A machine of which nobody takes so many has something else to be mended."""
LARGEST: Final = 64 * 1024
JSON: Final = {"Content-Type": "application/json"}
NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}")


class Told(Enum):
    """What became of an outcome that was told."""

    TAKEN = "taken"
    AWAY = "away"
    """Nobody answers who could take it."""
    NOT_OURS = "not ours"
    """Another person redeemed the grant, and tells it."""
    IN_VAIN = "in vain"
    """There is no such execution, or how it ended is on record already."""


ANSWERS: Final = {403: Told.NOT_OURS} | dict.fromkeys((404, 409, 413, 422), Told.IN_VAIN)


class Kept:
    """Of one API. Nothing here raises: what cannot be kept must not hide how the command ended."""

    def __init__(self, url: str) -> None:
        whom = hashlib.sha256(url.rstrip("/").encode()).hexdigest()[:16]
        self.folder = _state() / "milesaga" / "outcomes" / whom

    def keep(self, execution: str, body: bytes) -> bool:
        """False where it cannot be kept."""
        if not NAME.fullmatch(execution):
            return False
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if len(list(self.folder.iterdir())) >= MOST:
                return False
            new = self.folder / f".{execution}.{os.getpid()}"
            new.touch(mode=0o600)
            new.write_bytes(body)
            new.replace(self._file(execution))
        except OSError:
            return False
        return True

    def has(self, execution: str) -> bool:
        return self._file(execution).exists()

    def forget(self, execution: str) -> None:
        try:
            self._file(execution).unlink(missing_ok=True)
        except OSError:
            return  # it is told once more, which changes nothing

    def all(self) -> Iterator[tuple[str, bytes]]:
        """Executions and what is to be sent of each, the oldest first."""
        try:
            found = sorted(self.folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
        except OSError:
            return
        for file in found:
            try:
                with file.open("rb") as opened:
                    body = opened.read(LARGEST)
            except OSError:
                continue
            if NAME.fullmatch(file.stem):
                yield file.stem, body

    def _file(self, execution: str) -> Path:
        return self.folder / f"{execution}.json"


def told(api: Api, execution: str, body: bytes) -> Told:
    """Tell it once. Nobody who knows us by this token is nobody, for the next one may be good."""
    path = f"{ROOT}/executions/{segment(execution)}/outcome"
    try:
        response = api.ask("POST", path, content=body, headers=JSON)
    except httpx.HTTPError:
        return Told.AWAY
    return Told.TAKEN if response.is_success else ANSWERS.get(response.status_code, Told.AWAY)


def tell_kept(api: Api, kept: Kept) -> list[str]:
    """Tell all that is kept, once each; the executions of which somebody knows now."""
    known = []
    for execution, body in kept.all():
        found = told(api, execution, body)
        if found is Told.AWAY:
            break
        if found is not Told.NOT_OURS:
            kept.forget(execution)
            known.append(execution)
    return known


def _state() -> Path:
    """Where programs keep what is to outlive them (XDG Base Directory)."""
    given = os.environ.get("XDG_STATE_HOME", "")
    if given.startswith("/"):
        return Path(given)
    return Path(os.environ.get("HOME") or "/nowhere") / ".local" / "state"
