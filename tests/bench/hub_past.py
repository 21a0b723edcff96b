"""HUB-7 and HUB-8: how fast files are tried on the past, and one event found in it. No broker, no stack: segments as
the archive writes them, made by seed, and its own code over them.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, Final

from services.archive.app import SEGMENTS
from services.archive.cases.finding import Finding, Wanted
from services.archive.cases.reading import Reading, Span
from services.archive.cases.threads import Threads
from services.archive.domain.backtest import Comparing
from services.archive.domain.lines import read_line
from services.archive.domain.segment import FOREVER, Segment
from shared.contracts.buses import BusTerms
from shared.contracts.hubids import least_of
from shared.kernel.clock import SystemClock
from shared.kernel.ids import derived
from shared.routing.bus import compiled
from shared.segments.appending import LARGEST
from shared.segments.files import OpenSegment
from shared.segments.folders import Folder
from shared.segments.lines import Line
from shared.store import open_store
from shared.store.repository import Repository
from tests.bench.children import Failed
from tests.bench.figures import Figure
from tests.bench.hub_matching import a_receipt, a_rule
from tests.bench.hub_schema import RULES, TYPES

PAGE: Final = 100
"""Events of a frame."""
SIZES: Final = (250_000, 1_000_000)
LARGE: Final = 10_000_000
"""2.2 GB on the disk, written in some minutes."""
TRIED: Final = 20_000
ROUNDS: Final = 5
FOUND: Final = 20
BEGAN: Final = datetime(2027, 1, 1, tzinfo=UTC)
RATE: Final = 50
"""Events a second, in the time that is made up."""
PARTNER: Final = "bench"
SHAPES: Final = 500
"""Receipts that differ in all of their parts; the rest differ in ids and times."""

Told = Callable[[str], Any]


def steps(rounds: int) -> int:
    return len(SIZES) + rounds + 1


def measure(home: Path, told: Told, rounds: int = ROUNDS) -> list[Figure]:
    """`told` after each step. Raises Failed where an event is not found."""
    return asyncio.run(_measured(home, told, rounds))


def measure_large(home: Path, told: Told) -> list[Figure]:
    """One event found among ten million: a step, and minutes. Raises Failed where it is not found."""

    async def measured() -> list[Figure]:
        past = Past(home)
        await past.fill(LARGE)
        figures = await past.searched()
        await past.close()
        return figures

    figures = asyncio.run(measured())
    told(f"HUB-8, {LARGE:,} events")
    return figures


async def _measured(home: Path, told: Told, rounds: int) -> list[Figure]:
    figures: list[Figure] = []
    for size in SIZES:
        past = Past(home / str(size))
        await past.fill(size)
        told(f"HUB-8, {size:,} events")
        figures += await past.searched()
        if size == SIZES[-1]:
            figures += await past.tried(told, rounds)
        await past.close()
    return figures


class Past:
    """An archive of one writer, on a disk."""

    def __init__(self, home: Path) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self._root = home / "archive"
        self._store = open_store("archive", home)
        self._segments = Repository(self._store.collection(SEGMENTS), Segment, key=lambda each: each.id)
        self._threads = Threads()
        place = Folder(self._root)
        self._reading = Reading(place, lambda: [FOREVER], self._segments, read_line, self._threads, SystemClock())
        self._finding = Finding(self._reading, self._reading, self._segments)
        self._size = 0

    async def fill(self, size: int) -> None:
        """So many events, in segments of 64 MiB, each listed."""
        await self._store.open()
        self._size = size
        folder = self._root / "writer-1"
        folder.mkdir(parents=True)
        lines, previous, number = _lines(size), "", 0
        while page := list(islice(lines, PAGE)):
            number += 1
            segment = OpenSegment(folder, f"writer-1.{number:08}")
            while page:
                segment.append(page)
                page = list(islice(lines, PAGE)) if segment.size < LARGEST else []
            closed = await asyncio.to_thread(segment.close, previous)
            previous = closed.sha256
            await self._segments.save(Segment.of(closed, FOREVER, SystemClock().now()), version=0)

    async def searched(self) -> list[Figure]:
        """Milliseconds, by partner and id alone: all segments are looked at; and by the hub's name, as a trace does."""
        chance = random.Random(self._size)
        by_id, by_name = [], []
        for number in (chance.randrange(self._size) for _ in range(FOUND)):
            began = time.perf_counter()
            found = await self._finding.find(Wanted(partner=PARTNER, event_id=f"e{number}"), 1)
            by_id.append((time.perf_counter() - began) * 1000)
            if [each.id for each in found.lines] != [_hubid(number)]:
                raise Failed(f"the event e{number} is not found among {self._size}")
            began = time.perf_counter()
            if not await self._finding.has(_hubid(number)):
                raise Failed(f"the event {_hubid(number)} is not found among {self._size}")
            by_name.append((time.perf_counter() - began) * 1000)
        listed = await self._reading.listed(Span())
        return [
            Figure(f"hub_8_find_ms_in_{self._size}", median(by_id), "ms", target="at most 1,000 in 10 million"),
            Figure(f"hub_8_find_by_hubid_ms_in_{self._size}", median(by_name), "ms"),
            Figure(f"hub_8_segments_in_{self._size}", len(listed), ""),
            Figure(f"hub_8_bytes_an_event_in_{self._size}", sum(each.size for each in listed) / self._size, "bytes"),
        ]

    async def tried(self, told: Told, rounds: int) -> list[Figure]:
        """Events a second of CPU, read, and matched by 200 rules and by 200 others."""
        chance = random.Random(7)
        rates = []
        for _ in range(rounds):
            lines = await self._reading.lines(Span(last=least_of(_accepted(TRIED))))
            comparing = Comparing(_bus(chance), _bus(chance), 100)
            began = time.process_time()
            for line in lines:
                comparing.add(line)
            tried = comparing.far.result.events
            rates.append(tried / (time.process_time() - began))
            if tried != TRIED:
                raise Failed(f"of {TRIED} events {tried} were tried")
            told("HUB-7")
        return [Figure("hub_7_events_a_second", median(rates), "events/s", tuple(rates), "at least 10,000 a core")]

    async def close(self) -> None:
        await self._threads.close()
        await self._store.close()


def _bus(chance: random.Random) -> Any:
    rules = [{"name": f"r{n}", "when": a_rule(chance, n % TYPES), "to": ["all"]} for n in range(RULES)]
    terms = BusTerms.model_validate({"partner": PARTNER, "rules": rules, "targets": {"all": {"queue": True}}})
    return compiled("bench", 1, terms)


def _accepted(number: int) -> datetime:
    return BEGAN + timedelta(seconds=number / RATE)


def _hubid(number: int) -> str:
    """As the hub makes them: the time, and then what nobody guesses."""
    return least_of(_accepted(number))[:14] + derived(str(number))[14:]


def _lines(size: int) -> Iterator[Line]:
    chance = random.Random(size)
    shapes = [a_receipt(chance, n % TYPES) | {"id": "ID"} for n in range(SHAPES)]
    texts = [(each["type"], json.dumps(each, separators=(",", ":"))) for each in shapes]
    for number in range(size):
        kind, text = texts[number % SHAPES]
        hubid, name = _hubid(number), f"e{number}"
        event = text.replace('"ID"', f'"{name}"', 1)
        told = f'{{"hubid":"{hubid}","at":"{_accepted(number).isoformat()}","partner":"{PARTNER}","via":"http"'
        yield Line(hubid, f"{PARTNER}:{name}", PARTNER, kind, f'{told},"event":{event}}}'.encode())
