"""What is wrong with a segment is named: a changed byte, a torn end, a file or a document that is gone."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from services.archive.app import SEGMENTS
from services.archive.domain.chain import UNKNOWN
from shared.segments.frames import MAGIC
from shared.store import open_store
from tests.component.archive.vault import HubInMind, Json, Vault, routed
from tests.kit.clock import HandClock

VERIFY = "/v1/hub/archive/verify"


async def verified(vault: Vault) -> tuple[int, dict[str, str]]:
    """How many segments were read, and what is wrong with which."""
    segments, wrong, cursor = 0, dict[str, str](), None
    while True:
        page = await vault.get(VERIFY, **({"cursor": cursor} if cursor else {}))
        segments += page["segments"]
        wrong |= {each["segment"]: each["wrong"] for each in page["wrong"]}
        if (cursor := page["next_cursor"]) is None:
            return segments, wrong


class Archive:
    """Three closed segments of one writer, on the disk."""

    def __init__(self, home: Path, clock: HandClock, hub: HubInMind) -> None:
        self.home, self.clock, self.hub = home, clock, hub
        self.start = clock.now() - timedelta(minutes=3)

    def files(self) -> list[Path]:
        return sorted((self.home / "archive").glob("writer-*/*.zst"))

    async def wrong(self) -> dict[str, str]:
        async with Vault.opened(self.home, self.clock, self.hub) as vault:
            _, wrong = await verified(vault)
        return wrong

    async def forget(self, segment: str) -> None:
        """As somebody who can write in the store."""
        store = open_store("archive", self.home)
        collection = store.collection(SEGMENTS)
        await store.open()
        found = await collection.get(segment)
        assert found is not None
        await collection.delete(found)
        await store.close()


@pytest.fixture
async def archive(tmp_path: Path, clock: HandClock, hub: HubInMind) -> Archive:
    for _ in range(3):
        async with Vault.opened(tmp_path, clock, hub) as vault:
            await vault.keep(vault.event())
            await vault.record(routed(vault.event()))
            clock.pass_by(minutes=1)
    return Archive(tmp_path, clock, hub)


async def test_what_is_as_it_was_written_is_well(archive: Archive) -> None:
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        assert await verified(vault) == (6, {})


async def test_a_changed_byte_is_named(archive: Archive) -> None:
    path = archive.files()[1]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert await archive.wrong() == {path.stem: "its bytes are not those that were written"}


async def test_a_torn_end_is_named(archive: Archive) -> None:
    path = archive.files()[2]
    os.truncate(path, path.stat().st_size - 1)
    assert list(await archive.wrong()) == [path.stem]


async def test_a_file_that_is_gone_is_named(archive: Archive) -> None:
    path = archive.files()[0]
    path.unlink()
    assert await archive.wrong() == {path.stem: "it is gone"}


async def test_a_document_that_is_gone_is_named_by_its_file_and_by_the_one_that_follows(archive: Archive) -> None:
    first, second, _ = archive.files()
    os.utime(first, (0, 0))
    await archive.forget(first.stem)
    assert await archive.wrong() == {first.stem: "it is not on the list", second.stem: UNKNOWN}


async def test_a_file_and_its_document_that_are_gone_are_missed_by_the_one_that_follows(archive: Archive) -> None:
    _, second, third = archive.files()
    second.unlink()
    await archive.forget(second.stem)
    assert await archive.wrong() == {third.stem: UNKNOWN}


async def test_what_went_at_its_time_is_missed_by_nobody(tmp_path: Path, clock: HandClock, hub: HubInMind) -> None:
    for _ in range(2):
        async with Vault.opened(tmp_path, clock, hub) as vault:
            await vault.keep(vault.event(), keep="P2D")
            clock.pass_by(days=1)
    async with Vault.opened(tmp_path, clock, hub) as vault:
        await vault.once("removing")
        assert await verified(vault) == (1, {})


async def test_a_torn_segment_that_nobody_goes_on_with_is_named_until_it_is_opened(archive: Archive) -> None:
    path = archive.files()[0]
    left = path.parent / "writer-1.ffffffff-0000-7000-8000-000000000000.open"
    left.write_bytes(path.read_bytes()[:40])
    assert list(await archive.wrong()) == [left.stem]
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        await vault.once("segments")
        assert (await verified(vault))[1] == {}
    assert not left.exists()


async def test_a_segment_that_cannot_be_read_is_named_and_the_others_are_verified(archive: Archive) -> None:
    first, second, _ = archive.files()
    first.unlink()
    first.mkdir()
    second.unlink()
    second.symlink_to(second.name)
    wrong = await archive.wrong()
    assert list(wrong) == [first.stem, second.stem]
    assert all(each.startswith("it cannot be read: ") for each in wrong.values())


async def test_what_cannot_be_listed_keeps_nothing_from_being_kept(archive: Archive) -> None:
    """It was closed, its document is gone, and its file is not as it was written."""
    *_, last = archive.files()
    await archive.forget(last.stem)
    os.truncate(last, last.stat().st_size - 1)
    os.utime(last, (0, 0))
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        vault.skip_numbers(10)
        await vault.keep(vault.event())
    assert await archive.wrong() == {last.stem: "it is not on the list"}


async def test_an_open_segment_that_lost_a_frame_is_named_and_what_it_was_is_there(
    tmp_path: Path, clock: HandClock, hub: HubInMind
) -> None:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        for _ in range(3):
            await vault.keep(vault.event())
        (left,) = vault.folder.glob("writer-*/*.open")
        content = bytearray(left.read_bytes())
    content[content.index(MAGIC, 4) + 20] ^= 1
    other = left.with_name("writer-1.00000000-0000-7000-8000-000000000001.open")
    other.write_bytes(content)
    async with Vault.opened(tmp_path, clock, hub) as vault:
        await vault.once("segments")
        assert list((await verified(vault))[1]) == [other.stem]
    assert other.with_suffix(".damaged").read_bytes() == content


async def test_an_archive_that_takes_long_is_read_page_by_page(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive.files()[1]
    path.unlink()
    monkeypatch.setattr("services.archive.cases.verifying.AT_ONCE", 0.0)
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        assert (await vault.get(VERIFY))["next_cursor"] is not None
        assert await verified(vault) == (6, {path.stem: "it is gone"})


async def test_segments_that_take_long_to_verify_come_on_several_pages(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = archive.files()
    files[1].unlink()
    monkeypatch.setattr("services.archive.cases.verifying.AT_ONCE", 0.0)
    shown: list[Json] = []
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        asked: Json = {"verify": "true"}
        for _ in range(3):
            page = await vault.get("/v1/hub/archive/segments", **asked)
            shown += page["segments"]
            asked["cursor"] = page["next_cursor"]
    damages = dict(zip((each.stem for each in files), (None, "it is gone", None), strict=True))
    assert [(each["id"], each["damage"]) for each in shown] == list(damages.items())
    assert asked["cursor"] is None


async def test_whoever_reads_a_damaged_segment_is_told_which(archive: Archive) -> None:
    """An answer without its events would say that they never were."""
    times: Json = {"from": archive.start.isoformat(), "to": archive.clock.now().isoformat()}
    gone, changed, _ = archive.files()
    gone.unlink()
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        for path in ("/v1/hub/archive/stats", "/v1/hub/archive"):
            answer = await vault.ask("GET", path, **times)
            assert (answer.status_code, answer.json()["code"]) == (500, "segment_damaged"), answer.text
            assert answer.json()["detail"].startswith(f"{gone.stem}: it is gone")
    content = bytearray(changed.read_bytes())
    content[30] ^= 1
    changed.write_bytes(content)
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        later: Json = times | {"from": (archive.start + timedelta(minutes=1)).isoformat()}
        answer = await vault.ask("GET", "/v1/hub/archive", **later)
        assert (answer.status_code, answer.json()["code"]) == (500, "segment_damaged")
        assert answer.json()["detail"].startswith(f"{changed.stem}: the frame at byte 0")
