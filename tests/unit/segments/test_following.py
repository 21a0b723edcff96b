"""Whoever follows a writer from a position on is told all that it ever wrote, whatever becomes of its segments."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.kernel.ids import Uuid7Ids
from shared.segments.appending import Appender, Limits
from shared.segments.folders import Folder, Names, names_in
from shared.segments.following import Position, followed
from shared.segments.lines import Block, DamagedSegment, Line
from tests.kit.clock import HandClock
from tests.unit.segments.test_appending import List
from tests.unit.segments.test_files import line, read


class Reader:
    """Keeps nothing but a position."""

    def __init__(self, root: Path) -> None:
        self.place = Folder(root)
        self.position = Position("writer-1.")
        self.told: list[int] = []

    def read(self, most: int = 1 << 30, names: list[str] | None = None) -> None:
        """So many lines at most."""
        steps = self._steps(names_of(self.place) if names is None else names)
        for position, found in steps:
            if found is not None and most == 0:
                return
            self.position = position
            if found is not None:
                self.told.append(int(found.id))
                most -= 1

    def _steps(self, names: list[str]) -> Iterator[tuple[Position, Line | None]]:
        return followed(self.place, names, self.position, lambda _: True, read)


def names_of(place: Folder) -> list[str]:
    return [each.name for each in place.segments("writer-1")]


async def a_writer(root: Path, listed: List, clock: HandClock, **limits: float) -> Appender:
    made = Appender(Folder(root), Uuid7Ids(clock), read, listed.add, limits=Limits(**limits), seconds=lambda: 0.0)  # type: ignore[arg-type]
    await made.open(listed.known)
    return made


def no_space(_: int) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("seed", range(30))
async def test_any_history_is_told_once_in_the_order_of_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Segments are closed, given up on a full disk, left by crashes; the clock goes back and forth."""
    chance, clock, listed = random.Random(seed), HandClock(), List()
    writer = await a_writer(tmp_path, listed, clock, largest=2_000)
    readers = [Reader(tmp_path) for _ in range(3)]
    written: list[int] = []
    for number in range(0, 400, 10):
        clock.pass_by(seconds=chance.randrange(-5, 5))
        page = [line(each) for each in chance.sample(range(number, number + 10), 5)]
        match chance.randrange(8):
            case 0:
                await writer.close()
                writer = await a_writer(tmp_path, listed, clock, largest=2_000)
            case 1:
                with monkeypatch.context() as full:
                    full.setattr("shared.segments.files.os.fdatasync", no_space)
                    with pytest.raises(OSError, match="No space"):
                        await writer.append(page)
            case _:
                await writer.append(page)
                written += [int(each.id) for each in page]
        for reader in readers:
            if chance.random() < 0.5:
                reader.read(chance.randrange(20))
    for reader in readers:
        reader.read()
        assert reader.told == written
    await writer.close()


async def test_a_reader_with_an_old_list_goes_no_further_than_that_allows(tmp_path: Path) -> None:
    """A segment is left for the next one only where that was there before it was read."""
    clock, listed = HandClock(), List()
    writer = await a_writer(tmp_path, listed, clock)
    await writer.append([line(1)])
    reader = Reader(tmp_path)
    names = names_of(reader.place)
    await writer.append([line(2)])
    await writer.close()
    writer = await a_writer(tmp_path, listed, clock)
    await writer.append([line(3)])
    reader.read(names=names)
    assert reader.told == [1, 2]
    reader.read()
    assert reader.told == [1, 2, 3]
    await writer.close()


async def test_names_are_read_again_when_the_folder_has_changed(tmp_path: Path) -> None:
    clock, listed, known = HandClock(), List(), Names(names_in)
    writer = await a_writer(tmp_path, listed, clock, largest=1)
    for number in range(1, 4):
        await writer.append([line(number)])
        assert len(known.of(tmp_path / "writer-1")) == number
    await writer.close()


def test_a_segment_that_is_renamed_while_its_folder_is_read_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Such a reading may show neither of its names; it is renamed once."""
    first, second = (f"writer-1.0198c0de-0000-7000-8000-00000000000{number}" for number in (1, 2))
    seen = iter([[Path(f"{second}.open")], [Path(f"{first}.zst"), Path(f"{second}.open")]])
    monkeypatch.setattr("shared.segments.folders._files", lambda _: next(seen))
    assert names_in(Path("writer-1")) == {first: False, second: True}


async def test_blocks_that_have_nothing_wanted_are_passed_over_unread(tmp_path: Path) -> None:
    clock, listed = HandClock(), List()
    writer = await a_writer(tmp_path, listed, clock)
    for number in range(9):  # whose owners are o0, o1, o2 in turn
        await writer.append([line(number)])
    await writer.close()

    def wanted(block: Block) -> bool:
        return "o1" in block.owners

    place = Folder(tmp_path)
    steps = list(followed(place, names_of(place), Position("writer-1."), wanted, read))
    assert [int(found.id) for _, found in steps if found is not None] == [1, 4, 7]
    assert steps[-1][0].told == 9


async def test_a_segment_that_is_gone_is_named(tmp_path: Path) -> None:
    clock, listed = HandClock(), List()
    writer = await a_writer(tmp_path, listed, clock)
    await writer.append([line(1)])
    await writer.close()
    reader = Reader(tmp_path)
    names = names_of(reader.place)
    (tmp_path / "writer-1" / f"{names[0]}.zst").unlink()
    with pytest.raises(DamagedSegment, match="it is gone") as gone:
        reader.read(names=names)
    assert gone.value.segment == names[0]
