"""Events of partners while brokers freeze, stacks are killed and files are changed."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import zstandard

from services.cli.broker_node import PrivateBroker
from tests.conftest import StartStack
from tests.e2e.partners import Json, Partner, receipt
from tests.e2e.shop import Shop
from tests.eventually import eventually
from tests.kit.stack import Stack
from tests.kit.stores import IDENTITY, s3

pytestmark = pytest.mark.long

SETTINGS = {"ARCHIVE_SEGMENT_SECONDS": "1"}
ROUNDS = 5
LONGEST = 90.0


async def test_events_are_accepted_while_the_broker_is_frozen_and_archived_after(
    start_stack: StartStack, own_home: Path
) -> None:
    """Before anybody knows that the broker is away, and when everybody does: how long that lasts changes nothing more.
    What is published waits in the store, and connections that were given up are made anew."""
    stack = start_stack(home=own_home, environment=SETTINGS)
    async with Shop(stack.url) as shop:
        partner = await Partner.made(shop)
        await partner.send(receipt("before"))
        await partner.eventually_archived(1)
        broker = PrivateBroker(own_home)
        broker.pause()
        try:
            answers = [await partner.send(receipt(f"e{n}")) for n in range(10)]
            await eventually(lambda: _is_known_to_be_away(stack), LONGEST)
            answers += [await partner.send(receipt(f"e{n}")) for n in range(10, 20)]
        finally:
            broker.resume()
        assert {answer.status_code for answer in answers} == {202}
        found = await partner.eventually_archived(21, LONGEST)
        assert {each["event"]["id"] for each in found} == {"before", *(f"e{n}" for n in range(20))}


async def _is_known_to_be_away(stack: Stack) -> bool:
    async with httpx.AsyncClient(base_url=stack.url, timeout=LONGEST) as anybody:
        answer = await anybody.get("/readyz")
    return answer.status_code == 200 and answer.json()["broker"] == "away"


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """Settings of where the archive keeps what it keeps."""
    if request.param == "folder":
        yield {}
        return
    with s3() as store:
        yield {**IDENTITY, "ARCHIVE_PLACE": f"{store.bucket('archive')}/ours", "ARCHIVE_ENDPOINT": store.endpoint}


async def test_what_was_accepted_survives_kills_of_all_processes_once_each(
    start_stack: StartStack, own_home: Path, place: dict[str, str]
) -> None:
    """Senders repeat what they were not answered; every process dies, again and again."""
    stack = start_stack(home=own_home, environment=SETTINGS | place)
    async with Shop(stack.url) as shop:
        partner = await Partner.made(shop)
        told: dict[str, str] = {}
        for round_ in range(ROUNDS):
            sending = [asyncio.create_task(told_in_the_end(partner, f"{round_}-{n}")) for n in range(60)]
            await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.to_thread(stack.kill)
            await asyncio.to_thread(stack.start)
            told |= dict([await each for each in sending])
        found = await partner.eventually_archived(ROUNDS * 60, LONGEST)
    assert {each["event"]["id"]: each["hubid"] for each in found} == told
    assert len({each["hubid"] for each in found}) == len(found) == ROUNDS * 60


async def told_in_the_end(partner: Partner, event_id: str) -> tuple[str, str]:
    """The event and the name that it was told to have."""

    async def accepted() -> str:
        try:
            answer = await partner.send(receipt(event_id))
        except httpx.HTTPError as error:
            raise AssertionError(repr(error)) from error
        assert answer.status_code == 202, answer.text
        return str(answer.json()["results"][0]["id"])

    return event_id, await eventually(accepted, LONGEST)


async def test_segments_are_read_by_any_zstd_and_a_flipped_byte_is_named(
    start_stack: StartStack, own_home: Path
) -> None:
    stack = start_stack(home=own_home, environment=SETTINGS)
    async with Shop(stack.url) as shop:
        partner = await Partner.made(shop)
        await partner.send(*(receipt(f"e{n}") for n in range(100)))

        async def closed() -> list[Json]:
            answer = await partner.operator.get("/v1/hub/archive/segments", params={"verify": True})
            segments: list[Json] = answer.json()["segments"]
            return segments if sum(each["owners"].get(partner.name, 0) for each in segments) >= 100 else []

        segments = await eventually(closed, LONGEST)
        assert {each["damage"] for each in segments} == {None}
        assert {each["event"]["id"] for each in in_files(own_home)} >= {f"e{n}" for n in range(100)}
        damaged = flip_a_byte(own_home)
        shown = {each["id"]: each["damage"] for each in await closed()}
        assert [name for name, damage in shown.items() if damage] == [damaged]


def in_files(home: Path) -> list[Json]:
    found = []
    for path in (home / "archive").glob("*/*.zst"):
        with zstandard.ZstdDecompressor().stream_reader(path.read_bytes(), read_across_frames=True) as reader:
            found += [json.loads(line) for line in reader.read().splitlines()]
    return found


def flip_a_byte(home: Path) -> str:
    path = min((home / "archive").glob("*/*.zst"))
    packed = bytearray(path.read_bytes())
    packed[len(packed) // 3] ^= 1
    path.write_bytes(packed)
    return path.stem
