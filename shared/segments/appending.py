"""One writer of segments: what waits is written and synced together, and said to be kept only then.

A sync costs the disk as much for one page as for twenty. While one is on its way the next pages gather.
"""

import asyncio
import fcntl
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, Final

from shared.kernel.clock import running_seconds
from shared.kernel.ids import Ids
from shared.segments.files import CLOSED, OPEN, OpenSegment, ReadLine, names_in, reopened, summary
from shared.segments.lines import Line, Summary

LARGEST: Final = 64 * 1024 * 1024
OLDEST: Final = 600.0
"""Seconds after which a segment is closed, however small it is."""
LOCK: Final = "writer.lock"
WRITER: Final = "writer-"
"""Begins the name of a writer's folder, which begins the names of its segments."""

log = logging.getLogger(__name__)

Listed = Callable[[Summary], Awaitable[None]]
"""Puts a closed segment on the list, once or several times."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a segment is closed: bytes, seconds."""

    largest: int = LARGEST
    oldest: float = OLDEST


class Appender:
    """Writes in a folder of its own below `root`, which it locks while it is open: any number of processes may write
    below one root. The first folder that nobody has is taken, and what a crash left in it is gone on with."""

    def __init__(
        self,
        root: Path,
        ids: Ids,
        read: ReadLine,
        listed: Listed,
        *,
        limits: Limits | None = None,
        seconds: Callable[[], float] = running_seconds,
    ) -> None:
        self.folder = root
        self._root = root
        self._ids = ids
        self._read = read
        self._listed = listed
        self._limits = limits or Limits()
        self._seconds = seconds
        self._segment: OpenSegment | None = None
        self._begun = 0.0
        self._previous = self._newest = ""
        self._unlisted: list[Summary] = []
        self._waiting: list[tuple[Sequence[Line], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._held: IO[str] | None = None

    @property
    def current(self) -> OpenSegment | None:
        """What is written at the moment: its blocks are kept as far as they have been told."""
        return self._segment

    async def open(self, known: Sequence[Summary]) -> None:
        """Lock a folder, close what a crash left open in it, list what was closed there and not listed. `known` are all
        that are on the list. Raises OSError."""
        await asyncio.to_thread(self._claim)
        own = {each.name: each for each in known if path_of(self._root, each.name).parent == self.folder}
        self._previous = own[max(own)].sha256 if own else ""
        for path in await asyncio.to_thread(lambda: sorted(self.folder.glob(f"*{CLOSED}"))):
            if path.stem not in own:
                await self._list(await asyncio.to_thread(summary, path))
        there = await asyncio.to_thread(lambda: names_in(self.folder))
        self._newest = max((*own, *there), default="")
        for path in await asyncio.to_thread(lambda: sorted(self.folder.glob(f"*{OPEN}"))):
            left = await asyncio.to_thread(reopened, path, self._read)
            if left is not None:
                await self._list(await asyncio.to_thread(left.close, self._previous))

    async def append(self, lines: Sequence[Line]) -> None:
        """Return when the lines are on the disk. Raises OSError: they are not."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="segments")
        await done

    async def tidy(self) -> None:
        """Close a segment that is old enough, and list what could not be listed before. To be called now and then."""
        async with self._turn:
            await self._close_if(due=self._seconds() - self._begun >= self._limits.oldest)
            for closed in tuple(self._unlisted):
                await self._listed(closed)
                self._unlisted.remove(closed)

    async def close(self) -> None:
        """Write what waits, and close the segment."""
        while self._writing is not None:
            await asyncio.wait((self._writing,))
        async with self._turn:
            await self._close_if(due=True)
        if self._held is not None:
            self._held.close()  # and the folder is free

    async def _write(self) -> None:
        try:
            while self._waiting:
                async with self._turn:
                    group, self._waiting = self._waiting, []
                    await self._write_group(group)
                    segment = self._segment
                    await self._close_if(due=segment is not None and segment.size >= self._limits.largest)
        finally:
            self._writing = None

    async def _write_group(self, group: Sequence[tuple[Sequence[Line], asyncio.Future[None]]]) -> None:
        try:
            await asyncio.to_thread(self._keep, [lines for lines, _ in group])
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits
            for _, done in group:
                if not done.done():
                    done.set_exception(error)
            return
        for _, done in group:
            if not done.done():
                done.set_result(None)

    def _keep(self, pages: Sequence[Sequence[Line]]) -> None:
        """All of them, or none."""
        if self._segment is None:
            self._segment = OpenSegment(self.folder, self._next_name())
            self._begun = self._seconds()
        before = len(self._segment.blocks)
        try:
            for lines in pages:
                self._segment.append(lines)
            self._segment.sync()
        except BaseException:
            self._give_up(before)
            raise

    def _next_name(self) -> str:
        """Greater than all before it in this folder, whatever the clocks of those who wrote there said: who follows a
        writer reads its segments by name."""
        made = f"{self.folder.name}.{self._ids.new()}"
        if made <= self._newest:
            made = f"{self.folder.name}.{uuid.UUID(int=uuid.UUID(self._newest.partition('.')[2]).int + 1)}"
        self._newest = made
        return made

    def _give_up(self, before: int) -> None:
        """A disk that failed once may have lost what it is asked for next: a new file is begun, and this one stays as
        it is, without what could not be kept, until the folder is opened the next time."""
        segment, self._segment = self._segment, None
        if segment is not None:
            try:
                segment.take_back(before)
                segment.leave()
            except OSError as error:
                log.warning("a segment is left as it is", extra={"error": type(error).__name__})

    async def _close_if(self, *, due: bool) -> None:
        segment = self._segment
        if segment is None or not due:
            return
        self._segment = None
        await self._list(await asyncio.to_thread(segment.close, self._previous))

    async def _list(self, closed: Summary) -> None:
        """The file is closed for good; where the list cannot be reached, it is tried again."""
        self._previous = closed.sha256
        try:
            await self._listed(closed)
        except Exception as error:  # noqa: BLE001 - `tidy` does it
            log.warning("a segment is not listed yet", extra={"error": type(error).__name__})
            self._unlisted.append(closed)

    def _claim(self) -> None:
        """The lock falls with the process, however that ends."""
        for number in count(1):
            folder = self._root / f"{WRITER}{number}"
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = (folder / LOCK).open("a")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                continue
            self.folder, self._held = folder, lock
            return


def path_of(root: Path, name: str) -> Path:
    """Where a closed segment lies."""
    return root / name.partition(".")[0] / f"{name}{CLOSED}"
