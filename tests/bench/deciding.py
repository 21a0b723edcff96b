"""Two hundred people who press at once on twenty requests: how many entries the log takes in a second, and whether any
of their presses is lost or counted twice. What verifies a log is measured beside it, without a service.

One process of releases on the private broker and SQLite. Everybody presses on one of the requests, by HTTP, at the same
moment; ten presses are needed of ten people each. Figures are void where the log says something else than the answers.
"""

import asyncio
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, Final

import httpx

from services.cli.client import sandbox_token
from services.cli.release.access import ROOT, SCOPES
from shared.kernel.digest import digest
from shared.ledgerlog import bundles
from shared.ledgerlog.checkpoints import Checkpoint
from shared.ledgerlog.leaves import NOTHING_BEFORE, Leaf, chain_hash
from shared.ledgerlog.notes import Signer
from shared.ledgerlog.receipts import Proved, Receipt
from shared.ledgerlog.tree import inclusion_ranges, leaf_hash, root_of
from tests.bench.children import Failed
from tests.bench.figures import Figure

PEOPLE: Final = 200
REQUESTS: Final = 20
EACH: Final = PEOPLE // REQUESTS
FEWEST: Final = 50
"""Entries a second."""
ENTRIES: Final = 100_000
MOST_VERIFY: Final = 5.0
MOST_RECEIPT: Final = 0.05
"""Seconds."""
OF_A_REQUEST: Final = 7
"""Entries that a receipt proves: asked, agreed to twice, approved, granted, begun, ended."""
TIMEOUT: Final = httpx.Timeout(60.0)


def files(folder: Path) -> dict[str, str]:
    """Policy and people of a house of two hundred, as the service is told them."""
    folder.mkdir(parents=True, exist_ok=True)
    policy, people = folder / "release-policy.toml", folder / "people.toml"
    policy.write_text(
        'version = 2\n[[rule]]\nname = "bench"\nmatch = {}\n' + f'need = [{{ group = "crowd", count = {EACH} }}]\n'
    )
    persons = [f'[[person]]\nid = "p-{n}"\nsubjects = ["s-{n}"]\ngroups = ["crowd"]\n' for n in range(PEOPLE)]
    people.write_text("version = 2\n" + "".join(persons) + '[[person]]\nid = "asker"\nsubjects = ["asker"]\n')
    return {"RELEASES_POLICY": str(policy), "RELEASES_PEOPLE": str(people)}


def decide(url: str, advance: Callable[[], Any], *, rounds: int) -> list[Figure]:
    """Over a running stack that has `files`. Raises Failed."""
    return asyncio.run(_decide(url, advance, rounds))


async def _decide(url: str, advance: Callable[[], Any], rounds: int) -> list[Figure]:
    names = ["asker", *(f"s-{n}" for n in range(PEOPLE))]
    tokens = {name: await asyncio.to_thread(sandbox_token, url, SCOPES, name) for name in names}
    limits = httpx.Limits(max_connections=PEOPLE, max_keepalive_connections=PEOPLE)
    rates, slowest = list[float](), list[float]()
    async with httpx.AsyncClient(base_url=url, timeout=TIMEOUT, limits=limits, trust_env=False) as http:
        crowd = _Crowd(http, tokens)
        for _ in range(1 + rounds):
            rate, longest = await crowd.round()
            rates.append(rate)
            slowest.append(longest)
            advance()
    return [
        Figure("decide_entries", median(rates[1:]), "1/s", tuple(rates[1:]), f"at least {FEWEST}"),
        Figure("decide_slowest_press", median(slowest[1:]), "ms", tuple(slowest[1:])),
    ]


