"""Deployers and those who approve, over a cluster: one gate after another, whatever is restarted meanwhile."""

import asyncio
import random
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from threading import Event, Lock
from typing import Final

from services.cli.client import Api, sandbox_token
from services.cli.release.access import ROOT, SCOPES
from services.cli.release.gate import exits
from shared.ledgerlog.bundles import read, verified
from shared.ledgerlog.notes import VerifierKey
from tests.e2e.gates import Gates, decide

APPROVE: Final = ("sre", "owner")
DEPLOYERS: Final = 2


class Staff:
    """People with tokens of their own, before the cluster's gateway."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._tokens: dict[str, str] = {}
        self._lock = Lock()

    def person(self, name: str, _: random.Random) -> Api:
        with self._lock:
            if name not in self._tokens:
                self._tokens[name] = sandbox_token(self._url, SCOPES, name)
        return Api(self._url, self._tokens[name])

    def log_holds(self) -> int:
        """How many commands it let run. An auditor exports it, and checks it by its key."""
        with self.person("sre", random.Random()) as api:
            key = VerifierKey.read(api.get(f"{ROOT}/log/checkpoint")["key"])
            lines = api.request("GET", f"{ROOT}/log/bundle").content.splitlines(keepends=True)
        bundle = read(lines)
        report = verified(bundle, [key], ())
        assert report.holds, report.faults
        return sum(b'"executing"' in leaf for leaf in bundle.leaves)


@asynccontextmanager
async def releases(staff: Staff) -> AsyncIterator[Gates]:
    """They go on until the block ends; then those who wait are waited for."""
    gates, ended, over = Gates(staff.person), Event(), Event()

    def deploy(first: int) -> None:
        number = first
        while not ended.is_set():
            gates.one(number)
            number += DEPLOYERS

    with ThreadPoolExecutor(DEPLOYERS + len(APPROVE)) as threads:
        deciding = [asyncio.wrap_future(threads.submit(decide, staff.person, name, over)) for name in APPROVE]
        deploying = [asyncio.wrap_future(threads.submit(deploy, number)) for number in range(DEPLOYERS)]
        try:
            yield gates
        finally:
            ended.set()
            try:
                await asyncio.gather(*deploying)
            finally:
                over.set()
            await asyncio.gather(*deciding)


def all_went_well(gates: Gates) -> None:
    """Each ran once or was denied, and nobody was sent away because something was being restarted."""
    assert gates.said == [], gates.codes
    assert set(gates.codes) <= {exits.DENIED, 0}
    assert len(set(gates.ran)) == len(gates.ran) == gates.codes[0]
