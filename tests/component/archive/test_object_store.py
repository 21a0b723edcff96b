"""An archive in an object store, over HTTP: kept, found, followed, verified and removed as in a folder."""

import random
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import obstore
import pytest
from obstore.store import S3Store

from shared.kernel.errors import Later
from shared.telemetry import catalogue
from tests.component.archive.test_feeds import LARGE, House
from tests.component.archive.test_figures import read as figures
from tests.component.archive.test_verifying import verified
from tests.component.archive.vault import HubInMind, Json, Vault, attempt, routed
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.kit.stores import S3, s3
from tests.unit.routing.samples import a_rule, terms


@pytest.fixture(scope="module")
def store() -> Iterator[S3]:
    with s3() as made:
        yield made


@pytest.fixture
def bucket(store: S3, monkeypatch: pytest.MonkeyPatch) -> S3Store:
    name = f"b{uuid4().hex}"
    monkeypatch.setenv("ARCHIVE_PLACE", f"{store.bucket(name)}/our/archive")
    monkeypatch.setenv("ARCHIVE_ENDPOINT", store.endpoint)
    return S3Store(name, endpoint=store.endpoint, client_options={"allow_http": True})


def keys(bucket: S3Store) -> list[str]:
    return sorted(each["path"] for page in obstore.list(bucket) for each in page)


def closed(bucket: S3Store) -> list[str]:
    return [key for key in keys(bucket) if key.endswith(".zst")]


async def test_what_is_kept_is_found_whoever_asks_and_lies_in_the_store_alone(
    tmp_path: Path, clock: HandClock, hub: HubInMind, bucket: S3Store
) -> None:
    async with Vault.opened(tmp_path, clock, hub) as one, Vault.opened(tmp_path, clock, hub) as other:
        other.skip_numbers(100)
        (first,) = await one.keep(one.event())
        (second,) = await other.keep(other.event())
        await one.record(routed(first), attempt(first))
        assert await one.found() == await other.found() == [first.hubid, second.hubid]
        assert await other.found(partner="coles", id=first.event["id"]) == [first.hubid]
        records = await other.get(f"/internal/archive/records/{first.hubid}")
        assert [each["outcome"] for each in records["attempts"]] == ["delivered"]
        start = clock.now()
        clock.pass_by(seconds=1)
        times: Json = {"from": start.isoformat(), "to": clock.now().isoformat()}
        balance = (await other.get("/v1/hub/archive/stats", **times))["balance"]
        assert (balance["events"], balance["outcomes"]) == (
            {"coles": {first.event["type"]: 2}},
            {"fuel/bi": {"delivered": 1}},
        )
    async with Vault.opened(tmp_path, clock, hub) as later:
        assert await later.found() == [first.hubid, second.hubid]
        assert await verified(later) == (3, {})
        assert len(closed(bucket)) == 3
        assert [key for key in keys(bucket) if ".open/" in key] == []
        assert (await figures(later))[catalogue.ARCHIVE_BYTES.name] > 0
    assert not (tmp_path / "archive").exists()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a store that is away; one that is there may take its time, on a machine that has other things to do."""
    monkeypatch.setenv("ARCHIVE_REQUEST_SECONDS", "2")


@pytest.mark.usefixtures("impatient")
async def test_a_page_waits_while_the_store_is_away(
    tmp_path: Path, clock: HandClock, hub: HubInMind, bucket: S3Store, store: S3
) -> None:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        await vault.keep(vault.event())
        event = vault.event()
        store.away = True
        try:
            with pytest.raises(Later, match="cannot be written"):
                await vault.keep(event)
            answer = await vault.ask("GET", "/v1/hub/archive")
            assert (answer.status_code, answer.json()["code"]) == (503, "archive_unavailable")
        finally:
            store.away = False
        await vault.keep(event)
        assert len(await vault.found()) == 2


async def test_a_class_goes_at_its_time(tmp_path: Path, clock: HandClock, hub: HubInMind, bucket: S3Store) -> None:
    async with Vault.opened(tmp_path, clock, hub) as vault:
        await vault.keep(vault.event(), keep="P400D")
        (forever,) = await vault.keep(vault.event())
    async with Vault.opened(tmp_path, clock, hub) as vault:
        await vault.once("segments")
        assert len(await vault.found()) == 2
        clock.pass_by(days=401)
        await vault.once("removing")
        assert await vault.found() == [forever.hubid]
        assert [key for key in keys(bucket) if "P400D" in key and not key.endswith("/head")] == []
        assert (await verified(vault))[1] == {}


@pytest.mark.parametrize("seed", range(4))
async def test_a_feed_misses_nothing_whoever_keeps_and_whoever_ends(
    tmp_path: Path, clock: HandClock, hub: HubInMind, bucket: S3Store, seed: int
) -> None:
    hub.put("fuel", terms(a_rule(when=LARGE, to=("own",)), targets={"own": {"feed": True}}))
    chance, house = random.Random(seed), House(tmp_path, clock, hub, None)
    kept, told = list[str](), list[str]()
    await house.more()
    for _ in range(25):
        match chance.randrange(5):
            case 0 if len(house.replicas) < 3:
                await house.more()
            case 1 if len(house.replicas) > 1:
                await house.leave(chance.randrange(len(house.replicas)))
            case 2:
                told += await house.rest(limit=chance.choice((1, 1_000)))
            case _:
                clock.pass_by(seconds=chance.randrange(-3, 4))
                vault = chance.choice(house.replicas)
                kept += [each.hubid for each in await vault.keep(vault.event(total=100), vault.event(total=200))]

    async def all_is_told() -> bool:
        """What another replica keeps is seen half a second later."""
        told.extend(await house.rest())
        return len(told) >= len(kept)

    await eventually(all_is_told)
    assert sorted(told) == sorted(kept)
    await house.close()


async def test_a_changed_byte_and_an_object_that_is_gone_are_named(
    tmp_path: Path, clock: HandClock, hub: HubInMind, bucket: S3Store
) -> None:
    for _ in range(3):
        async with Vault.opened(tmp_path, clock, hub) as vault:
            await vault.keep(vault.event())
            clock.pass_by(minutes=1)
    changed, gone, _ = closed(bucket)
    content = bytearray(obstore.get(bucket, changed).bytes())
    content[len(content) // 2] ^= 1
    obstore.put(bucket, changed, bytes(content))
    obstore.delete(bucket, gone)
    async with Vault.opened(tmp_path, clock, hub) as vault:
        assert await verified(vault) == (
            3,
            {Path(changed).stem: "its bytes are not those that were written", Path(gone).stem: "it is gone"},
        )
        answer = await vault.ask("GET", "/v1/hub/archive")
        assert (answer.status_code, answer.json()["code"]) == (500, "segment_damaged")
