"""Processes of releases are killed at random moments while gates ask, people decide and grants are used: no grant is
used twice, nothing is lost, nothing happens twice, and the log proves it to whoever has its key."""

import asyncio
import json
import random
import secrets
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import aio_pika
import pytest

from services.cli.client import Api
from services.cli.release.gate import exits
from services.releases.domain.happenings import Entry
from services.releases.domain.request import CLOSED
from shared.ledgerlog.bundles import read, verified
from shared.ledgerlog.leaves import Leaf
from tests.e2e.gates import Gates, Person, decide
from tests.e2e.offices import Office, office
from tests.engines import running_mongod
from tests.eventually import eventually

pytestmark = pytest.mark.long

REPLICAS = 2
AT_ONCE = 16
FULL = {"sqlite": (80, 30), "mongodb": (60, 15)}
"""Gates at least, and kills."""
DIES_WITHIN = 0.6
"""Seconds, at most, that a process lives after it is ready."""


@pytest.fixture
def processes(engine: str, tmp_path: Path) -> Iterator[Office]:
    with ExitStack() as opened:
        environment = {}
        if engine == "mongodb":
            environment["MONGODB_URL"] = opened.enter_context(running_mongod(tmp_path / "mongo")).url
        yield opened.enter_context(office(tmp_path / "home", environment, REPLICAS))


def kill(processes: Office, kills: int) -> None:
    """One after the other, at any moment of its life; the other one goes on."""
    seed = secrets.randbelow(1 << 32)
    print(f"seed of the moments: {seed}")  # pytest shows it where the test fails
    chance = random.Random(seed)
    with ThreadPoolExecutor(1) as starter:
        starting = None
        for number in range(kills):
            victim = processes.replicas[number % REPLICAS]
            if starting is not None:
                starting.result()
            time.sleep(chance.uniform(0, DIES_WITHIN))
            victim.kill()
            starting = starter.submit(victim.start)
        assert starting is not None
        starting.result()


@pytest.mark.timeout(1200)
async def test_no_grant_is_used_twice_and_nothing_is_lost_whenever_a_process_dies(
    processes: Office, engine: str
) -> None:
    least, kills = FULL[engine]
    connection = await aio_pika.connect(processes.broker_url)
    channel = await connection.channel()
    heard = await channel.declare_queue("heard", durable=True, arguments={"x-queue-type": "quorum"})
    await heard.bind("events", "releases.#")

    def person(name: str, chance: random.Random) -> Api:
        return processes.person(name, chance.randrange(REPLICAS))

    gates = Gates(person)
    await run(processes, person, gates, least, kills)
    assert gates.said == [], gates.codes
    assert gates.codes.total() >= least
    assert gates.codes[exits.DENIED] > 0

    entries = proved(processes)
    judge(entries, gates)
    await all_heard(heard, entries)
    await connection.close()


async def run(processes: Office, person: Person, gates: Gates, least: int, kills: int) -> None:
    over, number = Event(), 0
    with ThreadPoolExecutor(AT_ONCE + 4) as threads:
        deciding = [threads.submit(decide, person, name, over) for name in ("sre", "owner")]
        killing = threads.submit(kill, processes, kills)
        try:
            while number < least or not killing.done():
                several = [asyncio.wrap_future(threads.submit(gates.one, number + each)) for each in range(AT_ONCE)]
                await asyncio.gather(*several)
                number += AT_ONCE
        finally:
            over.set()
        killing.result()
        for each in deciding:
            each.result()


def proved(processes: Office) -> list[Entry]:
    """The log as an auditor reads it: whole by its own checkpoints, and by those that were kept elsewhere."""
    lines, key = processes.bundle()
    bundle = read(lines)
    notes = [each.read_text() for each in sorted(processes.anchors.glob("checkpoint-*.note"))]
    assert notes
    report = verified(bundle, [key], notes)
    assert report.holds, report.faults
    assert report.vouched == report.size
    return [Entry.of(Leaf.read(each)) for each in bundle.leaves]


def judge(entries: Sequence[Entry], gates: Gates) -> None:
    """Each request went its way once; what ran is what the log lets run."""
    by_request: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.request:
            by_request[entry.request].append(entry)
    assert len(by_request) == gates.codes.total(), "no ask was lost, and none made twice"
    used = [entry.facts["jti"] for entry in entries if entry.kind == "executing"]
    assert len(set(used)) == len(used), "a grant was used twice"
    executions = [entry.facts["execution"] for entry in entries if entry.kind == "executing"]
    assert sorted(executions) == sorted(gates.ran), "what ran and what the log let run are the same, once each"
    ended = {entry.facts["execution"] for entry in entries if entry.kind == "outcome"}
    assert set(executions) - ended <= gates.untold, "an end that was taken is on record"
    for own in by_request.values():
        went_its_way(own)


def went_its_way(own: Sequence[Entry]) -> None:
    kinds = Counter(entry.kind for entry in own)
    assert own[0].kind == "requested"
    for once in ("requested", "approved", "executing", "outcome", *CLOSED):
        assert kinds[once] <= 1, f"{once} twice"
    people = [entry.actor for entry in own if entry.kind == "approval"]
    assert len(set(people)) == len(people)
    assert own[0].actor not in people
    order = [entry.kind for entry in own]
    if kinds["executing"]:
        here = order.index("executing")
        assert set(people) == {"p-sre", "p-owner"}
        assert order.index("approved") < order.index("granted") < here
        newest = [entry for entry in own[:here] if entry.kind == "granted"][-1]
        assert newest.facts["jti"] == own[here].facts["jti"]
        assert set(order[here + 1 :]) <= {"outcome"}, "nothing but its end after it began"
    else:
        assert kinds["denied"] == 1
        assert not kinds["outcome"]


async def all_heard(heard: aio_pika.abc.AbstractQueue, entries: Sequence[Entry]) -> None:
    """Each transition that others are told of was told of, whoever died after it."""
    told = {"requested": "requested", "approved": "approved", "denied": "denied", "granted": "granted"}
    wanted = {(entry.request, f"releases.{told[entry.kind]}.v1") for entry in entries if entry.kind in told}
    found: set[tuple[str, str]] = set()

    async def all_there() -> bool:
        while (message := await heard.get(fail=False)) is not None:
            await message.ack()
            body = json.loads(message.body)
            found.add((body.get("request_id", ""), str(message.routing_key)))
        assert wanted <= found, f"{len(wanted - found)} of {len(wanted)} are not there"
        return True

    await eventually(all_there, 90.0)
