"""Checkpoints in a folder: a work tree of git, or a place where nothing can be written twice."""

import asyncio
import os
from pathlib import Path


class FolderAnchor:
    """The `Anchor` port. One file for each checkpoint, named by its size, written whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def keep(self, size: int, note: str) -> None:
        await asyncio.to_thread(self._write, size, note)

    def _write(self, size: int, note: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"checkpoint-{size:012d}.note"
        if file.exists():
            return
        draft = self._folder / f".{file.name}.{os.getpid()}"
        with draft.open("w") as out:
            out.write(note)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
