"""Who writes segments: together what waits, closed in time, gone on with after a crash."""

import asyncio
import json
import os
import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.segments.appending import Appender, Limits
from shared.segments.contents import check
from shared.segments.folders import Folder, path_of
from shared.segments.lines import Line, Summary
from tests.eventually import eventually
from tests.unit.segments.test_files import line, read, texts

IDS = Uuid7Ids(SystemClock())


class List:
    """The closed segments, as a store lists them; it may be away."""

    def __init__(self) -> None:
        self.away = False
        self.known: list[Summary] = []

    async def add(self, closed: Summary) -> None:
        if self.away:
            raise ConnectionError
        if closed.name not in {each.name for each in self.known}:
            self.known.append(closed)


class Writer:
    """An appender, its list and its time."""

    def __init__(self, folder: Path, listed: List, **limits: float) -> None:
        self.seconds = 0.0
        self.listed = listed
        self.appender = Appender(
            Folder(folder),
            IDS,
            read,
            listed.add,
            limits=Limits(**limits),  # type: ignore[arg-type]
            seconds=lambda: self.seconds,
        )

    async def open(self) -> Appender:
        await self.appender.open(self.listed.known)
        return self.appender


def told(folder: Path, listed: List) -> list[str]:
    """The ids of all that is in listed segments."""
    paths = [path_of(folder, each.name) for each in listed.known]
    return sorted(read(text).id for path in paths for text in texts(path))


def unclosed(folder: Path) -> list[Path]:
    return list(folder.glob("*/*.open"))


def ids(*numbers: int) -> list[str]:
    return [f"{number:08}" for number in numbers]


@pytest.fixture
def listed() -> List:
    return List()


async def test_what_was_appended_is_on_the_disk_before_it_is_said_to_be(tmp_path: Path, listed: List) -> None:
    appender = await Writer(tmp_path, listed).open()
    await appender.append([line(1), line(2)])
    (path,) = unclosed(tmp_path)
    copy = tmp_path / "copy"
    (copy / "writer-1").mkdir(parents=True)
    (copy / "writer-1" / path.name).write_bytes(path.read_bytes())
    after = List()
    await Writer(copy, after).open()
    assert told(copy, after) == ids(1, 2)
    await appender.close()


