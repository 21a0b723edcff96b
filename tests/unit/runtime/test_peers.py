"""What the process at the public port knows of the others."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI, Response

from shared.runtime.peers import Peers
from shared.runtime.server import HttpServer, bind
from tests.kit.lines import Lines

PAGE = b"# HELP things Things.\n# TYPE things gauge\nthings %d.0\n"


class Other:
    """Another process, as far as it is asked."""

    def __init__(self) -> None:
        self.status = 200
        self.app = FastAPI()
        self.app.get("/readyz")(self.readyz)
        self.app.get("/metrics")(self.metrics)

    async def readyz(self) -> Response:
        return Response(status_code=self.status)

    async def metrics(self) -> Response:
        return Response(PAGE % 2, status_code=self.status)


@pytest.fixture
def other() -> Other:
    return Other()


@pytest.fixture
async def peers(other: Other) -> AsyncIterator[Peers]:
    listener = bind("127.0.0.1", 0)
    server = HttpServer(other.app, listener)
    await server.start()
    known = Peers("1", {"2": listener.url})
    yield known
    await known.close()
    await server.stop(1)


async def test_the_figures_of_all_are_one_page(peers: Peers) -> None:
    told = (await peers.figures(PAGE % 1)).decode().splitlines()
    assert told[2:] == ['things{process="1"} 1.0', 'things{process="2"} 2.0']


async def test_whoever_tells_no_figures_leaves_those_of_the_others(peers: Peers, other: Other, lines: Lines) -> None:
    other.status = 503
    told = (await peers.figures(PAGE % 1)).decode()
    assert 'things{process="1"} 1.0' in told
    assert 'process="2"' not in told
    assert len(lines.of("a process tells no figures")) == 1


async def test_a_process_that_takes_no_new_work_is_known_by_its_number(peers: Peers, other: Other) -> None:
    (check,) = [check for name, check in peers.checks().items() if name == "process 2"]
    await check()
    other.status = 503
    with pytest.raises(Exception, match="503"):
        await check()


async def test_a_process_by_itself_tells_its_own_page_as_it_is_and_waits_for_nobody() -> None:
    alone = Peers()
    assert await alone.figures(PAGE % 1) == PAGE % 1
    assert alone.checks() == {}
    async with asyncio.timeout(1):
        await alone.gone()
