"""Writers in an object store: one that was taken over is believed nothing any more, and what has no answer is known."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

import pytest

from shared.segments.appending import Appender
from shared.segments.buckets import Bucket, Version
from shared.segments.following import Position, followed
from shared.segments.lines import DamagedSegment
from shared.segments.objects import Objects
from shared.segments.places import Lost, Unreachable
from tests.kit.buckets import Killed, Shaky, in_mind
from tests.unit.segments.test_appending import IDS, List
from tests.unit.segments.test_files import line, read
from tests.unit.segments.test_places import nothing, told, writing

NAMES = [f"writer-1.00000000-0000-7000-8000-00000000000{number}" for number in range(4)]


@pytest.fixture
def store() -> Bucket:
    return in_mind()


@pytest.fixture
def listed() -> List:
    return List()


def place(store: Bucket, lease: float = 0.0) -> Objects:
    return Objects(store, IDS.new, lease=lease)


def groups(store: Bucket) -> list[tuple[str, int]]:
    return [(each.key.rpartition("/")[2], each.size) for each in store.list("") if ".open/" in each.key]


async def test_the_former_owners_next_page_is_refused(store: Bucket, listed: List) -> None:
    former = await writing(place(store), listed)
    await former.append([line(1)])
    heir = await writing(place(store), listed)
    assert heir.writer == former.writer
    with pytest.raises(Lost):
        await former.append([line(2)])
    assert not former.is_open
    await heir.append([line(3)])
    assert told(place(store)) == [1, 3]
    await former.open(tuple(listed.known))
    await former.append([line(2)])
    assert told(place(store)) == [1, 3, 2]


async def test_a_segment_that_was_begun_and_has_nothing_yet_is_fenced_too(store: Bucket) -> None:
    """Its first group would lie before what the heir wrote, where nobody looks any more."""
    former = place(store).hold()
    begun = former.begin(NAMES[2])
    heir = place(store)
    held = heir.hold()
    assert [each.name for each in heir.segments("writer-1")] == [NAMES[2]]
    held.begin(NAMES[3]).append([line(1)])
    begun.append([line(2)])
    with pytest.raises(Lost):
        begun.sync()
    with pytest.raises(Lost):
        former.begin(NAMES[1])
    with pytest.raises(Lost):
        former.renew(always=True)


async def test_a_fence_stays_when_the_segment_is_closed_and_goes_with_it(store: Bucket, listed: List) -> None:
    former = await writing(place(store), listed)
    await former.append([line(1)])
    await writing(place(store), listed)
    ((_, size),) = groups(store)
    assert size == 0
    place(store).remove(listed.known[0].name)
    assert groups(store) == []


async def test_a_group_that_was_made_without_an_answer_is_ours(store: Bucket, listed: List) -> None:
    way = Shaky(store, random.Random(3))
    writer = await writing(Objects(way, IDS.new), listed)
    kept = []
    for number in range(60):
        way.loses = 2 if number % 3 else 0
        try:
            await writer.append([line(number)])
        except Unreachable:
            continue
        kept.append(number)
    way.loses = 0
    await writer.close()
    found = told(place(store))
    assert 20 <= len(kept) < 60
    assert set(kept) <= set(found)
    assert len(found) == len(set(found)), "each group once, however often it was asked for"


async def test_nothing_is_kept_while_the_store_is_away_and_all_of_it_after(store: Bucket, listed: List) -> None:
    way = Shaky(store, random.Random(1))
    writer = await writing(Objects(way, IDS.new), listed, largest=1)
    way.away = True
    refused = await asyncio.gather(*(writer.append([line(n)]) for n in range(5)), return_exceptions=True)
    assert {type(each) for each in refused} == {Unreachable}
    with pytest.raises(Unreachable):
        await Appender(Objects(way, IDS.new), IDS, read, listed.add).open(())
    way.away = False
    for number in range(5):
        await writer.append([line(number)])
    await writer.close()
    assert sorted(set(told(place(store)))) == list(range(5))


async def test_a_segment_that_could_not_be_closed_is_closed_later(store: Bucket, listed: List) -> None:
    way = Shaky(store, random.Random(1))
    writer = await writing(Objects(way, IDS.new), listed, oldest=0.0)
    await writer.append([line(1)])
    way.away = True
    with pytest.raises(Unreachable):
        writer._held.renew(always=True)  # type: ignore[union-attr, call-arg]
    await writer.tidy()
    assert listed.known == []
    way.away = False
    await writer.append([line(2)])
    await writer.tidy()
    assert [each.count for each in listed.known] == [1, 1]
    assert listed.known[1].previous == listed.known[0].sha256
    assert groups(store) == []
    await writer.close()


async def test_what_this_process_wrote_a_moment_ago_is_not_read_back(store: Bucket, listed: List) -> None:
    """Pages wait while a segment is closed."""
    way = Shaky(store, random.Random(1))
    writer = await writing(Objects(way, IDS.new), listed)
    for number in range(50):
        await writer.append([line(number)])
    read_before = way.asked["read"]
    await writer.close()
    assert way.asked["read"] == read_before
    assert [each.count for each in listed.known] == [50]


class Heedless(Shaky):
    """A store of a kind that knows no conditions."""

    def create(self, key: str, content: bytes) -> Version | None:
        return super().create(key, content) or self._anyhow(key, content)

    def _anyhow(self, key: str, content: bytes) -> Version | None:
        return self.replace(key, content, self.read(key).version)


def test_a_store_that_takes_no_heed_of_conditions_is_refused(store: Bucket) -> None:
    with pytest.raises(Unreachable, match="conditions"):
        Objects(Heedless(store, random.Random(1)), IDS.new).hold()


async def test_a_group_that_is_gone_is_named(store: Bucket, listed: List) -> None:
    writer = await writing(place(store), listed)
    for number in range(4):
        await writer.append([line(number)])
    keys = [each.key for each in store.list("") if ".open/" in each.key]
    store.delete([keys[1]])
    name = place(store).segments("writer-1")[0].name
    with pytest.raises(DamagedSegment, match="is gone") as damaged:
        list(followed(place(store), [name], Position("writer-1."), lambda _: True, read))
    assert damaged.value.segment == name
    await (await writing(place(store), listed)).close()
    assert listed.known == [], "it is left as it is"


@pytest.mark.parametrize("steps", range(1, 9))
async def test_whoever_dies_removing_leaves_a_closed_segment_or_none(store: Bucket, listed: List, steps: int) -> None:
    """And never an open one: nobody would know that its time was over."""
    former = await writing(place(store), listed)
    for number in range(3):
        await former.append([line(number)])
    await writing(place(store), listed)
    name = listed.known[0].name
    store.create(place(store).group(name, 0), b"left over from before it was closed")
    way = Shaky(store, random.Random(steps))
    way.dies_after = steps
    with suppress(Killed):
        Objects(way, IDS.new).remove(name)
    assert name not in {each.name for each in place(store).segments("writer-1") if each.is_open}
    place(store).remove(name)
    assert name not in {each.name for each in place(store).segments("writer-1")}


async def test_a_live_writer_is_nobody_elses(store: Bucket, listed: List) -> None:
    one = await writing(place(store, lease=60), listed)
    assert (await writing(place(store, lease=60), listed)).writer == "writer-2"
    assert not place(store, lease=60).is_left(one.writer)
    assert place(store, lease=0).is_left(one.writer), "for so long nobody has said that it is held"


@pytest.mark.parametrize("head", [b"", b"{", b"[]", b"\xff", b'{"holder": "x", "more": 1}'])
async def test_a_writer_whose_head_somebody_else_wrote_is_left_alone_and_others_keep(
    store: Bucket, listed: List, head: bytes
) -> None:
    former = await writing(place(store), listed)
    await former.append([line(1)])
    found = store.read("writer-1/head")
    assert store.replace("writer-1/head", head, found.version) is not None
    other = await writing(place(store), listed)
    assert other.writer == "writer-2"
    await other.append([line(2)])
    await other.adopt(nothing)
    assert place(store).is_left("writer-1")
    await former.append([line(3)])
    with suppress(Lost):
        await former.close()
    assert sorted(told(place(store)) + told(place(store), "writer-2")) == [1, 2, 3]
    store.delete(["writer-1/head"])
    await (await writing(place(store), listed)).close()
    assert sorted(each.count for each in listed.known if each.name.startswith("writer-1")) == [2]


@pytest.mark.parametrize("taken", [(0,), (1,), (2,), (0, 1, 2)])
async def test_a_segment_of_which_somebody_took_a_group_is_left_and_the_writer_goes_on(
    store: Bucket, listed: List, taken: tuple[int, ...]
) -> None:
    """Closed without it the others would lie where they were not written."""
    writer = await writing(place(store), listed, oldest=0.0)
    for number in range(3):
        await writer.append([line(number)])
    objects = [each.key for each in store.list("") if ".open/" in each.key]
    store.delete([objects[number] for number in taken])
    await writer.tidy()
    assert listed.known == []
    assert not [each for each in store.list("") if each.key.endswith(".zst")]
    await writer.append([line(7)])
    await writer.tidy()
    (closed,) = listed.known
    assert closed.count == 1


def test_all_threads_have_one_place_below(store: Bucket) -> None:
    """Else what one of them wrote is old news to another."""
    root, ready = place(store), Barrier(8)

    def below(_: int) -> Objects:
        ready.wait()
        return root.below("P30D")

    with ThreadPoolExecutor(8) as threads:
        assert len(set(map(id, threads.map(below, range(8))))) == 1
