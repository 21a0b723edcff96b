"""What a segment has in it, wherever it lies: made of lines, read back, checked."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from shared.segments import frames
from shared.segments.frames import Packed
from shared.segments.lines import Block, Damaged, Line, Summary
from shared.segments.sieves import hashes, may_know
from shared.segments.sieves import packed as packed_hashes
from shared.segments.sieves import unpacked as unpacked_hashes

PIECE: Final = 1 << 20

ReadLine = Callable[[bytes], Line]
"""What a line of a segment says of itself."""


@dataclass
class Growing:
    """What is known of a segment while it is written. `hashed` are the hashes of the ids and keys of each block."""

    blocks: list[Block] = field(default_factory=list)
    hashed: list[bytes] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes of all its frames."""
        return self.blocks[-1].offset + self.blocks[-1].length if self.blocks else 0

    def add(self, lines: Sequence[Line]) -> bytes:
        """The lines as one frame, to be written at the end."""
        packed = frames.frame(lines)
        self.know(lines, self.size, len(packed))
        return packed

    def know(self, lines: Sequence[Line], offset: int, length: int) -> None:
        """A frame lies there with these lines."""
        block, hashed = block_of(lines, offset, length)
        self.blocks.append(block)
        self.hashed.append(packed_hashes(hashed))

    def cut(self, blocks: int) -> None:
        """Forget all but the first blocks."""
        del self.blocks[blocks:], self.hashed[blocks:]

    def ending(self, previous: str) -> bytes:
        """What a closed segment has after its frames: the sieve, and the index."""
        return frames.known(unpacked_hashes(self.hashed)) + frames.index(self.blocks, previous)


def block_of(lines: Sequence[Line], offset: int, length: int) -> tuple[Block, list[int]]:
    """What is known of a frame with these lines, and the hashes of their ids and keys."""
    hashed = hashes([*(line.id for line in lines), *(line.key for line in lines)])
    return frames.block(lines, hashed, offset, length), hashed


def grown(packed: Packed, read: ReadLine) -> Growing:
    """All that is whole from the beginning on: what a crash tore is not told, nor an index that was being written."""
    found = Growing()
    try:
        for offset, length, text in frames.frames(packed):
            found.know([read(line) for line in text.splitlines()], offset, length)
    except Damaged:
        pass  # here it is torn
    return found


def summary(name: str, packed: Packed) -> Summary:
    """Of a closed segment, read from it. Raises Damaged."""
    blocks, previous = index_of(packed)
    return Summary(
        name=name,
        count=sum(block.count for block in blocks),
        first=min((block.first for block in blocks), default=""),
        last=max((block.last for block in blocks), default=""),
        owners=dict(sum((Counter(block.owners) for block in blocks), Counter())),
        kinds=dict(sum((Counter(block.kinds) for block in blocks), Counter())),
        size=len(packed),
        sha256=_sha256(packed),
        previous=previous,
    )


def index_of(packed: Packed) -> tuple[list[Block], str]:
    """The blocks of a closed segment, and the sha256 of the one before. Raises Damaged."""
    end = len(packed)
    size = _size_before(packed, end, frames.TAG)
    if not size:
        raise Damaged("it has no index")
    return frames.read_index(packed[end - size : end])


def may_have(packed: Packed, text: str) -> bool:
    """May an id or a key be in a closed segment? By far most that have it not say so. Raises Damaged."""
    end = len(packed)
    index = _size_before(packed, end, frames.TAG)
    size = _size_before(packed, end - index, frames.SIEVED) if index else 0
    if not size:
        return True
    return may_know(frames.read_known(packed[end - index - size : end - index]), text)


def _size_before(packed: Packed, end: int, tag: bytes) -> int:
    """Of the frame that ends there, if it is one of that kind."""
    size = frames.size_of_index(packed[max(0, end - frames.TAIL) : end], tag)
    return size if size <= end else 0


def lines_of(packed: Packed, blocks: Sequence[Block]) -> Iterator[bytes]:
    """The lines of those blocks, each without its end. Raises Damaged."""
    for block in blocks:
        yield from lines_at(packed, block.offset, block.length)


def lines_at(packed: Packed, offset: int, length: int) -> list[bytes]:
    """The lines of the frame that lies there. Raises Damaged."""
    return frames.unpacked(packed[offset : offset + length]).splitlines()


def that_may_have(blocks: Sequence[Block], text: str) -> list[Block]:
    """The blocks in which an id or a key may be."""
    return [block for block in blocks if may_know(block.sieve, text)]


def check(whole: bytes, known: Summary) -> None:
    """Raises Damaged unless the segment is as it was closed, to the byte, and its index tells of its frames."""
    if _sha256(whole) != known.sha256:
        raise Damaged("its bytes are not those that were written")
    blocks, _ = index_of(whole)
    counts = [len(text.splitlines()) for _, _, text in frames.frames(whole)]
    if counts != [block.count for block in blocks]:
        raise Damaged("its index tells of other frames")


def _sha256(packed: Packed) -> str:
    digest = hashlib.sha256()
    for at in range(0, len(packed), PIECE):
        digest.update(packed[at : at + PIECE])
    return digest.hexdigest()
