"""What is remembered of a segment that is written is what is in it, whatever becomes of it meanwhile."""

import random
from pathlib import Path

import pytest

from shared.segments.contents import lines_at
from shared.segments.files import OpenSegment, content, reopened
from shared.segments.lines import Line
from shared.segments.sieves import may_know
from shared.segments.unclosed import MOST, Unclosed
from tests.unit.segments.test_files import line, read


class Reads:
    """Counts the lines that are read."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, text: bytes) -> Line:
        self.count += 1
        return read(text)


def numbers(unclosed: Unclosed, path: Path) -> list[int]:
    """All that its blocks lead to; each line is known to the sieve of its own."""
    found: list[int] = []
    with content(path) as packed:
        for block in unclosed.blocks(path.stem, packed):
            lines = [read(text) for text in lines_at(packed, block.offset, block.length)]
            assert all(may_know(block.sieve, each.id) and may_know(block.sieve, each.key) for each in lines)
            assert (block.first, block.last) == (min(each.id for each in lines), max(each.id for each in lines))
            found += [int(each.id) for each in lines]
    return found


def test_what_was_read_once_is_not_read_again(tmp_path: Path) -> None:
    reads = Reads()
    unclosed, segment, path = Unclosed(reads), OpenSegment(tmp_path, "s1"), tmp_path / "s1.open"
    for number in range(20):
        segment.append([line(number), line(number + 100)])
        segment.sync()
        assert len(numbers(unclosed, path)) == 2 * (number + 1)
    assert reads.count == 40
    segment.leave()


def test_a_frame_that_is_being_written_is_known_when_it_is_whole(tmp_path: Path) -> None:
    segment, path = OpenSegment(tmp_path, "s1"), tmp_path / "s1.open"
    segment.append([line(1)])
    segment.append([line(2)])
    segment.leave()
    whole, unclosed = path.read_bytes(), Unclosed(read)
    first = Unclosed(read)
    with content(path) as packed:
        end = first.blocks("s1", packed)[0].length
    for torn in range(end, len(whole) + 1):
        path.write_bytes(whole[:torn])
        assert numbers(unclosed, path) == ([1, 2] if torn == len(whole) else [1])


def test_of_many_segments_the_newest_are_remembered_and_none_is_wrong(tmp_path: Path) -> None:
    unclosed = Unclosed(read)
    for number in range(MOST + 5):
        segment = OpenSegment(tmp_path, f"s{number}")
        segment.append([line(number)])
        segment.leave()
    for number in range(MOST + 5):
        assert numbers(unclosed, tmp_path / f"s{number}.open") == [number]
    assert numbers(unclosed, tmp_path / "s0.open") == [0]


@pytest.mark.parametrize("seed", range(60))
def test_in_any_history_it_knows_what_somebody_knows_who_reads_all(tmp_path: Path, seed: int) -> None:
    """A writer adds, takes back what it could not keep, and writes other things there; it dies in the midst of a frame,
    and another one goes on."""
    chance, unclosed, path = random.Random(seed), Unclosed(read), tmp_path / "s1.open"
    segment = OpenSegment(tmp_path, "s1")
    for _ in range(60):
        match chance.choice(("add", "add", "add", "take back", "die", "read", "read")):
            case "add":
                segment.append([line(chance.randrange(100)) for _ in range(chance.randint(1, 3))])
                segment.sync()
            case "take back" if segment.blocks:
                segment.take_back(chance.randrange(len(segment.blocks) + 1))
                segment.sync()
            case "die" if segment.blocks:
                segment.leave()
                left = path.read_bytes()
                path.write_bytes(left[: chance.randint(len(left) // 2, len(left))])
                again = reopened(path, read)
                segment = again if again is not None else OpenSegment(tmp_path, "s1")
            case _:
                assert numbers(unclosed, path) == numbers(Unclosed(read), path)
    assert numbers(unclosed, path) == numbers(Unclosed(read), path)
    segment.leave()


@pytest.mark.parametrize("seed", range(20))
def test_what_its_writer_tells_is_not_read_and_what_he_does_not_is(tmp_path: Path, seed: int) -> None:
    chance, reads = random.Random(seed), Reads()
    unclosed, segment, path = Unclosed(reads), OpenSegment(tmp_path, "s1"), tmp_path / "s1.open"
    for number in range(30):
        segment.append([line(number * 2), line(number * 2 + 1)])
        segment.sync()
        if chance.random() < 0.7:
            unclosed.told("s1", segment.blocks[-1:])
        if chance.random() < 0.3:
            assert numbers(unclosed, path) == numbers(Unclosed(read), path)
    assert numbers(unclosed, path) == list(range(60))
    assert reads.count < 60
    segment.leave()


def test_a_writer_who_tells_all_leaves_nothing_to_read(tmp_path: Path) -> None:
    reads = Reads()
    unclosed, segment, path = Unclosed(reads), OpenSegment(tmp_path, "s1"), tmp_path / "s1.open"
    for number in range(20):
        segment.append([line(number)])
        segment.sync()
        unclosed.told("s1", segment.blocks[-1:])
        assert len(numbers(unclosed, path)) == number + 1
    assert reads.count == 0
    with content(path) as packed:
        assert unclosed.blocks("s1", packed) == Unclosed(read).blocks("s1", packed) == segment.blocks
    segment.leave()


def test_what_is_written_over_is_read_again_though_its_beginning_was_told(tmp_path: Path) -> None:
    unclosed, segment, path = Unclosed(read), OpenSegment(tmp_path, "s1"), tmp_path / "s1.open"
    segment.append([line(1)])
    segment.sync()
    unclosed.told("s1", segment.blocks)
    segment.append([line(2)])
    segment.sync()
    assert numbers(unclosed, path) == [1, 2]
    segment.take_back(1)
    segment.append([line(3)])
    segment.sync()
    unclosed.told("s1", segment.blocks[1:])
    assert numbers(unclosed, path) == [1, 3]
    segment.leave()
