"""Segments as files: appended to and synced, cut where a crash tore them, closed.

Everything here blocks: it belongs into a thread. Whoever writes a segment is alone with it.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from shared.segments import frames
from shared.segments.contents import Growing, ReadLine, grown, summary
from shared.segments.frames import Packed
from shared.segments.lines import Block, Line, Summary

log = logging.getLogger(__name__)

OPEN: Final = ".open"
"""Ends the name of a segment that is still written: it has no index yet."""
CLOSED: Final = ".zst"
DAMAGED: Final = ".damaged"
"""Ends the name of a copy of an open segment, as it was found, of which more was lost than its end."""


class OpenSegment:
    """One that is being written."""

    is_full: Final = False

    def __init__(self, folder: Path, name: str, growing: Growing | None = None) -> None:
        """Made, and its name is on the disk; or gone on with after all that is whole of it."""
        self.name = name
        self._path = folder / f"{name}{OPEN}"
        self._growing = growing or Growing()
        self._file = self._path.open("r+b" if growing else "x+b")
        self._file.seek(self.size)
        _sync_folder(folder)

    @property
    def size(self) -> int:
        return self._growing.size

    @property
    def blocks(self) -> Sequence[Block]:
        return self._growing.blocks

    def settle(self) -> None:
        """What could not be kept is in another segment, or nowhere."""

    def append(self, lines: Sequence[Line]) -> None:
        """Write the lines as one frame; they are kept once `sync` has returned."""
        self._file.write(self._growing.add(lines))

    def sync(self) -> None:
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def take_back(self, blocks: int) -> None:
        """Forget all but the first blocks: the rest could not be kept. Raises OSError."""
        self._growing.cut(blocks)
        self._file.seek(self.size)
        self._file.truncate()

    def give_up(self, blocks: int) -> bool:
        """A disk that failed once may have lost what it is asked for next: it is left as it is, without what could not
        be kept, until the folder is held the next time. One without anything is no more: it is tried again and again
        while a disk is full. Raises OSError."""
        self._growing.cut(blocks)
        with suppress(OSError):  # of what is still to be written, which is not to be
            self._file.close()
        if self.blocks:
            os.truncate(self._path, self.size)
        else:
            self._path.unlink()
        return False

    def close(self, previous: str) -> Summary:
        """Give it its index and its last name."""
        if not self._file.closed:
            self.take_back(len(self.blocks))  # of an index that could not be written
            self._file.write(self._growing.ending(previous))
            self.sync()
            self._file.close()
        closed = self._path.with_suffix(CLOSED)
        if self._path.exists():
            self._path.replace(closed)
        _sync_folder(closed.parent)
        with content(closed) as packed:
            return summary(self.name, packed)

    def leave(self) -> None:
        """Let go of it as it is, to be gone on with."""
        self._file.close()


def reopened(path: Path, read: ReadLine) -> OpenSegment | None:
    """An open segment as a crash left it, its torn tail cut; None where nothing of it is whole.

    What is cut was never said to be kept. An index that was being written goes too. Where whole frames follow what is
    cut, it was: then all of it is copied before, for a person.
    """
    packed = path.read_bytes()
    found = grown(packed, read)
    if frames.follow(packed, found.size):
        log.error("an open segment is damaged", extra={"document_id": path.stem, "count": len(packed) - found.size})
        _copy(packed, path.with_suffix(DAMAGED))
    if not found.blocks:
        path.unlink()
        return None
    os.truncate(path, found.size)
    segment = OpenSegment(path.parent, path.stem, found)
    segment.sync()
    return segment


def _copy(packed: bytes, path: Path) -> None:
    with path.open("wb") as file:
        file.write(packed)
        file.flush()
        os.fsync(file.fileno())
    _sync_folder(path.parent)


@contextmanager
def content(path: Path) -> Iterator[Packed]:
    """What is in a file. Raises FileNotFoundError."""
    with path.open("rb") as file:
        yield _Pieces(file.fileno())


class _Pieces:
    """A file that grows, and may be cut: what is asked for is read then."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, part: slice, /) -> bytes:
        end = min(part.stop, self._size)
        return os.pread(self._descriptor, max(0, end - part.start), part.start)


def _sync_folder(folder: Path) -> None:
    """So that a name survives a loss of power, as its file does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
