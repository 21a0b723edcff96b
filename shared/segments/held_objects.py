"""A writer in an object store: held, taken over, and the segments that it writes."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Self

from shared.segments.buckets import Version
from shared.segments.contents import Growing, ReadLine, grown, summary
from shared.segments.files import OPEN
from shared.segments.lines import GONE, Block, Damaged, Line, Summary
from shared.segments.object_contents import Part, Parts, unbroken
from shared.segments.places import Lost, Unreachable, writer_of

if TYPE_CHECKING:
    from shared.segments.objects import Objects

HEAD: Final = "head"
BEAT: Final = 10.0
"""Seconds between two times that a writer is said to be held."""
TRIES: Final = 100
"""Before whoever writes while it is fenced in is left alone: each one is a group that it had accepted meanwhile."""
MOST_GROUPS: Final = 900
"""Of an open segment, which is listed by whoever reads it: a list has a thousand at once."""


@dataclass(frozen=True, slots=True)
class Head:
    """Who holds a writer, if anybody does, and the segment that was begun last. `beat` makes each one different."""

    holder: str
    beat: int = 0
    segment: str = ""

    @property
    def packed(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of(cls, packed: bytes) -> Self:
        """Raises Damaged: somebody else wrote it."""
        try:
            return cls(**json.loads(packed))
        except (ValueError, TypeError) as error:
            raise Damaged("a writer's head is not as it was written") from error


class HeldWriter:
    """As long as nobody else changes its head."""

    def __init__(self, place: "Objects", writer: str, head: Head, version: Version) -> None:
        self.writer = writer
        self._place = place
        self._head = head
        self._version = version
        self._beat_at = time.monotonic()

    def prove(self) -> None:
        """What all of this stands on: an object is not made twice, nor changed by who knows an older one. Raises
        Unreachable where the store does not hold to that."""
        key, before = self._place.head(self.writer), self._version
        self.renew(always=True)
        bucket = self._place.bucket
        if bucket.create(key, b"") is not None or bucket.replace(key, b"", before) is not None:
            raise Unreachable("the store takes no heed of conditions (If-None-Match, If-Match): nothing is kept in it")

    def take_over(self) -> None:
        """From now on nothing is accepted any more from whoever held it before. What was left of closed segments
        goes."""
        self._place.changed(self.writer)
        if self._head.segment and not self._place.is_closed(self._head.segment):
            self._fenced(self._head.segment)
        folders, _ = self._place.bucket.names(self._place.folder(self.writer))
        closed = {each.name for each in self._place.segments(self.writer) if not each.is_open}
        for name in closed.intersection(folder.removesuffix(OPEN) for folder in folders):
            self._clear(name)

    def begin(self, name: str) -> "OpenObjects":
        self._change(replace(self._head, beat=self._head.beat + 1, segment=name))
        return OpenObjects(self._place, name)

    def reopen(self, name: str, read: ReadLine) -> "OpenObjects | None":
        """One of which a group is gone, or is not as it was written, is left: whoever reads it is told."""
        parts = self._fenced(name)
        try:
            found = grown(Parts(self._place, name, unbroken(parts)), read)
        except Damaged:
            return None
        is_whole = bool(parts) and found.size == parts[-1].end
        return OpenObjects(self._place, name, found) if is_whole and found.blocks else None

    def renew(self, *, always: bool = False) -> None:
        if always or time.monotonic() - self._beat_at >= BEAT:
            self._change(replace(self._head, beat=self._head.beat + 1))

    def release(self) -> None:
        self._change(Head("", self._head.beat + 1))

    def _change(self, head: Head) -> None:
        """Only who holds a writer changes its head: one that is ours was changed by us, though nobody answered."""
        for _ in range(TRIES):
            version = self._place.bucket.replace(self._place.head(self.writer), head.packed, self._version)
            if version is not None:
                self._head, self._version, self._beat_at = head, version, time.monotonic()
                return
            try:
                found = self._place.bucket.read(self._place.head(self.writer))
            except FileNotFoundError as error:
                raise Lost(f"{self.writer} is nobody's") from error
            if not self._holds(found.content):
                raise Lost(f"{self.writer} is held by another process")
            self._version = found.version
        raise Unreachable(f"the head of {self.writer} changes again and again")

    def _holds(self, packed: bytes) -> bool:
        try:
            return Head.of(packed).holder == self._head.holder
        except Damaged:
            return False

    def _fenced(self, name: str) -> list[Part]:
        """The groups of an open segment, none of which may follow any more."""
        for _ in range(TRIES):
            try:
                parts = self._place.listed(name)
            except FileNotFoundError:
                if self._place.is_closed(name):
                    return []
                parts = []
            end = parts[-1].end if parts else 0
            if parts and not parts[-1].size:
                return parts
            if self._place.bucket.create(self._place.group(name, end), b"") is not None:
                self._place.changed(self.writer)
                return parts
        raise Unreachable(f"{name} is written to again and again")

    def _clear(self, name: str) -> None:
        there = self._place.bucket.list(self._place.groups(name))
        self._place.bucket.delete([each.key for each in there if each.size])


class OpenObjects:
    """A segment that is being written: each sync makes an object of what was added."""

    def __init__(self, place: "Objects", name: str, growing: Growing | None = None) -> None:
        self.name = name
        self._place = place
        self._growing = growing or Growing()
        self._groups = 0
        self._added: list[bytes] = []
        self._tried: tuple[int, bytes] | None = None

    @property
    def size(self) -> int:
        return self._growing.size

    @property
    def is_full(self) -> bool:
        return self._groups >= MOST_GROUPS

    @property
    def blocks(self) -> Sequence[Block]:
        return self._growing.blocks

    def settle(self) -> None:
        """Nobody knows what became of an object that was not answered for, and it may be made late: the same one is
        made, until it is there."""
        if self._tried is None:
            return
        offset, group = self._tried
        key = self._place.group(self.name, offset)
        if self._place.bucket.create(key, group) is None and not self._is_ours(key, group):
            raise Lost(f"{self.name} is closed by another process")
        self._tried = None
        self._groups += 1
        self._place.cache.put(key, group)  # to be read when it is closed, and by whoever looks for what is new
        self._place.changed(writer_of(self.name))

    def append(self, lines: Sequence[Line]) -> None:
        self._added.append(self._growing.add(lines))

    def sync(self) -> None:
        group, self._added = b"".join(self._added), []
        if group:
            self._tried = self.size - len(group), group
            self.settle()

    def give_up(self, blocks: int) -> bool:
        if self._added:  # it was never tried
            self._added = []
            self._growing.cut(blocks)
        return True

    def close(self, previous: str) -> Summary:
        """In one object; then the groups go, of which a late reader finds the bytes in it."""
        self.settle()
        key = self._place.key(self.name)
        whole = b"" if self._place.is_closed(self.name) else self._whole() + self._growing.ending(previous)
        if not whole or self._place.bucket.create(key, whole) is None:
            whole = self._place.whole(self.name)  # another process closed it, or this one did and was not answered
        there = self._place.bucket.list(self._place.groups(self.name))
        self._place.bucket.delete([each.key for each in there if each.size])
        self._place.changed(writer_of(self.name))
        return summary(self.name, whole)

    def _whole(self) -> bytes:
        """Raises Damaged where somebody has taken a group away: the others would move into its place."""
        try:
            parts = unbroken(self._place.listed(self.name))
        except FileNotFoundError as error:
            if self._place.is_closed(self.name):
                raise  # by another process, a moment ago
            raise Damaged(GONE) from error
        whole = Parts(self._place, self.name, parts)[0 : self.size]
        if len(whole) < self.size:
            raise Damaged(f"what was written at byte {len(whole)} is gone")
        return whole

    def _is_ours(self, key: str, group: bytes) -> bool:
        try:
            return self._place.bucket.read(key).content == group
        except FileNotFoundError:
            return False  # another process has closed it
