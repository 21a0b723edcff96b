"""The instruments of other tests: the TCP fault proxy and the virtual hosts, against real sockets and a real node."""

import asyncio
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import aio_pika
import pytest

from tests.faults import FaultProxy
from tests.kit.broker import BATCH, VirtualHosts


@pytest.fixture
async def echo_port() -> AsyncIterator[int]:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1024):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()


@pytest.fixture
async def proxy(echo_port: int) -> AsyncIterator[FaultProxy]:
    async with FaultProxy("127.0.0.1", echo_port) as proxy:
        yield proxy


async def connect(proxy: FaultProxy) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", proxy.port)


async def test_it_passes_bytes_both_ways(proxy: FaultProxy) -> None:
    reader, writer = await connect(proxy)
    writer.write(b"hello")
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
    writer.close()


async def test_a_cut_resets_open_connections(proxy: FaultProxy) -> None:
    reader, writer = await connect(proxy)
    writer.write(b"hello")
    await asyncio.wait_for(reader.readexactly(5), 5)
    proxy.cut()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(reader.read(1), 5)
    writer.close()


async def test_a_hang_holds_bytes_back_until_it_ends(proxy: FaultProxy) -> None:
    reader, writer = await connect(proxy)
    proxy.hang()
    writer.write(b"hello")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(5), 0.3)
    proxy.flow()
    assert await asyncio.wait_for(reader.readexactly(5), 5) == b"hello"
    writer.close()


async def test_a_refusing_proxy_resets_new_connections(proxy: FaultProxy) -> None:
    proxy.refuse = True

    async def use() -> bytes:
        reader, _ = await connect(proxy)  # the kernel may accept before the proxy resets
        return await asyncio.wait_for(reader.read(1), 5)

    with pytest.raises(ConnectionResetError):
        await use()


async def test_latency_is_added_each_way(proxy: FaultProxy) -> None:
    proxy.latency = 0.2
    reader, writer = await connect(proxy)
    begin = time.monotonic()
    writer.write(b"hello")
    await asyncio.wait_for(reader.readexactly(5), 5)
    assert time.monotonic() - begin >= 0.4
    writer.close()


async def test_a_broker_is_used_through_it(vhost_url: str) -> None:
    parts = urlsplit(vhost_url)
    async with FaultProxy("127.0.0.1", parts.port or 0) as proxy:
        url = vhost_url.replace(f":{parts.port}/", f":{proxy.port}/")
        async with await aio_pika.connect(url, timeout=10) as connection:
            channel = await connection.channel()
            await channel.declare_queue("orders")
        assert proxy.accepted == 1


async def test_virtual_hosts_are_empty_and_apart_also_beyond_one_batch(virtual_hosts: VirtualHosts) -> None:
    urls = []
    for _ in range(BATCH + 1):
        url = virtual_hosts.take()
        urls.append(url)
        async with await aio_pika.connect(url, timeout=10) as connection:
            channel = await connection.channel()
            queue = await channel.declare_queue("orders", durable=True)
            assert queue.declaration_result.message_count == 0
            await channel.default_exchange.publish(aio_pika.Message(b"one"), routing_key="orders", mandatory=True)
        virtual_hosts.give_back(url)
    assert len(set(urls)) == len(urls)
