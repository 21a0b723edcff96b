"""What is wrong with a segment is named: a changed byte, a torn end, a file or a document that is gone."""

import os
from pathlib import Path

import pytest

from services.archive.app import SEGMENTS
from services.archive.domain.chain import UNKNOWN
from shared.store import open_store
from tests.component.archive.vault import HubInMind, Vault, routed
from tests.kit.clock import HandClock

VERIFY = "/v1/hub/archive/verify"


class Archive:
    """Three closed segments of one writer, on the disk."""

    def __init__(self, home: Path, clock: HandClock, hub: HubInMind) -> None:
        self.home, self.clock, self.hub = home, clock, hub

    def files(self) -> list[Path]:
        return sorted((self.home / "archive").glob("writer-*/*.zst"))

    async def wrong(self) -> dict[str, str]:
        async with Vault.opened(self.home, self.clock, self.hub) as vault:
            found = await vault.get(VERIFY)
        return {each["segment"]: each["wrong"] for each in found["wrong"]}

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
        assert await vault.get(VERIFY) == {"segments": 6, "wrong": []}


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
        assert await vault.get(VERIFY) == {"segments": 1, "wrong": []}


async def test_a_torn_segment_that_nobody_goes_on_with_is_named_until_it_is_opened(archive: Archive) -> None:
    path = archive.files()[0]
    left = path.parent / "writer-1.torn.open"
    left.write_bytes(path.read_bytes()[:40])
    assert list(await archive.wrong()) == ["writer-1.torn"]
    async with Vault.opened(archive.home, archive.clock, archive.hub) as vault:
        await vault.once("segments")
        assert (await vault.get(VERIFY))["wrong"] == []
    assert not left.exists()
