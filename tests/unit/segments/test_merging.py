"""Lines of many segments come in the order of their ids, whoever wrote them when."""

import random
from pathlib import Path

from shared.segments.files import OpenSegment
from shared.segments.folders import Folder
from shared.segments.merging import LOOKED_INTO, Budget, Piece, Sealed, merged, once, pieces_of
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


def sealed(path: Path, opened: list[str], since: str = "") -> Sealed:
    place = Folder(path.parent.parent)

    def found() -> list[Piece]:
        opened.append(path.stem)
        return pieces_of(place, Found(path.stem, is_open=False), lambda block: block.last >= since, Unclosed(read))

    return Sealed(min(piece.first for piece in pieces(path)), found)


def test_page_by_page_each_line_comes_once(tmp_path: Path) -> None:
    for seed in range(4):
        chance = random.Random(seed)
        numbers = sorted(chance.sample(range(1_000), 60))
        for _ in range(10):  # some come late
            numbers.insert(chance.randrange(60), numbers.pop(chance.randrange(60)))
        paths = [written(tmp_path, f"{seed}-{n}", *([each] for each in numbers[n : n + 12])) for n in range(0, 60, 12)]
        told, since, most = list[int](), "", chance.randrange(1, 3 * LOOKED_INTO)
        while True:
            budget = Budget(most, since)
            lines = list(merged([sealed(path, [], since) for path in paths], read, budget=budget))
            told += [int(each.id) for each in lines if each.id >= since]
            assert all(budget.has(each.id) for each in lines)
            if budget.reached is None:
                break
            assert budget.reached > since
            since = budget.reached
        assert told == sorted(numbers), seed


def test_a_segment_that_begins_after_the_end_of_a_page_is_not_looked_into(tmp_path: Path) -> None:
    paths = [written(tmp_path, str(n), [10 * n, 10 * n + 1]) for n in range(3)]
    opened: list[str] = []
    budget = Budget(LOOKED_INTO + 1, "")
    assert [int(each.id) for each in merged([sealed(path, opened) for path in paths], read, budget=budget)] == [0, 1]
    assert (opened, int(budget.reached or "")) == (["writer-1.0"], 10)