class _Crowd:
    """Everybody with a token of his own."""

    def __init__(self, http: httpx.AsyncClient, tokens: dict[str, str]) -> None:
        self._http = http
        self._tokens = tokens

    async def round(self) -> tuple[float, float]:
        """Entries a second between the first press and the last answer, and the slowest press in ms; the first round
        opens the connections."""
        asked = [await self._ask(number) for number in range(REQUESTS)]
        before = await self._size()
        begun = time.perf_counter()
        took = await asyncio.gather(*(self._press(n, asked[n % REQUESTS]) for n in range(PEOPLE)))
        seconds = time.perf_counter() - begun
        leaves = await self._leaves(before)
        self._judge(leaves, {each["id"] for each in asked})
        return len(leaves) / seconds, max(took) * 1000

    async def _ask(self, number: int) -> Any:
        payload = {"argv": ["true", str(number)]}
        body = {"action": "bench", "environment": "test", "target": uuid.uuid4().hex, "payload": payload, "reason": "x"}
        answer = await self._send("asker", "POST", "/requests", body, **{"Idempotency-Key": uuid.uuid4().hex})
        found = answer.json()
        if found.get("digest") != digest(payload):
            raise Failed(f"an ask was answered {answer.status_code}: {answer.text[:300]}")
        return found

    async def _press(self, number: int, request: Any) -> float:
        begun = time.perf_counter()
        body = {"decision": "approve", "digest": request["digest"]}
        answer = await self._send(f"s-{number}", "POST", f"/requests/{request['id']}/decisions", body)
        if answer.status_code != httpx.codes.OK:
            raise Failed(f"a press was answered {answer.status_code}: {answer.text[:300]}")
        return time.perf_counter() - begun

    async def _size(self) -> int:
        return int((await self._send("s-0", "GET", "/log?limit=1")).json()["size"])

    async def _leaves(self, first: int) -> list[Leaf]:
        told = (await self._send("s-0", "GET", f"/log?from={first}&limit=256")).json()
        return [Leaf.read(each.encode()) for each in told["leaves"]]

    def _judge(self, leaves: list[Leaf], asked: set[str]) -> None:
        kinds = Counter((each.request, each.kind) for each in leaves)
        pressed = {(each.request, each.actor) for each in leaves if each.kind == "approval"}
        expected = {(id_, "approval"): EACH for id_ in asked} | {(id_, "approved"): 1 for id_ in asked}
        if kinds != Counter(expected) or len(pressed) != PEOPLE:
            raise Failed(f"presses were lost, or counted twice: {kinds}")

    async def _send(self, person: str, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        mine = {"Authorization": f"Bearer {self._tokens[person]}"} | headers
        return await self._http.request(method, f"{ROOT}{path}", json=body, headers=mine)


def verify(advance: Callable[[], Any], *, rounds: int) -> list[Figure]:
    """An auditor's machine: the whole log from its file, and one receipt. Raises Failed."""
    signer = Signer("bench.example/releases", bytes(range(32)))
    leaves = list(_log(ENTRIES))
    hashes = [leaf_hash(each) for each in leaves]
    note = Checkpoint(signer.key.name, ENTRIES, root_of(hashes)).signed(signer)
    content = list(bundles.lines(leaves, [note], ()))
    receipt = _receipt(leaves, hashes, note)
    whole, one = list[float](), list[float]()
    for _ in range(rounds):
        begun = time.perf_counter()
        report = bundles.verified(bundles.read(content), [signer.key])
        whole.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        _, proved = Receipt.read(receipt).verified([signer.key])
        one.append((time.perf_counter() - begun) * 1000)
        if not report.holds or report.vouched != ENTRIES or len(proved) != OF_A_REQUEST:
            raise Failed(f"a whole log does not hold: {report.faults}")
        advance()
    return [
        Figure("verify_log", median(whole), "s", tuple(whole), f"at most {MOST_VERIFY:.0f}"),
        Figure("verify_receipt", median(one), "ms", tuple(one), f"at most {MOST_RECEIPT * 1000:.0f}"),
    ]


def _log(size: int) -> Iterator[bytes]:
    """As releases are: each request is some entries, with digests and people."""
    at, before = datetime(2027, 1, 20, tzinfo=UTC), NOTHING_BEFORE
    kinds = ("requested", "approval", "approval", "approved", "granted", "executing", "outcome")
    for n in range(size):
        facts = {"digest": f"sha256:{n // OF_A_REQUEST:064x}", "target": "checkout", "policy": f"sha256:{7:064x}"}
        request = f"{n // OF_A_REQUEST:032x}"
        written = Leaf(n, at, kinds[n % OF_A_REQUEST], request, f"p-{n % 30}", "http", facts, before).written()
        before, at = chain_hash(written), at + timedelta(seconds=1)
        yield written


def _receipt(leaves: list[bytes], hashes: list[bytes], note: str) -> bytes:
    """Of a request in the middle."""
    first = len(leaves) // 2 // OF_A_REQUEST * OF_A_REQUEST
    proved = tuple(
        Proved(leaves[n], tuple(root_of(hashes[start:end]) for start, end in inclusion_ranges(n, len(leaves))))
        for n in range(first, first + OF_A_REQUEST)
    )
    return json.dumps(Receipt(Leaf.read(leaves[first]).request, note, proved).body()).encode()
