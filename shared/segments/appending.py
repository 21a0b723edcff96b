"""One writer of segments: what waits is written and synced together, and said to be kept only then.

A sync costs the disk as much for one page as for twenty. While one is on its way the next pages gather.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from shared.kernel.clock import running_seconds
from shared.kernel.ids import Ids
from shared.segments.contents import ReadLine, summary
from shared.segments.lines import Block, Damaged, Line, Summary
from shared.segments.places import Held, Lost, Place, Unclosed, writer_of

LARGEST: Final = 64 * 1024 * 1024
OLDEST: Final = 600.0
"""Seconds after which a segment is closed, however small it is."""

log = logging.getLogger(__name__)

Listed = Callable[[Summary], Awaitable[None]]
"""Puts a closed segment on the list, once or several times."""


class Readers(Protocol):
    """Of this process: they need not read what they are told."""

    def told(self, name: str, blocks: Sequence[Block]) -> None:
        """These were added to the segment of that name, and are kept."""
        ...

    def forget(self, name: str) -> None:
        """It is closed, and has an index."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """When a segment is closed: bytes, seconds."""

    largest: int = LARGEST
    oldest: float = OLDEST


class Appender:
    """Writes by the name of a writer of its own, which it holds while it is open: any number of processes may write at
    one place. What a crash left of that writer is gone on with."""

    def __init__(
        self,
        place: Place,
        ids: Ids,
        read: ReadLine,
        listed: Listed,
        *,
        limits: Limits | None = None,
        seconds: Callable[[], float] = running_seconds,
        readers: Readers | None = None,
    ) -> None:
        self._place = place
        self._readers = readers
        self._ids = ids
        self._read = read
        self._listed = listed
        self._limits = limits or Limits()
        self._seconds = seconds
        self._held: Held | None = None
        self._is_open = False
        self._segment: Unclosed | None = None
        self._begun = 0.0
        self._previous = self._newest = ""
        self._unclosed: list[Unclosed] = []
        self._unlisted: list[Summary] = []
        self._waiting: list[tuple[Sequence[Line], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """It is not before `open`, nor after another process has taken its writer over."""
        return self._is_open

    @property
    def writer(self) -> str:
        """By whose name it writes; while it holds one."""
        return self._held.writer if self._held is not None else ""

    async def adopt(self, known: Callable[[], Awaitable[Sequence[Summary]]]) -> None:
        """Close and list what a process that died left open by another name. `known` as in `open`, asked for where
        there is something. Raises OSError."""
        held = await asyncio.to_thread(self._place.abandoned)
        if held is not None:
            heir = Appender(self._place, self._ids, self._read, self._listed, limits=self._limits)
            heir._held = held
            try:
                await heir.open(await known())
            finally:
                await heir.close()

    async def open(self, known: Sequence[Summary]) -> None:
        """Hold a writer, close what a crash left open of it, list what it closed and did not list. `known` are all that
        are on the list. To be called again where it failed. Raises OSError."""
        async with self._turn:
            if self._held is None:
                self._held = await asyncio.to_thread(self._place.hold)
            try:
                await self._recover(self._held, known)
            except Lost:
                self._lose()
                raise
            self._is_open = True

    async def _recover(self, held: Held, known: Sequence[Summary]) -> None:
        own = {each.name: each for each in known if writer_of(each.name) == held.writer}
        self._previous = own[max(own)].sha256 if own else ""
        found = await asyncio.to_thread(self._place.segments, held.writer)
        self._newest = max((*own, *(each.name for each in found)), default="")
        for each in found:
            if not each.is_open and each.name not in own:
                try:
                    closed = await asyncio.to_thread(self._summary, each.name)
                except Damaged as damaged:  # whoever verifies is told; it must not keep others from being written
                    log.warning("a segment is not listed", extra={"document_id": each.name, "error": str(damaged)})
                else:
                    await self._list(closed)
        for each in found:
            left = await asyncio.to_thread(held.reopen, each.name, self._read) if each.is_open else None
            if left is not None:
                await self._list(await asyncio.to_thread(left.close, self._previous))

    async def append(self, lines: Sequence[Line]) -> None:
        """Return when the lines are kept. Raises OSError: they are not, or nobody knows."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write(), name="segments")
        await done

    async def tidy(self) -> None:
        """Close a segment that is old enough, and what could not be closed or listed before; say that the writer is
        still held. To be called now and then. Raises OSError."""
        async with self._turn:
            try:
                await asyncio.to_thread(self._renew)
            except Lost:
                self._lose()
            await self._close_if(due=self._seconds() - self._begun >= self._limits.oldest)
            await self._close_left()
            for closed in tuple(self._unlisted):
                await self._listed(closed)
                self._unlisted.remove(closed)

    async def close(self) -> None:
        """Write what waits, close the segment, and let go of the writer."""
        while self._writing is not None:
            await asyncio.wait((self._writing,))
        async with self._turn:
            await self._close_if(due=True)
            await asyncio.to_thread(self._release)

    async def _write(self) -> None:
        try:
            while self._waiting:
                async with self._turn:
                    group, self._waiting = self._waiting, []
                    await self._write_group(group)
                    await self._close_if(due=self._is_full)
        finally:
            self._writing = None

    @property
    def _is_full(self) -> bool:
        segment = self._segment
        return segment is not None and (segment.is_full or segment.size >= self._limits.largest)

    async def _write_group(self, group: Sequence[tuple[Sequence[Line], asyncio.Future[None]]]) -> None:
        try:
            await asyncio.to_thread(self._keep, [lines for lines, _ in group])
        except Exception as error:  # noqa: BLE001 - it goes to whoever waits
            if isinstance(error, Lost):
                self._lose()
            for _, done in group:
                if not done.done():
                    done.set_exception(error)
            return
        for _, done in group:
            if not done.done():
                done.set_result(None)

    def _keep(self, pages: Sequence[Sequence[Line]]) -> None:
        """All of them, or it raises."""
        if self._held is None:
            raise Lost("no writer is held")
        if self._segment is None:
            self._segment = self._held.begin(self._next_name(self._held.writer))
            self._begun = self._seconds()
        self._segment.settle()
        before = len(self._segment.blocks)
        try:
            for lines in pages:
                self._segment.append(lines)
            self._segment.sync()
        except BaseException:
            self._give_up(self._segment, before)
            raise
        if self._readers is not None:
            self._readers.told(self._segment.name, self._segment.blocks[before:])

    def _next_name(self, writer: str) -> str:
        """Greater than all before it of this writer, whatever the clocks of those who wrote them said: who follows a
        writer reads its segments by name."""
        made = f"{writer}.{self._ids.new()}"
        if made <= self._newest:
            made = f"{writer}.{uuid.UUID(int=uuid.UUID(self._newest.partition('.')[2]).int + 1)}"
        self._newest = made
        return made

    def _give_up(self, segment: Unclosed, before: int) -> None:
        try:
            if segment.give_up(before):
                return
        except OSError as error:
            log.warning("a segment is left as it is", extra={"error": type(error).__name__})
        self._segment = None

    def _renew(self) -> None:
        if self._held is not None:
            self._held.renew()

    def _release(self) -> None:
        held, self._held, self._is_open = self._held, None, False
        try:
            if held is not None:
                held.release()
        except OSError as error:
            log.warning("a writer is held until its time is over", extra={"error": type(error).__name__})

    def _lose(self) -> None:
        """Whoever has the writer now closes what this one wrote."""
        log.warning("another process has taken a writer over")
        self._held = self._segment = None
        self._unclosed.clear()
        self._is_open = False

    async def _close_if(self, *, due: bool) -> None:
        if self._segment is not None and due:
            self._unclosed.append(self._segment)
            self._segment = None
            await self._close_left()

    async def _close_left(self) -> None:
        """In the order of writing, since each names the one before it."""
        while self._unclosed:
            try:
                closed = await asyncio.to_thread(self._unclosed[0].close, self._previous)
            except Lost:
                return self._lose()
            except Damaged as damaged:
                left = self._unclosed.pop(0)
                log.warning("a segment is never closed", extra={"document_id": left.name, "error": str(damaged)})
                continue
            except OSError as error:  # what is in it is kept; `tidy` closes it, or who holds the writer the next time
                log.warning("a segment is not closed yet", extra={"error": type(error).__name__})
                return None
            self._unclosed.pop(0)
            if self._readers is not None:
                self._readers.forget(closed.name)
            await self._list(closed)
        return None

    async def _list(self, closed: Summary) -> None:
        """It is closed for good; where the list cannot be reached, it is tried again."""
        self._previous = closed.sha256
        try:
            await self._listed(closed)
        except Exception as error:  # noqa: BLE001 - `tidy` does it
            log.warning("a segment is not listed yet", extra={"error": type(error).__name__})
            self._unlisted.append(closed)

    def _summary(self, name: str) -> Summary:
        with self._place.closed(name) as packed:
            return summary(name, packed)
