"""Segments as files: appended to and synced, cut where a crash tore them, closed, read and checked.

Everything here blocks: it belongs into a thread. Whoever writes a segment is alone with it.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from shared.segments import frames
from shared.segments.lines import GONE, Block, Damaged, Line, Summary
from shared.segments.sieves import hashes, may_know
from shared.segments.sieves import packed as packed_hashes
from shared.segments.sieves import unpacked as unpacked_hashes

OPEN: Final = ".open"
"""Ends the name of a segment that is still written: it has no index yet."""
CLOSED: Final = ".zst"
PIECE: Final = 1 << 20

ReadLine = Callable[[bytes], Line]
"""What a line of a segment says of itself."""


class OpenSegment:
    """One that is being written."""

    def __init__(
        self,
        folder: Path,
        name: str,
        blocks: Sequence[Block] = (),
        hashed: Sequence[bytes] = (),
        size: int = 0,
    ) -> None:
        """Made, and its name is on the disk; or gone on with, where `size` says how much of it is whole. `hashed` are
        the hashes of the ids and keys of each block."""
        self.name = name
        self._path = folder / f"{name}{OPEN}"
        self._blocks = list(blocks)
        self._hashed = list(hashed)
        self._size = size
        self._file = self._path.open("r+b" if size else "x+b")
        self._file.seek(size)
        _sync_folder(folder)

    @property
    def size(self) -> int:
        return self._size

    @property
    def blocks(self) -> Sequence[Block]:
        return self._blocks

    def append(self, lines: Sequence[Line]) -> None:
        """Write the lines as one frame; they are kept once `sync` has returned."""
        packed, hashed = frames.frame(lines), hashes_of(lines)
        self._file.write(packed)
        self._blocks.append(frames.block(lines, hashed, self._size, len(packed)))
        self._hashed.append(packed_hashes(hashed))
        self._size += len(packed)

    def sync(self) -> None:
        self._file.flush()
        os.fdatasync(self._file.fileno())

    def take_back(self, blocks: int) -> None:
        """Forget all but the first blocks: the rest could not be kept. Raises OSError."""
        self._blocks, self._hashed = self._blocks[:blocks], self._hashed[:blocks]
        self._size = self._blocks[-1].offset + self._blocks[-1].length if self._blocks else 0
        self._file.seek(self._size)
        self._file.truncate()

    def close(self, previous: str) -> Summary:
        """Give it its index and its last name. A crash in between leaves it open, or closed, never half."""
        self._file.write(frames.known(unpacked_hashes(self._hashed)))
        self._file.write(frames.index(self._blocks, previous))
        self.sync()
        self._file.close()
        closed = self._path.with_suffix(CLOSED)
        self._path.replace(closed)
        _sync_folder(closed.parent)
        return summary(closed)

    def leave(self) -> None:
        """Let go of it as it is, to be gone on with."""
        self._file.close()


def reopened(path: Path, read: ReadLine) -> OpenSegment | None:
    """An open segment as a crash left it, its torn tail cut; None where nothing of it is whole.

    What is cut was never said to be kept. An index that was being written goes too.
    """
    packed = path.read_bytes()
    blocks: list[Block] = []
    hashed: list[bytes] = []
    end = 0
    try:
        for offset, length, text in frames.frames(packed):
            lines = [read(line) for line in text.splitlines()]
            known = hashes_of(lines)
            hashed.append(packed_hashes(known))
            blocks.append(frames.block(lines, known, offset, length))
            end = offset + length
    except Damaged:
        pass  # here it is torn
    if not blocks:
        path.unlink()
        return None
    os.truncate(path, end)
    segment = OpenSegment(path.parent, path.stem, blocks, hashed, end)
    segment.sync()
    return segment


def summary(path: Path) -> Summary:
    """Of a closed segment, read from it. Raises Damaged."""
    blocks, previous = index_of(path)
    return Summary(
        name=path.stem,
        count=sum(block.count for block in blocks),
        first=min((block.first for block in blocks), default=""),
        last=max((block.last for block in blocks), default=""),
        owners=dict(sum((Counter(block.owners) for block in blocks), Counter())),
        kinds=dict(sum((Counter(block.kinds) for block in blocks), Counter())),
        size=path.stat().st_size,
        sha256=_sha256(path),
        previous=previous,
    )


def names_in(folder: Path) -> set[str]:
    """Of all segments that are in a writer's folder. One that is closed in this moment is renamed, once, and a folder
    that is read then may show neither of its names: so it is read twice."""
    return {path.stem for _ in range(2) for path in folder.iterdir() if path.suffix in {OPEN, CLOSED}}


def index_of(path: Path) -> tuple[list[Block], str]:
    """The blocks of a closed segment, and the sha256 of the one before. Raises Damaged."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        size = _size_before(file, end, frames.TAG)
        if not size:
            raise Damaged("it has no index")
        file.seek(end - size)
        return frames.read_index(file.read())


def may_have(path: Path, text: str) -> bool:
    """May an id or a key be in a closed segment? By far most that have it not say so. Raises Damaged."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        index = _size_before(file, end, frames.TAG)
        size = _size_before(file, end - index, frames.SIEVED) if index else 0
        if not size:
            return True
        file.seek(end - index - size)
        return may_know(frames.read_known(file.read(size)), text)


def _size_before(file: IO[bytes], end: int, tag: bytes) -> int:
    """Of the frame that ends there, if it is one of that kind."""
    file.seek(max(0, end - frames.TAIL))
    size = frames.size_of_index(file.read(min(end, frames.TAIL)), tag)
    return size if size <= end else 0


def hashes_of(lines: Sequence[Line]) -> list[int]:
    """Of their ids and keys, by which they are found."""
    return hashes([*(line.id for line in lines), *(line.key for line in lines)])


def lines_of(path: Path, blocks: Sequence[Block]) -> Iterator[bytes]:
    """The lines of those blocks, each without its end. Raises Damaged."""
    with path.open("rb") as file:
        for block in blocks:
            file.seek(block.offset)
            yield from frames.unpacked(file.read(block.length)).splitlines()


def that_may_have(blocks: Sequence[Block], text: str) -> list[Block]:
    """The blocks in which an id or a key may be."""
    return [block for block in blocks if may_know(block.sieve, text)]


def check(path: Path, known: Summary) -> None:
    """Raises Damaged unless the segment is as it was closed, to the byte, and its index tells of its frames."""
    if not path.exists():
        raise Damaged(GONE)
    if _sha256(path) != known.sha256:
        raise Damaged("its bytes are not those that were written")
    blocks, _ = index_of(path)
    counts = [len(text.splitlines()) for _, _, text in frames.frames(path.read_bytes())]
    if counts != [block.count for block in blocks]:
        raise Damaged("its index tells of other frames")


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """So that a name survives a loss of power, as its file does."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
