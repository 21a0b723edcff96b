"""A feed's cursor: how far it is with each writer of each class of keeping.

It is the reader's, and nobody else keeps it. Whoever has none begins with the oldest that there is, or at a time.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from services.archive.domain.segment import FOREVER, Segment, kept_for
from shared.segments.following import Position

Log: TypeAlias = tuple[str, str]
"""What one writer wrote of one class: the class, the writer's folder."""
LONGEST: Final = 8_000
"""Characters: some fifty logs."""
_WRITER: Final = re.compile(r"writer-[1-9][0-9]{0,5}")
_SEGMENT: Final = re.compile(r"[0-9a-f-]{0,36}")


class NoCursor(ValueError):
    """It is none that was given out."""


@dataclass(frozen=True)
class Cursor:
    """Events of a hubid less than `floor` are left out."""

    positions: Mapping[Log, Position] = field(default_factory=dict)
    floor: str = ""

    def text(self) -> str:
        """As it is given out."""
        told = [
            [keep, writer, each.segment.partition(".")[2], each.offset, each.lines, each.within]
            for (keep, writer), each in sorted(self.positions.items())
        ]
        packed = json.dumps([self.floor, told], separators=(",", ":"))
        return urlsafe_b64encode(packed.encode()).rstrip(b"=").decode()

    @classmethod
    def of(cls, text: str) -> "Cursor":
        """Raises NoCursor."""
        try:
            floor, told = json.loads(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)))
            made = cls(dict(_position(*each) for each in told), str(floor))
        except (ValueError, TypeError, RecursionError) as error:
            raise NoCursor from error
        if len(text) > LONGEST or made.text() != text:
            raise NoCursor
        return made


def _position(keep: str, writer: str, segment: str, *numbers: int) -> tuple[Log, Position]:
    offset, lines, within = numbers
    if keep != FOREVER:
        kept_for(keep)
    if not (_WRITER.fullmatch(writer) and _SEGMENT.fullmatch(segment)):
        raise ValueError
    if not all(type(each) is int and 0 <= each < 1 << 62 for each in numbers):
        raise ValueError
    return (keep, writer), Position(f"{writer}.{segment}", offset, lines, within)


def beginning(writer: str) -> Position:
    """Before all that a writer ever wrote."""
    return Position(f"{writer}.")


def behind(segment: Segment) -> Position:
    """After all that is in it."""
    return Position(segment.id, segment.size, segment.count)


def missing(start: Position, read: Iterable[str], passed: Iterable[Segment]) -> list[Segment]:
    """Of the segments from a position on, those that were not read, and not told before."""
    were_read = set(read)
    return [
        each
        for each in passed
        if each.id not in were_read and not (each.id == start.segment and start.told >= each.count)
    ]