async def test_what_waits_is_synced_together(tmp_path: Path, listed: List, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0
    sync = os.fdatasync

    def counted(descriptor: int) -> None:
        nonlocal syncs
        syncs += 1
        sync(descriptor)

    monkeypatch.setattr("shared.segments.files.os.fdatasync", counted)
    appender = await Writer(tmp_path, listed).open()
    await asyncio.gather(*(appender.append([line(n)]) for n in range(300)))
    assert syncs <= 3
    await appender.close()
    assert told(tmp_path, listed) == ids(*range(300))


async def test_a_segment_is_closed_by_its_size(tmp_path: Path, listed: List) -> None:
    appender = await Writer(tmp_path, listed, largest=500).open()
    for n in range(40):
        await appender.append([line(n)])
    await eventually(lambda: len(listed.known) >= 3)
    await appender.close()
    assert told(tmp_path, listed) == ids(*range(40))
    assert all(3 <= each.count <= 8 for each in listed.known[:-1])


async def test_a_segment_is_closed_by_its_age(tmp_path: Path, listed: List) -> None:
    writer = Writer(tmp_path, listed, oldest=600)
    appender = await writer.open()
    writer.seconds = 1_000
    await appender.append([line(1)])
    writer.seconds = 1_599
    await appender.tidy()
    assert listed.known == []
    writer.seconds = 1_600
    await appender.tidy()
    assert told(tmp_path, listed) == ids(1)
    await appender.close()


async def test_each_segment_knows_the_one_before(tmp_path: Path, listed: List) -> None:
    for n in range(3):
        appender = await Writer(tmp_path, listed).open()
        await appender.append([line(n)])
        await appender.close()
    first, second, third = listed.known
    assert (first.previous, second.previous, third.previous) == ("", first.sha256, second.sha256)
    for each in listed.known:
        check(path_of(tmp_path, each.name).read_bytes(), each)


async def test_what_a_crash_left_open_is_closed_and_listed_without_its_torn_tail(tmp_path: Path, listed: List) -> None:
    crashed = await Writer(tmp_path, listed).open()
    await crashed.append([line(1)])
    await crashed.append([line(2)])
    (path,) = unclosed(tmp_path)
    path.write_bytes(path.read_bytes()[:-3])
    crashed._held.release()  # type: ignore[union-attr]  # as the kernel does for the dead
    appender = await Writer(tmp_path, listed).open()
    assert told(tmp_path, listed) == ids(1)
    assert unclosed(tmp_path) == []
    await appender.append([line(2)])
    await appender.close()
    assert told(tmp_path, listed) == ids(1, 2)


async def test_one_that_was_closed_and_not_listed_is_listed_at_the_next_start(tmp_path: Path, listed: List) -> None:
    appender = await Writer(tmp_path, listed).open()
    await appender.append([line(1)])
    listed.away = True
    await appender.close()
    assert listed.known == []
    listed.away = False
    await Writer(tmp_path, listed).open()
    assert told(tmp_path, listed) == ids(1)


async def test_one_that_could_not_be_listed_is_listed_later(tmp_path: Path, listed: List) -> None:
    writer = Writer(tmp_path, listed, largest=1)
    appender = await writer.open()
    listed.away = True
    await appender.append([line(1)])
    await asyncio.sleep(0)
    await appender.append([line(2)])
    listed.away = False
    await appender.close()
    await appender.tidy()
    assert told(tmp_path, listed) == ids(1, 2)


async def test_what_a_full_disk_did_not_keep_is_said_to_nobody(
    tmp_path: Path, listed: List, monkeypatch: pytest.MonkeyPatch
) -> None:
    appender = await Writer(tmp_path, listed).open()
    await appender.append([line(1)])
    with monkeypatch.context() as full:
        full.setattr("shared.segments.files.os.fdatasync", _no_space)
        refused = await asyncio.gather(*(appender.append([line(n)]) for n in (2, 3)), return_exceptions=True)
    assert [type(each) for each in refused] == [OSError, OSError]
    await appender.append([line(2)])
    await appender.close()
    await Writer(tmp_path, listed).open()
    assert told(tmp_path, listed) == ids(1, 2)


@contextmanager
def no_room_beyond(size: int) -> Iterator[None]:
    """The kernel writes as far as that, in the midst of whatever is written, and refuses the rest, as a full disk
    does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def a_large_line(number: int) -> Line:
    """Larger than what is written at once, and nothing to be packed."""
    small = line(number)
    told = json.loads(small.text) | {"text": random.Random(number).randbytes(40_000).hex()}
    return replace(small, text=json.dumps(told).encode())


@pytest.mark.parametrize("room", [0, 1, 7, 500, 20_000])
@pytest.mark.parametrize("crashes", [False, True])
async def test_a_disk_that_is_full_within_a_page_leaves_nothing_half_and_is_gone_on_with(
    tmp_path: Path, listed: List, room: int, *, crashes: bool
) -> None:
    """Nothing is said to be kept that is not, and what was kept stays; with room again it goes on by itself, or after a
    crash on the full disk. However often it is tried meanwhile, nothing is left of it."""
    folder = tmp_path / "disk"
    appender = await Writer(folder, listed).open()
    await appender.append([line(1)])
    (segment,) = unclosed(folder)
    whole = segment.read_bytes()
    with no_room_beyond(len(whole) + room):
        for _ in range(3):
            with pytest.raises(OSError, match=r"large|space"):
                await appender.append([a_large_line(2)])
        assert [each.read_bytes() for each in unclosed(folder)] == [whole]
        if crashes:
            folder = shutil.copytree(folder, tmp_path / "after")
            appender = Writer(folder, listed).appender
            with suppress(OSError):  # it cannot close what was left, where there is no room for an index
                await appender.open(listed.known)
    if not appender.is_open:
        await appender.open(listed.known)
    await appender.append([a_large_line(2)])
    await appender.close()
    await Writer(folder, listed).open()
    assert told(folder, listed) == ids(1, 2)


def _no_space(_: int) -> None:
    raise OSError(28, "No space left on device")


async def test_each_of_several_writers_has_a_folder_and_a_chain_of_its_own(tmp_path: Path, listed: List) -> None:
    first, second = [await Writer(tmp_path, listed).open() for _ in range(2)]
    assert first.writer != second.writer
    await first.append([line(1)])
    await second.append([line(2)])
    await first.close()
    await second.close()
    again = await Writer(tmp_path, listed).open()
    assert again.writer == "writer-1", "the first that nobody has"
    await again.append([line(3)])
    await again.close()
    assert told(tmp_path, listed) == ids(1, 2, 3)
    one, two, three = listed.known
    assert (one.previous, two.previous, three.previous) == ("", "", one.sha256)


async def test_whoever_goes_away_takes_nothing_along(tmp_path: Path, listed: List) -> None:
    appender = await Writer(tmp_path, listed).open()
    going = asyncio.create_task(appender.append([line(1)]))
    await asyncio.sleep(0)
    going.cancel()
    await appender.append([line(2)])
    await appender.close()
    assert told(tmp_path, listed) == ids(1, 2)
