"""Whoever names an address decides nothing: a request goes only where it may, and nowhere else from there."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.outside.connection import Connection
from shared.outside.lookups import PART
from shared.outside.strangers import NOT_ALLOWED, NoAnswer, Strangers
from tests.eventually import eventually

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Place:
    """Listens on this machine, and counts who came."""

    def __init__(self, answer: bytes = OK) -> None:
        self.answer = answer
        self.connections = 0
        self.requests = 0
        self.port = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Place"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            yield self

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                writer.write(self.answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def names(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """What each look-up of a name gives, one after the other, the last again and again; the names that were asked."""
    asked: list[str] = []

    def looked_up(host: str, port: int, **_: Any) -> list[Any]:
        found = answers[min(len(asked), len(answers) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr("shared.outside.lookups.getaddrinfo", looked_up)
    return asked


@pytest.fixture
async def strangers() -> AsyncIterator[Strangers]:
    """This machine stands for the internet, but for one of its addresses."""
    made = Strangers(ssl.create_default_context(), lambda address: address == "127.0.0.1")
    yield made
    await made.close()


async def post(
    strangers: Strangers, port: int, host: str = "partner.example", seconds: float = 10.0, whose: str = "coles"
) -> Any:
    return await strangers.send("POST", f"http://{host}:{port}/hook", {}, b"{}", seconds=seconds, whose=whose)


@pytest.mark.parametrize("private", ["10.0.0.1", "127.0.0.2", "169.254.169.254", "::1"])
async def test_a_name_that_stands_for_a_private_address_is_not_connected_to(
    private: str, strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Place().listening() as place:
        names(monkeypatch, [private])
        with pytest.raises(NoAnswer) as silence:
            await post(strangers, place.port)
        assert (silence.value.word, place.connections) == (NOT_ALLOWED, 0)


async def test_of_several_addresses_only_those_are_tried_that_are_allowed(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with Place().listening() as place:
        names(monkeypatch, ["127.0.0.2", "127.0.0.1"])
        assert (await post(strangers, place.port)).status == 200
        assert place.connections == 1


async def test_a_name_is_looked_up_once_for_a_connection_and_judged_anew_for_the_next(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    closing = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    async with Place(closing).listening() as place:
        asked = names(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
        assert (await post(strangers, place.port)).status == 200
        assert asked == ["partner.example"]
        with pytest.raises(NoAnswer) as silence:
            await post(strangers, place.port)
        assert (silence.value.word, place.connections) == (NOT_ALLOWED, 1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(status: int, strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Place().listening() as inside:
        answer = f"HTTP/1.1 {status} X\r\nLocation: http://127.0.0.1:{inside.port}/\r\nContent-Length: 0\r\n\r\n"
        async with Place(answer.encode()).listening() as place:
            names(monkeypatch, ["127.0.0.1"])
            assert (await post(strangers, place.port)).status == status
            assert (place.requests, inside.connections) == (1, 0)


async def test_no_proxy_of_the_environment_is_asked(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Place().listening() as proxy, Place().listening() as place:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        names(monkeypatch, ["127.0.0.1"])
        assert (await post(strangers, place.port)).status == 200
        assert (proxy.connections, place.requests) == (0, 1)


async def test_a_body_without_end_is_not_waited_for(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 20_000
    async with Place(endless).listening() as place:
        names(monkeypatch, ["127.0.0.1"])
        assert (await post(strangers, place.port)).status == 200
        assert (await post(strangers, place.port)).status == 200
        assert place.connections == 2


async def test_silence_lasts_no_longer_than_it_may(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    async with Place(b"").listening() as place:
        names(monkeypatch, ["127.0.0.1"])
        with pytest.raises(NoAnswer) as silence:
            await post(strangers, place.port, seconds=0.05)
        assert silence.value.word == "timeout"


async def test_names_that_nobody_answers_for_hold_up_no_other_name(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many as one party may have asked for; each is asked for by one look-up, however many wait."""
    silent, asked = threading.Event(), list[str]()

    def looked_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if host.startswith("silent"):
            silent.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("shared.outside.lookups.getaddrinfo", looked_up)
    async with Place().listening() as place:
        hosts = [f"silent{number}.example" for number in range(PART)]
        waiting = [asyncio.create_task(post(strangers, place.port, host, 60)) for host in hosts * 3]
        await eventually(lambda: len(asked) == len(hosts))
        more = asyncio.create_task(post(strangers, place.port, "silent_too.example", 60))
        assert (await post(strangers, place.port, "partner.example", 60, "aldi")).status == 200
        assert "silent_too.example" not in asked, "a party has a part of all look-ups"
        waiting[0].cancel()  # who is tired of waiting leaves the others theirs
        silent.set()
        answers = await asyncio.gather(*waiting[1:], more)
        assert {answer.status for answer in answers} == {200}
        assert sorted(asked) == sorted([*hosts, "partner.example", "silent_too.example"])


