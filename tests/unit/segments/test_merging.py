"""Lines of many segments come in the order of their ids, whoever wrote them when."""

import random
from pathlib import Path

from shared.segments.files import OpenSegment
from shared.segments.folders import Folder
from shared.segments.merging import Piece, merged, once, pieces_of
from shared.segments.places import Found
from shared.segments.unclosed import Unclosed
from tests.unit.segments.test_files import line, read


def pieces(path: Path) -> list[Piece]:
    place = Folder(path.parent.parent)
    return pieces_of(place, Found(path.stem, path.suffix == ".open"), lambda _: True, Unclosed(read))


def written(root: Path, name: str, *pages: list[int], closed: bool = True) -> Path:
    folder = root / "writer-1"
    folder.mkdir(exist_ok=True)
    segment = OpenSegment(folder, f"writer-1.{name}")
    for page in pages:
        segment.append([line(number) for number in page])
    segment.sync()
    if not closed:
        segment.leave()
        return folder / f"writer-1.{name}.open"
    segment.close("")
    return folder / f"writer-1.{name}.zst"


def told(*paths: Path) -> list[int]:
    found = [piece for path in paths for piece in pieces(path)]
    return [int(each.id) for each in merged(found, read)]


def test_segments_of_several_writers_are_one_list(tmp_path: Path) -> None:
    one = written(tmp_path, "one", [1, 5], [2, 9])
    other = written(tmp_path, "other", [4], [3, 8], closed=False)
    assert told(one, other) == [1, 2, 3, 4, 5, 8, 9]


def test_any_order_of_writing_gives_the_order_of_ids(tmp_path: Path) -> None:
    for seed in range(20):
        chance = random.Random(seed)
        numbers = [chance.randrange(200) for _ in range(100)]
        paths = []
        for place in range(4):
            own = numbers[place::4]
            pages = [own[start : start + 5] for start in range(0, len(own), 5)]
            paths.append(written(tmp_path, f"{seed}-{place}", *pages, closed=place % 2 == 0))
        assert told(*paths) == sorted(numbers), seed


def test_what_was_kept_twice_is_taken_once(tmp_path: Path) -> None:
    path = written(tmp_path, "one", [1, 2], [2, 3])
    found = pieces(path)
    assert [int(each.id) for each in once(merged(found, read))] == [1, 2, 3]


def test_a_segment_that_is_closed_meanwhile_is_read_all_the_same(tmp_path: Path) -> None:
    path = written(tmp_path, "one", [1, 2], closed=False)
    found = pieces(path)
    path.rename(path.with_suffix(".zst"))
    assert [int(each.id) for each in merged(found, read)] == [1, 2]


def test_an_open_segment_is_read_as_far_as_it_is_whole(tmp_path: Path) -> None:
    path = written(tmp_path, "one", [1], [2], closed=False)
    path.write_bytes(path.read_bytes()[:-3])
    assert told(path) == [1]
