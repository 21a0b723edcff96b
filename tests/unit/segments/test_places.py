"""What a place of segments promises, a folder and an object store alike: to who writes, who reads, and who comes
after one that died."""

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

import pytest

from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.segments.appending import Appender, Limits
from shared.segments.contents import check
from shared.segments.folders import Folder, HeldFolder
from shared.segments.following import Position, followed
from shared.segments.lines import GONE, DamagedSegment, Summary
from shared.segments.merging import merged, pieces_of
from shared.segments.objects import Objects
from shared.segments.places import Found, Place, opened
from shared.segments.stores import Account, objects_at
from shared.segments.unclosed import Unclosed
from tests.kit.buckets import in_mind
from tests.kit.stores import S3, s3
from tests.unit.segments.test_appending import List
from tests.unit.segments.test_files import line, read

IDS = Uuid7Ids(SystemClock())
Process = Callable[[], Place]
"""The place as one more process sees it."""


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3() as made:
        yield made


@pytest.fixture(params=["folder", "objects in mind", "s3"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Process:
    if request.param == "folder":
        return lambda: Folder(tmp_path)
    if request.param == "objects in mind":
        bucket = in_mind()
        return lambda: Objects(bucket, IDS.new, prefix="all/")
    store: S3 = request.getfixturevalue("store")
    address = f"{store.bucket(f'b{uuid4().hex}')}/some/where"
    return lambda: objects_at(address, Account(store.endpoint), IDS.new)


@pytest.fixture
def listed() -> List:
    return List()


async def writing(place: Place, listed: List, **limits: float) -> Appender:
    made = Appender(place, IDS, read, listed.add, limits=Limits(**limits), seconds=lambda: 0.0)  # type: ignore[arg-type]
    await made.open(tuple(listed.known))
    return made


def dies(writer: Appender) -> None:
    """Its lock falls; of its lease nobody says any more that it is held."""
    held = writer._held
    if isinstance(held, HeldFolder):
        held.release()


def after_its_lease(place: Place) -> Place:
    if isinstance(place, Objects):
        place._lease = 0.0
    return place


def told(place: Place, writer: str = "writer-1", start: Position | None = None) -> list[int]:
    names = [each.name for each in place.segments(writer)]
    steps = followed(place, names, start or Position(f"{writer}."), lambda _: True, read)
    return [int(found.id) for _, found in steps if found is not None]


@pytest.fixture
async def kept(process: Process, listed: List) -> AsyncIterator[Place]:
    """Three closed segments, and an open one."""
    writer = await writing(process(), listed, largest=1)
    for number in range(3):
        await writer.append([line(number), line(number + 10)])
    await writer.close()
    writer = await writing(process(), listed)
    await writer.append([line(3)])
    yield process()
    await writer.close()


async def test_what_was_appended_is_read_by_other_processes_at_once(process: Process, listed: List) -> None:
    writer, reader = await writing(process(), listed), process()
    for number in range(5):
        await writer.append([line(number)])
        assert told(process()) == list(range(number + 1))
    (found,) = reader.segments("writer-1")
    assert found.is_open
    await writer.close()
    (found,) = process().segments("writer-1")
    assert not found.is_open


async def test_readers_in_its_process_know_what_it_wrote_as_others_read_it(process: Process, listed: List) -> None:
    place, readers = process(), Unclosed(read)
    writer = Appender(place, IDS, read, listed.add, limits=Limits(), readers=readers)
    await writer.open(())
    for number in range(5):
        await writer.append([line(number), line(number + 10)])
        (found,) = place.segments("writer-1")
        with opened(process(), found) as (packed, _):
            assert readers.blocks(found.name, packed) == Unclosed(read).blocks(found.name, packed)
    assert list(readers._seen) == [found.name]
    await writer.close()
    assert not readers._seen


async def test_segments_are_what_was_closed_and_name_the_one_before(kept: Place, listed: List) -> None:
    names = [each.name for each in kept.segments("writer-1") if not each.is_open]
    assert names == [each.name for each in listed.known]
    for each in listed.known:
        check(kept.whole(each.name), each)
        assert 0 <= kept.age(each.name) + 2 < 60
    one, two, three = listed.known
    assert (one.previous, two.previous, three.previous) == ("", one.sha256, two.sha256)


async def test_lines_come_in_their_order_from_open_and_closed_segments(kept: Place) -> None:
    segments, unclosed = kept.segments("writer-1"), Unclosed(read)
    pieces = [piece for each in segments for piece in pieces_of(kept, each, lambda _: True, unclosed)]
    assert [int(each.id) for each in merged(pieces, read)] == [0, 1, 2, 3, 10, 11, 12]
    assert told(kept) == [0, 10, 1, 11, 2, 12, 3]


async def test_a_position_stays_good_when_the_segment_is_closed(process: Process, listed: List) -> None:
    writer = await writing(process(), listed)
    for number in range(6):
        await writer.append([line(number * 2), line(number * 2 + 1)])
    place = process()
    (found,) = place.segments("writer-1")
    steps = list(followed(place, [found.name], Position("writer-1."), lambda _: True, read))
    await writer.close()
    for after, (position, one) in enumerate(steps):
        if one is not None:
            assert told(process(), start=position) == list(range(after, 12)), position


async def test_a_segment_that_is_closed_while_it_is_read_is_read_to_its_end(process: Process, listed: List) -> None:
    writer, place = await writing(process(), listed), process()
    for number in range(40):
        await writer.append([line(number)])
    found = place.segments("writer-1")[0]
    steps = followed(place, [found.name], Position("writer-1."), lambda _: True, read)
    pieces = pieces_of(place, found, lambda _: True, Unclosed(read))
    first = [next(steps) for _ in range(3)]
    await writer.close()
    lines = [each for _, each in [*first, *steps] if each is not None]
    assert [int(each.id) for each in lines] == list(range(40))
    assert [int(each.id) for each in merged(pieces, read)] == list(range(40))


async def test_writers_at_one_place_have_names_of_their_own(process: Process, listed: List) -> None:
    one, other = [await writing(process(), listed) for _ in range(2)]
    assert (one.writer, other.writer) == ("writer-1", "writer-2")
    await one.append([line(1)])
    await other.append([line(2)])
    assert process().writers() == ["writer-1", "writer-2"]
    assert [process().is_left(each) for each in ("writer-1", "writer-2")] == [False, False]
    await one.close()
    assert [process().is_left(each) for each in ("writer-1", "writer-2")] == [True, False]
    again = await writing(process(), listed)
    assert again.writer == "writer-1", "the first that nobody holds"
    await again.close()
    await other.close()


async def test_what_one_that_died_left_is_closed_by_the_next(process: Process, listed: List) -> None:
    dead = await writing(process(), listed)
    await dead.append([line(1)])
    await dead.append([line(2)])
    dies(dead)
    writer = await writing(after_its_lease(process()), listed)
    assert writer.writer == "writer-1"
    assert [each.count for each in listed.known] == [2]
    await writer.append([line(3)])
    await writer.close()
    assert told(process()) == [1, 2, 3]
    assert [each.previous for each in listed.known] == ["", listed.known[0].sha256]


async def nothing() -> Sequence[Summary]:
    """Is on the list."""
    return ()


async def test_what_one_that_died_left_is_closed_by_any_other(process: Process, listed: List) -> None:
    dead, live = [await writing(process(), listed) for _ in range(2)]
    await dead.append([line(1)])
    await live.append([line(2)])
    await live.adopt(nothing)
    assert listed.known == [], "it is alive"
    dies(dead)
    heir = Appender(after_its_lease(process()), IDS, read, listed.add)
    await heir.adopt(nothing)
    assert [(each.name.partition(".")[0], each.count) for each in listed.known] == [("writer-1", 1)]
    assert process().is_left("writer-1")
    await live.append([line(3)])
    assert told(process(), "writer-2") == [2, 3]
    await live.close()


async def test_what_was_closed_and_not_listed_is_listed_by_the_next(process: Process, listed: List) -> None:
    writer = await writing(process(), listed)
    await writer.append([line(1)])
    listed.away = True
    await writer.close()
    listed.away = False
    assert listed.known == []
    await (await writing(process(), listed)).close()
    assert [each.count for each in listed.known] == [1]


async def test_what_is_removed_is_gone_for_everybody(kept: Place, process: Process, listed: List) -> None:
    first, other = listed.known[0].name, process()
    names = [each.name for each in other.segments("writer-1")]
    assert len(names) == 4
    kept.remove(first)
    kept.remove(first)
    assert next(each.name for each in kept.segments("writer-1")) == listed.known[1].name
    for place in (kept, process()):
        with pytest.raises(FileNotFoundError), opened(place, Found(first, is_open=True)):
            pass
        with pytest.raises(FileNotFoundError):
            place.whole(first)
    with pytest.raises(DamagedSegment, match=GONE):
        list(followed(other, names, Position("writer-1."), lambda _: True, read))
    assert told(other) == [1, 11, 2, 12, 3], "it looks again for what is there"


async def test_places_lie_in_places(process: Process, listed: List) -> None:
    below = await writing(process().below("P1D"), listed)
    await below.append([line(1)])
    assert process().parts() == ["P1D"]
    assert process().writers() == []
    assert process().below("P1D").writers() == ["writer-1"]
    assert told(process().below("P1D")) == [1]
    assert process().size() > 0
    await below.close()


def put_beside(place: Place, writer: str, name: str) -> None:
    """As somebody does who has the place open in another program."""
    if isinstance(place, Folder):
        path = place._root / writer / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"hello")
    else:
        assert isinstance(place, Objects)
        place.bucket.create(f"{place.folder(writer)}/{name}", b"hello")


async def test_what_is_no_segment_is_nobodys_business(process: Process, listed: List) -> None:
    writer = await writing(process(), listed)
    await writer.append([line(1)])
    await writer.close()
    copied = f"{listed.known[0].name} (copy).zst"
    moved = f"writer-9{listed.known[0].name.removeprefix('writer-1')}.zst"
    for name in ("garbage.zst", "zzz.open/more.open", "writer-1.zst", ".zst", "writer-1.zzz.zst", copied, moved):
        put_beside(process(), "writer-1", name)
    put_beside(process(), "writer-2", "zzz.open/0")
    writer = await writing(process(), listed)
    await writer.append([line(2)])
    await writer.close()
    await writer.adopt(nothing)
    assert [each.name for each in process().segments("writer-1")] == [each.name for each in listed.known]
    assert told(process()) == [1, 2]


async def test_what_is_not_there_is_not_found(process: Process) -> None:
    place = process()
    assert list(place.parts()) == []
    for ask in (place.whole, place.age):
        with pytest.raises(FileNotFoundError):
            ask("writer-1.nothing")
