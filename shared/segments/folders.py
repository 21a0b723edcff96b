"""A folder of this machine, or one that several machines have mounted, as the place of segments."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import count
from pathlib import Path
from typing import IO, Final

from shared.segments.contents import ReadLine
from shared.segments.files import CLOSED, DAMAGED, OPEN, OpenSegment, content, reopened
from shared.segments.frames import Packed
from shared.segments.places import WRITER, Found, is_segment, writer_of

LOCK: Final = "writer.lock"
SETTLED: Final = 2_000_000_000
"""Nanoseconds after which a change of a folder shows in its time for certain: file systems count in ticks."""


class Names:
    """The segments of a writer's folder, read anew when the folder has changed. Any thread may ask."""

    def __init__(self, read: Callable[[Path], dict[str, bool]]) -> None:
        self._read = read
        self._known: dict[Path, tuple[int, list[Found]]] = {}

    def of(self, folder: Path) -> list[Found]:
        """In their order. Raises OSError."""
        changed = folder.stat().st_mtime_ns
        known = self._known.get(folder)
        if known is not None and known[0] == changed:
            return known[1]
        found = [Found(name, is_open) for name, is_open in sorted(self._read(folder).items())]
        if time.time_ns() - changed > SETTLED:
            self._known[folder] = changed, found
        return found


def names_in(folder: Path) -> dict[str, bool]:
    """Of all segments that are in a writer's folder: are they open? One that is closed in this moment is renamed, once,
    and a folder that is read then may show neither of its names: so it is read twice."""
    paths = [path for _ in range(2) for path in _files(folder) if path.suffix in {OPEN, CLOSED}]
    closed = {path.stem for path in paths if path.suffix == CLOSED}
    return {path.stem: path.stem not in closed for path in paths if is_segment(path.stem, folder.name)}


def _files(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        yield from (folder / entry.name for entry in entries if not entry.is_dir(follow_symlinks=False))


class Folder:
    """Each writer has a folder of its own below this one, which it locks: any number of processes may write here."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names = Names(names_in)
        self._below: dict[str, Folder] = {}

    def below(self, name: str) -> "Folder":
        if name not in self._below:
            self._below[name] = Folder(self._root / name)
        return self._below[name]

    def parts(self) -> Sequence[str]:
        return sorted(path.name for path in self._root.glob("*") if path.is_dir())

    def writers(self) -> Sequence[str]:
        return [name for name in self.parts() if name.startswith(WRITER)]

    def segments(self, writer: str) -> Sequence[Found]:
        return self._names.of(self._root / writer)

    def unclosed(self, name: str) -> AbstractContextManager[Packed]:
        return content(self._path(name, OPEN))

    def closed(self, name: str) -> AbstractContextManager[Packed]:
        return content(self._path(name))

    def whole(self, name: str) -> bytes:
        return self._path(name).read_bytes()

    def age(self, name: str) -> float:
        return time.time() - self._path(name).stat().st_mtime

    def remove(self, name: str) -> None:
        for suffix in (CLOSED, DAMAGED):
            self._path(name, suffix).unlink(missing_ok=True)

    def size(self) -> int:
        total = 0
        for path in (*self._root.glob(f"{WRITER}*/*"), *self._root.glob(f"*/{WRITER}*/*")):
            try:
                total += path.stat().st_size
            except FileNotFoundError:
                continue  # closed or removed meanwhile
        return total

    def is_left(self, writer: str) -> bool:
        try:
            with (self._root / writer / LOCK).open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def set_aside(self, writer: str) -> Sequence[str]:
        return sorted(path.stem for path in (self._root / writer).glob(f"*{DAMAGED}") if is_segment(path.stem, writer))

    def hold(self) -> "HeldFolder":
        for number in count(1):
            folder = self._root / f"{WRITER}{number}"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            held = _claimed(folder)
            if held is not None:
                return held
        raise AssertionError("numbers have no end")

    def abandoned(self) -> "HeldFolder | None":
        for writer in self.writers():
            if any(each.is_open for each in self.segments(writer)):
                held = _claimed(self._root / writer)
                if held is not None:
                    return held
        return None

    def _path(self, name: str, suffix: str = CLOSED) -> Path:
        return path_of(self._root, name, suffix)


def _claimed(folder: Path) -> "HeldFolder | None":
    lock = (folder / LOCK).open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return HeldFolder(folder, lock)


class HeldFolder:
    """The lock falls with the process, however that ends."""

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        self.writer = folder.name
        self._folder = folder
        self._lock = lock

    def begin(self, name: str) -> OpenSegment:
        return OpenSegment(self._folder, name)

    def reopen(self, name: str, read: ReadLine) -> OpenSegment | None:
        return reopened(self._folder / f"{name}{OPEN}", read)

    def renew(self) -> None:
        """A lock needs nothing of the kind."""

    def release(self) -> None:
        self._lock.close()


def path_of(root: Path, name: str, suffix: str = CLOSED) -> Path:
    """Where a segment lies."""
    return root / writer_of(name) / f"{name}{suffix}"
