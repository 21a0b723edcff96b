"""Segments as bytes: one zstd frame of JSON lines for each block, and at the end an index that zstd passes over.

`zstdcat segment.zst | jq` shows all of it. Source: RFC 8878, §3.1.1 (frames) and §3.1.2 (skippable frames). Every frame
has a checksum of its contents.
"""

import base64
import json
import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final, Protocol

import zstandard

from shared.segments.lines import Block, Damaged, Line
from shared.segments.sieves import WRONG_SEGMENT_ONE_IN, sieve

LEVEL: Final = 3
MAGIC: Final = struct.pack("<I", 0xFD2FB528)
SKIPPABLE: Final = struct.pack("<I", 0x184D2A5E)
_SIZE: Final = struct.Struct("<I")
HEAD: Final = len(SKIPPABLE) + _SIZE.size
TAG: Final = b"pages.1\n"
"""Ends the index, after its length, so that it is found from the end of the file."""
SIEVED: Final = b"sieve.1\n"
"""Ends the frame before the index, in the same way: the sieve of all ids and keys of the segment, by which most of them
are passed over without their index. Segments of former releases have none."""
TAIL: Final = _SIZE.size + len(TAG)
CHUNK: Final = 1 << 16


def frame(lines: Sequence[Line]) -> bytes:
    """The lines, packed."""
    text = b"".join(line.text + b"\n" for line in lines)
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(text)


def block(lines: Sequence[Line], hashed: Sequence[int], offset: int, length: int) -> Block:
    """What is known of a frame at that place, whose ids and keys have those hashes."""
    ids = [line.id for line in lines]
    return Block(
        offset=offset,
        length=length,
        count=len(lines),
        first=min(ids),
        last=max(ids),
        owners=dict(Counter(line.owner for line in lines)),
        kinds=dict(Counter(line.kind for line in lines)),
        sieve=sieve(hashed),
    )


def unpacked(packed: bytes) -> bytes:
    """The text of one whole frame. Raises Damaged."""
    text, length = _first(packed, 0)
    if length != len(packed):
        raise Damaged("a frame ends before its place does")
    return text


class Packed(Protocol):
    """Bytes, or what is read from a file as it is asked for. A part that is not all there is shorter."""

    def __len__(self) -> int: ...

    def __getitem__(self, part: slice, /) -> bytes: ...


def frames(packed: Packed, offset: int = 0) -> Iterator[tuple[int, int, bytes]]:
    """Offset, length and text of each frame from that offset on, up to an index or the end. Raises Damaged at what is
    none."""
    while offset < len(packed) and packed[offset : offset + len(SKIPPABLE)] != SKIPPABLE:
        text, length = _first(packed, offset)
        yield offset, length, text
        offset += length


def follow(packed: bytes, offset: int) -> bool:
    """Are there whole frames behind what is none, so that it is no torn end?"""
    if packed[offset : offset + len(SKIPPABLE)] == SKIPPABLE:
        return False  # an index, in which there is one
    at = packed.find(MAGIC, offset + 1)
    while at >= 0:
        try:
            _first(packed, at)
        except Damaged:
            at = packed.find(MAGIC, at + 1)
        else:
            return True
    return False


def _first(packed: Packed, offset: int) -> tuple[bytes, int]:
    if packed[offset : offset + len(MAGIC)] != MAGIC:
        raise Damaged(f"no frame begins at byte {offset}")
    reading = zstandard.ZstdDecompressor().decompressobj()
    text = []
    at = offset
    try:
        while not reading.eof and at < len(packed):
            text.append(reading.decompress(packed[at : at + CHUNK]))
            at += CHUNK
    except zstandard.ZstdError as error:
        raise Damaged(f"the frame at byte {offset} is not as it was written") from error
    if not reading.eof:
        raise Damaged(f"the frame at byte {offset} has no end")
    return b"".join(text), min(at, len(packed)) - offset - len(reading.unused_data)


def known(hashed: Sequence[int]) -> bytes:
    """The frame before the index."""
    made = sieve(hashed, WRONG_SEGMENT_ONE_IN)
    packed = _SIZE.pack(zlib.crc32(made)) + made
    size = len(packed) + TAIL
    return SKIPPABLE + _SIZE.pack(size) + packed + _SIZE.pack(size) + SIEVED


def read_known(packed: bytes) -> bytes:
    """The sieve in that frame. Raises Damaged: one that has lost a bit would say of what is there that it is not."""
    checksum, made = packed[HEAD : HEAD + _SIZE.size], packed[HEAD + _SIZE.size : -TAIL]
    if checksum != _SIZE.pack(zlib.crc32(made)):
        raise Damaged("its sieve is not as it was written")
    return made


def index(blocks: Sequence[Block], previous: str) -> bytes:
    """The last frame of a closed segment."""
    told = {"previous": previous, "blocks": [_told(each) for each in blocks]}
    packed = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(
        json.dumps(told, separators=(",", ":")).encode()
    )
    size = len(packed) + TAIL
    return SKIPPABLE + _SIZE.pack(size) + packed + _SIZE.pack(size) + TAG


def size_of_index(tail: bytes, tag: bytes = TAG) -> int:
    """From the last TAIL bytes of such a frame, or of a file: how large it is; 0 where it is none."""
    if len(tail) < TAIL or tail[_SIZE.size :] != tag:
        return 0
    return int(_SIZE.unpack(tail[: _SIZE.size])[0]) + HEAD


def read_index(packed: bytes) -> tuple[list[Block], str]:
    """The blocks, and the sha256 of the segment before. Raises Damaged."""
    try:
        told = json.loads(zstandard.ZstdDecompressor().decompress(packed[HEAD:-TAIL], max_output_size=1 << 30))
        return [_block(each) for each in told["blocks"]], str(told["previous"])
    except (zstandard.ZstdError, ValueError, KeyError, TypeError) as error:
        raise Damaged("its index is not as it was written") from error


def _told(each: Block) -> dict[str, Any]:
    return asdict(each) | {"sieve": base64.b64encode(each.sieve).decode()}


def _block(told: Mapping[str, Any]) -> Block:
    return Block(**{**told, "sieve": base64.b64decode(told["sieve"])})
