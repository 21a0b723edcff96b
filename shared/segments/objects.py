"""An object store as the place of segments: nothing is appended to an object, so an open segment is many.

    writer-1/head                   who holds the writer, and the segment that it began last
    writer-1/NAME.open/OFFSET       a group of frames, by the place of its first byte in the segment
    writer-1/NAME.zst               a closed segment: all of its groups, and the index

A group is made, and never changed: where there is an object of that name already, whoever wants to make it has lost.
Who takes a writer over puts an empty object, a fence, where the next group would be; so the one before, however late it
wakes, has nothing accepted any more that nobody would read. A segment is begun by changing `head`, which one of several
who want to can. `docs/decisions/0040` says why that is enough.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from shared.segments.buckets import Bucket
from shared.segments.caches import Cache
from shared.segments.files import CLOSED, OPEN
from shared.segments.frames import Packed
from shared.segments.held_objects import HEAD, Head, HeldWriter
from shared.segments.lines import Damaged
from shared.segments.object_contents import ClosedObject, Part, Parts, unbroken
from shared.segments.places import WRITER, Found, is_segment, writer_of

log = logging.getLogger(__name__)

LEASE: Final = 120.0
"""Seconds after which a writer that nobody said to hold is free: more than clocks of processes that are ready differ
(`CLOCK_LIMIT_SECONDS`). Taken over too early, it costs its pages a second way; nothing is lost."""
FRESH: Final = 0.5
"""Seconds for which a list is good: whoever follows a feed looks four times a second."""
COUNTED: Final = 300.0
"""Seconds between two looks at the size of all that there is."""
FETCHING: Final = 16
"""Objects that are read at once."""


@dataclass
class Seen:
    """What was listed of a writer, and then of its open segments: so that of a segment with a successor all is seen."""

    found: list[Found]
    closed: set[str]
    at: float
    parts: dict[str, list[Part]] = field(default_factory=dict)


class Objects:
    """Processes share it as they share a folder. `new_holder` makes names that nobody else has."""

    def __init__(
        self,
        bucket: Bucket,
        new_holder: Callable[[], str],
        *,
        prefix: str = "",
        lease: float = LEASE,
        cache: Cache | None = None,
        fetching: Executor | None = None,
    ) -> None:
        self.bucket = bucket
        self.cache = cache or Cache()
        self.fetching: Executor = fetching or ThreadPoolExecutor(FETCHING, "objects")
        self._new_holder = new_holder
        self._prefix = prefix
        self._lease = lease
        self._below: dict[str, Objects] = {}
        self._seen: dict[str, Seen] = {}
        self._names: tuple[float, Sequence[str]] = (-FRESH, ())
        self._sizes: dict[str, int] = {}
        self._counted: tuple[float, int] = (-COUNTED, 0)

    def below(self, name: str) -> "Objects":
        """Any thread may ask; all have the same, so that what one of them writes is new to the others at once."""
        found = self._below.get(name)
        if found is not None:
            return found
        made = Objects(
            self.bucket,
            self._new_holder,
            prefix=f"{self._prefix}{name}/",
            lease=self._lease,
            cache=self.cache,
            fetching=self.fetching,
        )
        return self._below.setdefault(name, made)

    def parts(self) -> Sequence[str]:
        at, names = self._names
        if time.monotonic() - at >= FRESH:
            at = time.monotonic()
            names, _ = self.bucket.names(self._prefix.rstrip("/"))
            self._names = at, names
        return names

    def writers(self) -> Sequence[str]:
        return [name for name in self.parts() if name.startswith(WRITER)]

    def segments(self, writer: str) -> Sequence[Found]:
        return self._look(writer).found

    @contextmanager
    def unclosed(self, name: str) -> Iterator[Packed]:
        seen = self._seen.get(writer_of(name)) or self._look(writer_of(name))
        if name in seen.closed:
            raise FileNotFoundError(name)
        if name not in seen.parts:
            seen.parts[name] = self.listed(name)
        yield Parts(self, name, unbroken(seen.parts[name]))

    @contextmanager
    def closed(self, name: str) -> Iterator[Packed]:
        try:
            if name not in self._sizes:
                self._sizes[name] = self.bucket.look(self.key(name)).size
            yield ClosedObject(self, name, self._sizes[name])
        except FileNotFoundError:
            self._forget(name)
            raise

    def whole(self, name: str) -> bytes:
        return self.bucket.read(self.key(name)).content

    def age(self, name: str) -> float:
        return self.bucket.look(self.key(name)).age

    def remove(self, name: str) -> None:
        """What is left of its groups first: without it they would be an open segment."""
        self.bucket.delete([each.key for each in self.bucket.list(self.groups(name))])
        self.bucket.delete([self.key(name)])
        self._forget(name)

    def size(self) -> int:
        at, size = self._counted
        if time.monotonic() - at >= COUNTED:
            at = time.monotonic()
            size = sum(each.size for each in self.bucket.list(self._prefix.rstrip("/")))
            self._counted = at, size
        return size

    def is_left(self, writer: str) -> bool:
        try:
            found = self.bucket.read(self.head(writer))
            before = Head.of(found.content)
        except (FileNotFoundError, Damaged):
            return True
        return not before.holder or found.age >= self._lease

    def set_aside(self, writer: str) -> Sequence[str]:  # noqa: ARG002 - what is damaged there is left as it is
        return ()

    def hold(self) -> HeldWriter:
        for number in count(1):
            held = self._claimed(f"{WRITER}{number}")
            if held is not None:
                self._names = -FRESH, ()
                held.prove()
                held.take_over()
                return held
        raise AssertionError("numbers have no end")

    def abandoned(self) -> HeldWriter | None:
        for writer in self.writers():
            held = self._claimed(writer, abandoned=True)
            if held is not None:
                held.take_over()
                return held
        return None

    def _claimed(self, writer: str, *, abandoned: bool = False) -> HeldWriter | None:
        """None where it is another one's; or where nobody knows which segment its holder had begun: it is nobody's
        until a person takes its head away."""
        holder = self._new_holder()
        try:
            found = self.bucket.read(self.head(writer))
            before = Head.of(found.content)
        except Damaged as damaged:
            log.warning("a writer is left alone", extra={"document_id": writer, "error": str(damaged)})
            return None
        except FileNotFoundError:
            head = Head(holder)
            version = self.bucket.create(self.head(writer), head.packed)
        else:
            if (before.holder and found.age < self._lease) or (abandoned and not before.holder):
                return None
            head = Head(holder, segment=before.segment)
            version = self.bucket.replace(self.head(writer), head.packed, found.version)
        return HeldWriter(self, writer, head, version) if version is not None else None

    def listed(self, name: str) -> list[Part]:
        """The groups of an open segment, in their order; a fence is one of no bytes. Raises FileNotFoundError where
        it is closed, or there is nothing of it."""
        there = self.bucket.list(self.groups(name))
        if self.is_closed(name) or not there:  # asked after: groups go only once it is closed
            raise FileNotFoundError(name)
        placed = [(each.key.rpartition("/")[2], each.size) for each in there]
        return [Part(int(offset), size) for offset, size in placed if offset.isascii() and offset.isdecimal()]

    def is_closed(self, name: str) -> bool:
        try:
            self.bucket.look(self.key(name))
        except FileNotFoundError:
            return False
        return True

    def changed(self, writer: str) -> None:
        """This process wrote: what it has seen is old."""
        seen = self._seen.get(writer)
        if seen is not None:
            self._seen[writer] = Seen(seen.found, seen.closed, -FRESH)

    def key(self, name: str) -> str:
        return f"{self._prefix}{writer_of(name)}/{name}{CLOSED}"

    def groups(self, name: str) -> str:
        return f"{self._prefix}{writer_of(name)}/{name}{OPEN}"

    def group(self, name: str, offset: int) -> str:
        return f"{self.groups(name)}/{offset:016}"

    def head(self, writer: str) -> str:
        return f"{self._prefix}{writer}/{HEAD}"

    def folder(self, writer: str) -> str:
        return f"{self._prefix}{writer}"

    def _look(self, writer: str) -> Seen:
        """Only what is new is listed; and of what was open, whether it is."""
        known, now = self._seen.get(writer), time.monotonic()
        if known is not None and now - known.at < FRESH:
            return known
        if known is None or not known.found:
            found = _found(writer, *self.bucket.names(self.folder(writer)))
        else:
            found = [self._again(each) for each in known.found] + self._newer(writer, known.found[-1].name)
        seen = Seen(found, {each.name for each in found if not each.is_open}, now)
        self._seen[writer] = seen
        return seen

    def _again(self, known: Found) -> Found:
        return Found(known.name, is_open=False) if known.is_open and self.is_closed(known.name) else known

    def _newer(self, writer: str, than: str) -> list[Found]:
        folder = f"{self.folder(writer)}/"
        rests = [each.key.removeprefix(folder) for each in self.bucket.list(folder[:-1], f"{folder}{than}.~")]
        return _found(writer, [rest.partition("/")[0] for rest in rests if "/" in rest], rests)

    def _forget(self, name: str) -> None:
        self._sizes.pop(name, None)
        self._seen.pop(writer_of(name), None)


def _found(writer: str, folders: Iterable[str], objects: Iterable[str]) -> list[Found]:
    closed = {name.removesuffix(CLOSED) for name in objects if name.endswith(CLOSED)}
    open_ = {name.removesuffix(OPEN) for name in folders if name.endswith(OPEN)} - closed
    return [Found(name, name in open_) for name in sorted(closed | open_) if is_segment(name, writer)]
