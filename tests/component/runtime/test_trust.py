"""Whose certificates are believed: by the broker's, the store's and HTTPS' own settings, and nobody else's."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from services.house import HOUSE
from shared.bus.broker import Bus
from shared.bus.dead_letters import DeadLetters
from shared.bus.retry import RetryPolicy
from shared.kernel.clock import SystemClock
from shared.kernel.ids import Uuid7Ids
from shared.kernel.randomness import SystemRandom
from shared.runtime.addresses import broker_url
from shared.runtime.home import Home
from shared.runtime.host import Host
from shared.runtime.server import bind
from shared.runtime.settings import RuntimeSettings
from shared.runtime.trust import https_context
from shared.store import open_store
from shared.store.documents import CollectionSpec, Unavailable
from tests.component.runtime.conftest import StartProcess
from tests.engines import mongodb
from tests.eventually import eventually
from tests.kit.tls import Authority, behind_tls

SPEC = CollectionSpec("things")


@pytest.fixture
def ours(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "ours", "ours & theirs")  # a path that a URL must write otherwise


@asynccontextmanager
async def amqps(vhost_url: str, authority: Authority) -> AsyncIterator[str]:
    """The virtual host over TLS."""
    port = urlsplit(vhost_url).port or 5672
    async with behind_tls(port, authority.server()) as tls_port:
        yield vhost_url.replace("amqp://", "amqps://").replace(f":{port}/", f":{tls_port}/")


async def test_a_process_serves_over_amqps_by_the_authority_it_is_told(
    start_process: StartProcess, vhost_url: str, ours: Authority
) -> None:
    async with amqps(vhost_url, ours) as url:
        process = start_process("payment", BROKER_URL=url, BROKER_CA_FILE=str(ours.file))
        await eventually(lambda: process.said_ready, within=20)
        stranger = start_process("payment", BROKER_URL=url)
        await eventually(lambda: "no connection to the broker" in stranger.log, within=20)
        assert not stranger.said_ready


async def test_the_command_line_reaches_a_broker_over_amqps(vhost_url: str, ours: Authority, tmp_path: Path) -> None:
    async with amqps(vhost_url, ours) as url:
        believed = broker_url(RuntimeSettings(broker_url=url, broker_ca_file=ours.file), Home(tmp_path))
        bus = Bus(believed, {}, clock=SystemClock(), retry=RetryPolicy(Uuid7Ids(SystemClock()), SystemRandom()))
        await bus.start()
        await bus.close()
        async with DeadLetters(believed, ()) as dead:
            assert dead.services == ()
        with pytest.raises(ConnectionError):
            async with DeadLetters(url, ()):
                pass


async def test_mongodb_is_reached_over_tls_by_the_authority_it_is_told(tmp_path: Path, ours: Authority) -> None:
    with mongodb(tmp_path / "mongo") as plain:
        port = urlsplit(plain).port or 27017
        async with behind_tls(port, ours.server()) as tls_port:
            url = f"mongodb://127.0.0.1:{tls_port}/?directConnection=true"
            believing = open_store("trusting", tmp_path, url, ours.file)
            believing.collection(SPEC)
            await believing.open()
            await believing.ping()
            await believing.close()
            doubting = open_store("trusting", tmp_path, url, Authority(tmp_path / "other").file)
            doubting.collection(SPEC)
            with pytest.raises(Unavailable):
                await doubting.open()


async def test_https_is_believed_by_the_authority_that_is_told_beside_the_public_ones(ours: Authority) -> None:
    told = https_context(ours.file)
    public = https_context(None).cert_store_stats()["x509_ca"]
    assert told.cert_store_stats()["x509_ca"] == public + 1
    assert told.verify_mode is ssl.CERT_REQUIRED
    assert told.check_hostname


@asynccontextmanager
async def website() -> AsyncIterator[int]:
    """Says yes to one request of each connection; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 204 Yes\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.parametrize("told", [True, False])
async def test_what_a_process_asks_over_https_is_believed_where_its_authority_is_told(
    ours: Authority, tmp_path: Path, told: bool
) -> None:
    """Providers, the issuer and other services are all asked by clients that the process gives out."""
    settings = RuntimeSettings(milesaga_home=tmp_path, https_ca_file=ours.file if told else None)
    host = Host(settings, bind("127.0.0.1", 0), "amqp://127.0.0.1:1/", house=HOUSE, here=frozenset())
    async with website() as plain, behind_tls(plain, ours.server()) as port:
        client = host.http(f"https://127.0.0.1:{port}", 20.0)
        if told:
            assert (await client.get("/")).status_code == 204
        else:
            with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
                await client.get("/")
        await client.aclose()
