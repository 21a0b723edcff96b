"""Where segments lie: what a folder of this machine and an object store both promise to who writes and who reads.

Everything here blocks: it belongs into a thread. Where a place cannot be reached it raises OSError.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final, Protocol, Self

from shared.segments.contents import ReadLine
from shared.segments.frames import Packed
from shared.segments.lines import Block, Line, Summary

WRITER: Final = "writer-"
"""Begins the name of a writer, which begins the names of its segments."""
_NAME: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""What follows: a UUID, by which they are in the order of their making."""


class Lost(OSError):
    """Another process writes by this writer's name now: what was not said to be kept is not kept."""


class Unreachable(OSError):
    """A place does not answer, or refuses; the message says what it was asked for and what it said."""


@dataclass(frozen=True, slots=True)
class Found:
    """A segment that lies at a place. One that is open may be closed meanwhile: what lies where in it stays."""

    name: str
    is_open: bool


class Unclosed(Protocol):
    """A segment that is being written, by one thread at a time."""

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    @property
    def is_full(self) -> bool:
        """Should it be closed, whatever its size?"""
        ...

    @property
    def blocks(self) -> Sequence[Block]: ...

    def settle(self) -> None:
        """Make certain what became of what could not be kept before. Raises Lost, OSError: nobody knows it yet."""
        ...

    def append(self, lines: Sequence[Line]) -> None:
        """Add the lines as one frame; they are kept once `sync` has returned."""
        ...

    def sync(self) -> None:
        """Raises Lost, OSError: what was added may be kept or not."""
        ...

    def give_up(self, blocks: int) -> bool:
        """What was added after the first blocks could not be kept. May the segment be gone on with?"""
        ...

    def close(self, previous: str) -> Summary:
        """Give it its index, after which it never changes. A crash in between leaves it open, or closed, never half.
        To be called again where it failed. Raises Lost, OSError; Damaged where it cannot be closed any more, since
        somebody has taken away some of it: it is left as it is, for whoever reads it to be told."""
        ...


class Held(Protocol):
    """One writer's own part of a place. While it is held, nobody else's writing there is said to be kept."""

    @property
    def writer(self) -> str: ...

    def begin(self, name: str) -> Unclosed:
        """A segment, after all that this writer has. Raises Lost, OSError."""
        ...

    def reopen(self, name: str, read: ReadLine) -> Unclosed | None:
        """An open segment as a crash left it, its torn tail cut; None where nothing of it is whole. What is cut was
        never said to be kept. Raises Lost, OSError."""
        ...

    def renew(self) -> None:
        """Say that it is still held: to be called now and then. Raises Lost, OSError."""
        ...

    def release(self) -> None:
        """Whoever wants it may have it. Raises OSError."""
        ...


class Place(Protocol):
    """Segments of any number of writers. Processes share it."""

    def below(self, name: str) -> Self:
        """A place inside this one, with writers of its own."""
        ...

    def parts(self) -> Sequence[str]:
        """The names of what lies below: places, writers, and what else somebody put there."""
        ...

    def writers(self) -> Sequence[str]:
        """All that ever wrote, in the order of their names."""
        ...

    def segments(self, writer: str) -> Sequence[Found]:
        """In their order, which is that of writing. All but the last are complete: whoever reads one of them hereafter
        reads all that is ever kept in it."""
        ...

    def unclosed(self, name: str) -> AbstractContextManager[Packed]:
        """An open segment as far as it is written. Raises FileNotFoundError where it is none, Damaged."""
        ...

    def closed(self, name: str) -> AbstractContextManager[Packed]:
        """Raises FileNotFoundError."""
        ...

    def whole(self, name: str) -> bytes:
        """A closed segment, from where it lies and no copy. Raises FileNotFoundError."""
        ...

    def age(self, name: str) -> float:
        """Seconds since it was closed. Raises FileNotFoundError."""
        ...

    def remove(self, name: str) -> None:
        """Take a closed segment away; again, where it failed."""
        ...

    def size(self) -> int:
        """Bytes of all that lies here and below."""
        ...

    def is_left(self, writer: str) -> bool:
        """Does nobody hold it?"""
        ...

    def set_aside(self, writer: str) -> Sequence[str]:
        """The segments of which a copy lies beside them, because more of them than their end was lost while they were
        open."""
        ...

    def hold(self) -> Held:
        """The first writer that nobody holds, or a new one."""
        ...

    def abandoned(self) -> Held | None:
        """A writer whose process died and left something open, if there is one."""
        ...


@contextmanager
def opened(place: Place, found: Found) -> Iterator[tuple[Packed, bool]]:
    """What is in a segment, and whether it is open still. Raises FileNotFoundError, Damaged."""
    with ExitStack() as stack:
        packed = None
        if found.is_open:
            with suppress(FileNotFoundError):
                packed = stack.enter_context(place.unclosed(found.name))
        is_open = packed is not None
        yield packed if packed is not None else stack.enter_context(place.closed(found.name)), is_open


def is_segment(name: str, writer: str) -> bool:
    """Is that the name of a segment which that writer writes? Somebody may have put other things beside them: a copy,
    what an editor or a file system leaves."""
    return writer_of(name) == writer and bool(_NAME.fullmatch(name.removeprefix(f"{writer}.")))


def writer_of(name: str) -> str:
    """Whose segment it is."""
    return name.partition(".")[0]