async def test_endpoints_of_one_party_that_hang_leave_places_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """And what waits for a place of its own party is not taken for an endpoint that keeps silent."""
    monkeypatch.setattr("shared.outside.strangers.AT_ONCE", 4)
    monkeypatch.setattr("shared.outside.strangers.PART", 3)
    names(monkeypatch, ["127.0.0.1"])
    strangers = Strangers(ssl.create_default_context(), lambda _: True)
    async with Place(b"").listening() as hanging, Place().listening() as place:
        waiting = [asyncio.create_task(post(strangers, hanging.port, seconds=60)) for _ in range(5)]
        behind = asyncio.create_task(post(strangers, place.port, seconds=1))
        await eventually(lambda: hanging.requests >= 3)
        assert (await post(strangers, place.port, seconds=1, whose="aldi")).status == 200
        assert (hanging.requests, place.requests) == (3, 1)
        for each in waiting:
            each.cancel()
        assert (await behind).status == 200
    await strangers.close()


async def test_a_name_that_failed_is_looked_up_anew(strangers: Strangers, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def looked_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if len(asked) == 1:
            raise socket.gaierror(socket.EAI_AGAIN, "not now")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr("shared.outside.lookups.getaddrinfo", looked_up)
    async with Place().listening() as place:
        with pytest.raises(NoAnswer) as silence:
            await post(strangers, place.port)
        assert silence.value.word == "dns"
        assert (await post(strangers, place.port)).status == 200


async def test_nothing_waits_for_long_behind_others_of_its_party(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.outside.strangers.PART", 1)
    monkeypatch.setattr("shared.outside.strangers.LONGEST_TURN", 0.05)
    names(monkeypatch, ["127.0.0.1"])
    strangers = Strangers(ssl.create_default_context(), lambda _: True)
    async with Place(b"").listening() as hanging:
        waiting = asyncio.create_task(post(strangers, hanging.port, seconds=60))
        await eventually(lambda: hanging.requests == 1)
        with pytest.raises(NoAnswer) as silence:
            await post(strangers, hanging.port, seconds=60)
        assert (silence.value.word, hanging.requests) == ("crowded", 1)
        waiting.cancel()
    await strangers.close()


async def test_hosts_that_nobody_speaks_to_any_more_are_forgotten(
    strangers: Strangers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.outside.transport.MOST_ORIGINS", 3)
    monkeypatch.setattr("shared.outside.transport.IDLE_SECONDS", 0.0)
    names(monkeypatch, ["127.0.0.1"])
    async with Place().listening() as place:
        for number in range(12):
            assert (await post(strangers, place.port, f"shop{number}.example")).status == 200
            await eventually(lambda: not any(each.is_open for each in kept(strangers)))
        assert len(kept(strangers)) <= 3


def kept(strangers: Strangers) -> list[Connection]:
    return [connection for idle in strangers._transport._idle.values() for connection in idle]
