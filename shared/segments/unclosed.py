"""Segments that are still written, known as closed ones are: which ids and keys are not in a frame that was read once.

Everything here blocks: it belongs into a thread.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from shared.segments import frames
from shared.segments.contents import ReadLine, block_of
from shared.segments.frames import Packed
from shared.segments.lines import Block, Damaged

MOST: Final = 64
"""Segments that are remembered: more are seldom written at once, by all processes together."""
MARK: Final = 16
"""Bytes at the end of a frame: the last four are the checksum of its contents."""


@dataclass
class _Seen:
    blocks: list[Block] = field(default_factory=list)
    mark: bytes | None = b""
    """The end of the last frame; None where its writer has told of it, who takes back nothing that he told of."""

    @property
    def size(self) -> int:
        return self.blocks[-1].offset + self.blocks[-1].length if self.blocks else 0


class Unclosed:
    """Of one process. A segment grows at its end; where its writer took back what it could not keep, and wrote other
    things there, it is read from its beginning again. Any thread may ask."""

    def __init__(self, read: ReadLine) -> None:
        self._read = read
        self._seen: OrderedDict[str, _Seen] = OrderedDict()
        self._lock = Lock()

    def blocks(self, name: str, packed: Packed) -> Sequence[Block]:
        """Of the segment of that name, as far as it is whole; no two have one name, wherever they lie."""
        with self._lock:
            seen = self._seen.pop(name, None) or _Seen()
            if seen.mark is not None and packed[max(0, seen.size - MARK) : seen.size] != seen.mark:
                seen = _Seen()
            self._grow(seen, packed)
            self._keep(name, seen)
            return list(seen.blocks)

    def told(self, name: str, blocks: Sequence[Block]) -> None:
        """By who writes it in this process: these are kept there, and need not be read. It waits for nobody who reads:
        what is not known then is read."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            seen = self._seen.pop(name, None) or _Seen()
            if blocks and blocks[0].offset == seen.size:
                seen.blocks += blocks
                seen.mark = None
            self._keep(name, seen)
        finally:
            self._lock.release()

    def _keep(self, name: str, seen: _Seen) -> None:
        self._seen[name] = seen
        if len(self._seen) > MOST:
            self._seen.popitem(last=False)

    def forget(self, name: str) -> None:
        """It is closed, and has an index."""
        self._seen.pop(name, None)

    def _grow(self, seen: _Seen, packed: Packed) -> None:
        try:
            for offset, length, text in frames.frames(packed, seen.size):
                seen.blocks.append(block_of([self._read(line) for line in text.splitlines()], offset, length)[0])
        except Damaged:
            pass  # a frame that is being written
        seen.mark = packed[max(0, seen.size - MARK) : seen.size]
