"""Checkpoints in a folder: a work tree of git, or a place where nothing can be written twice."""

import asyncio
import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

log = logging.getLogger(__name__)

DRAFTS: Final = ".checkpoint-*.note.*"
LONGEST_WRITE: Final = 60.0
"""Seconds: a draft that is older is nobody's any more."""


class FolderAnchor:
    """The `Anchor` port. One file for each checkpoint, named by its size, written whole or not at all. What was kept
    stays: where the log says something else of that size, it was written anew, as from a backup, or changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, size: int, note: str) -> None:
        await asyncio.to_thread(self._write, size, note)

    def _write(self, size: int, note: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"checkpoint-{size:012d}.note"
        if file.exists():
            self._compare(file, note)
            return
        draft = self._folder / f".{file.name}.{os.getpid()}"
        with draft.open("w") as out:
            out.write(note)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
        self._tidy(file.stat().st_mtime)

    def _compare(self, file: Path, note: str) -> None:
        """One that cannot be read hinders nothing: it is for auditors."""
        with suppress(OSError):
            if _told(file.read_text(errors="replace")) != _told(note):
                log.error("a checkpoint was kept of another log than this", extra={"document_id": file.name})

    def _tidy(self, now: float) -> None:
        """Take away drafts of processes that have died. `now` is by the file system's clock, as their times are."""
        for left in self._folder.glob(DRAFTS):
            with suppress(OSError):
                if now - left.stat().st_mtime > LONGEST_WRITE:
                    left.unlink()


def _told(note: str) -> str:
    """Without who has signed it: a key may be another one since."""
    return note.partition("\n\n")[0]
