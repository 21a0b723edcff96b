"""Connections that are kept: what goes out goes out once, and what comes in belongs to whoever asked."""

import asyncio
import gzip
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown
from shared.outside import transport
from shared.outside.line import Line, Request, Response
from shared.outside.transport import client
from tests.component.outside.places import TRUSTED, Place, answering, line_to, saying, whole_request
from tests.eventually import eventually
from tests.faults import FaultProxy

POST = Request("POST", "/effect", operation="effect", json={"do": "it"})
OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"Content-Length: 2\r\n\r\n{}"


class Book(Place):
    """Answers so many requests of each connection, reads one more, and hangs up; `read` is all that came."""

    def __init__(self, answers: int, told: bytes = WHOLE) -> None:
        super().__init__(self._note)
        self.read: list[bytes] = []
        self._answers = answers
        self._told = told

    async def _note(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(self._answers):
            self.read.append(await whole_request(reader))
            writer.write(self._told)
            await writer.drain()
        self.read.append(await whole_request(reader))


@asynccontextmanager
async def talking(place: Place, seconds: float = 2.0) -> AsyncIterator[Line]:
    async with place.open(), line_to(place.url, seconds) as line:
        yield line


async def test_requests_one_after_the_other_share_a_connection() -> None:
    place = Place(answering(200))
    async with talking(place) as line:
        for _ in range(5):
            assert await line.send(POST) == Response(200, {})
        assert place.connections == 1


async def test_requests_at_once_do_not_wait_for_each_other() -> None:
    together = asyncio.Barrier(10)

    async def waits_for_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        await together.wait()
        writer.write(WHOLE)
        await writer.drain()

    async with talking(Place(waits_for_all)) as line:
        assert await asyncio.gather(*(line.send(POST) for _ in range(10))) == [Response(200, {})] * 10


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST", "PATCH"])
async def test_a_request_whose_kept_connection_is_hung_up_on_is_unknown_and_was_sent_once(method: str) -> None:
    """Some clients send GET, PUT and DELETE again by themselves. Whether that is harmless is the asker's to say."""
    place = Book(answers=1)
    async with talking(place) as line:
        await line.send(POST)
        with pytest.raises(OutcomeUnknown):
            await line.send(Request(method, "/second", operation="second"))
        assert len(place.read) == 2
        assert place.connections == 1


async def test_what_has_no_effect_is_sent_again_by_the_line_and_once() -> None:
    place = Book(answers=1)
    async with talking(place) as line:
        await line.send(POST)
        assert await line.send(Request("GET", "/second", operation="second", repeatable=True)) == Response(200, {})
        assert [request.split()[1] for request in place.read] == [b"/effect", b"/second", b"/second"]


async def test_nothing_goes_out_over_a_connection_whose_end_the_loop_has_not_told_yet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        async with line_to(f"http://127.0.0.1:{listening.getsockname()[1]}") as line:
            for _ in range(3):
                asking = asyncio.create_task(line.send(POST))
                other_side, _ = await loop.sock_accept(listening)
                await loop.sock_recv(other_side, 65_536)
                await loop.sock_sendall(other_side, WHOLE)
                assert await asking == Response(200, {})
                other_side.close()


async def test_an_answer_that_nobody_asked_for_is_nobodys() -> None:
    told = iter([WHOLE + OK + b'Content-Length: 9\r\n\r\n{"a": -1}', OK + b'Content-Length: 8\r\n\r\n{"a": 2}'])

    async def says_too_much(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await whole_request(reader)
            writer.write(next(told))
            await writer.drain()

    async with talking(Place(says_too_much)) as line:
        assert await line.send(POST) == Response(200, {})
        assert await line.send(POST) == Response(200, {"a": 2})


async def test_what_comes_in_while_nothing_is_asked_ends_the_connection() -> None:
    idle, said = asyncio.Event(), asyncio.Event()

    async def speaks_unasked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(WHOLE)
        await idle.wait()
        writer.write(OK + b'Content-Length: 9\r\n\r\n{"a": -1}')
        await reader.read()
        said.set()

    place = Place(speaks_unasked)
    async with talking(place) as line:
        await line.send(POST)
        idle.set()
        async with asyncio.timeout(5):
            await said.wait()  # the connection was closed
        assert await line.send(POST) == Response(200, {})
        assert place.connections == 2


async def test_a_late_answer_to_a_request_that_was_given_up_is_not_the_next_ones() -> None:
    asked, given_up = asyncio.Event(), asyncio.Event()

    async def first_answers_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if asked.is_set():
            await answering(200, b'{"a": 2}')(reader, writer)
        await whole_request(reader)
        asked.set()
        await given_up.wait()
        writer.write(OK + b'Content-Length: 9\r\n\r\n{"a": -1}')
        await writer.drain()

    async with talking(Place(first_answers_late)) as line:
        first = asyncio.create_task(line.send(POST))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        given_up.set()
        assert await line.send(POST) == Response(200, {"a": 2})


async def test_a_cancelled_request_lets_go_of_its_connection() -> None:
    async with FaultProxy("127.0.0.1", 1) as unused, Place(answering(200)).open() as place:
        unused.target = ("127.0.0.1", place.port)
        async with line_to(f"http://127.0.0.1:{unused.port}") as line:
            unused.hang()
            asking = asyncio.create_task(line.send(POST))
            await eventually(lambda: place.connections == 1, within=5)
            asking.cancel()
            await asyncio.wait((asking,))
            assert asking.cancelled()
            unused.flow()
            assert await line.send(POST) == Response(200, {})
            assert place.connections == 2


@pytest.mark.parametrize(
    "told",
    [b"", b"HTTP/1.1 2", OK + b"Content-Le", OK + b"Content-Length: 2\r\n\r\n{", OK + b"Connection: close\r\n\r\n{}"],
)
async def test_an_answer_whose_line_is_reset_is_unknown(told: bytes) -> None:
    """The last one is whole for all that can be seen; but that its end was its end nobody has said."""
    proxies: list[FaultProxy] = []

    async def says_and_stays(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(told)
        await writer.drain()
        asyncio.get_running_loop().call_later(0.05, proxies[0].cut)
        await asyncio.Event().wait()

    async with Place(says_and_stays).open() as place, FaultProxy("127.0.0.1", place.port) as proxy:
        proxies.append(proxy)
        async with line_to(f"http://127.0.0.1:{proxy.port}") as line:
            with pytest.raises(OutcomeUnknown):
                await line.send(POST)


@pytest.mark.parametrize(
    "told",
    [
        b"HTTP/1.0 200 OK\r\n\r\n{}",
        b"HTTP/1.1 200\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.1 100 Continue\r\n\r\n" + WHOLE,
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + WHOLE,
        OK + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1;x=y\r\n}\r\n0\r\nRetry-After: 5\r\n\r\n",
        OK
        + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
        % (len(gzip.compress(b"{}")), gzip.compress(b"{}")),
    ],
)
async def test_an_answer_in_any_of_http1s_forms_is_one(told: bytes) -> None:
    place = Place(saying(*(told[at : at + 1] for at in range(len(told)))))
    async with talking(place) as line:
        assert await line.send(POST) == Response(200, {})
        assert await line.send(POST) == Response(200, {})
        assert place.connections == 2


@pytest.mark.parametrize(
    "told",
    [
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000,
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        OK + b"Content-Length: -2\r\n\r\n{}",
        OK + b"Transfer-Encoding: gzip\r\n\r\n{}",
        OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        OK + b"Many: words\r\n" * 100_000 + b"Content-Length: 2\r\n\r\n{}",
        OK + b"Long: " + b"word " * 100_000 + b"\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/2.0 200 OK\r\n\r\n",
    ],
)
async def test_nonsense_in_an_answers_frame_is_unknown(told: bytes, caplog: pytest.LogCaptureFixture) -> None:
    async with talking(Place(saying(told))) as line:
        with pytest.raises(OutcomeUnknown):
            await line.send(POST)
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def test_headers_that_never_end_are_given_up_in_time() -> None:
    async def one_header_after_the_other(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(OK)
        while True:
            writer.write(b"X: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with talking(Place(one_header_after_the_other), 0.6) as line, asyncio.timeout(5):
        with pytest.raises(OutcomeUnknown):
            await line.send(POST)


async def test_an_answer_before_the_request_is_all_said_counts_and_ends_the_connection() -> None:
    async def refuses_large_ones(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    place = Place(refuses_large_ones)
    async with talking(place, 20) as line:
        for _ in range(2):
            with pytest.raises(Misconfigured):
                await line.send(Request("POST", "/large", operation="large", json={"do": "x" * 20_000_000}))
        assert place.connections == 2


async def test_the_answer_to_head_has_no_body() -> None:
    place = Place(saying(OK + b"Content-Length: 2\r\n\r\n"))
    async with place.open(), client(place.url, 2.0, TRUSTED) as asking:
        assert (await asking.head("/")).headers["Content-Length"] == "2"


async def test_no_redirect_is_followed() -> None:
    place = Book(answers=1, told=b"HTTP/1.1 307 Elsewhere\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n")
    async with talking(place) as line:
        with pytest.raises(Misconfigured):
            await line.send(POST)
    assert len(place.read) == 1


async def test_cookies_are_not_kept() -> None:
    place = Book(answers=2, told=OK + b"Set-Cookie: a=b; Path=/\r\nContent-Length: 2\r\n\r\n{}")
    async with talking(place) as line:
        await line.send(POST)
        await line.send(POST)
    assert b"a=b" not in place.read[1]


async def test_the_environments_proxies_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with talking(Place(answering(200))) as line:
        assert await line.send(POST) == Response(200, {})


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\0b", " a", "a\r"])
async def test_a_header_that_would_be_two_does_not_go_out(value: str) -> None:
    place = Book(answers=1)
    async with talking(place) as line:
        with pytest.raises(OutcomeUnknown):
            await line.send(Request("POST", "/x", operation="x", headers={"X-Name": value}))
    assert place.read == []


@pytest.mark.parametrize("path", ["/a b", "/a\r\nX-Other: b", "/é"])
async def test_a_path_stays_one_word(path: str) -> None:
    place = Book(answers=1)
    async with talking(place) as line:
        await line.send(Request("GET", path.replace("\r\n", "%0D%0A"), operation="x"))
    request_line = place.read[0].split(b"\r\n")[0]
    assert request_line.count(b" ") == 2
    assert request_line.isascii()


async def test_whoever_finds_every_connection_in_use_has_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "MOST_AT_ONCE", 2)

    async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        await asyncio.Event().wait()

    place = Place(hangs)
    async with talking(place, 20) as patient:
        waiting = [asyncio.create_task(patient.send(POST)) for _ in range(2)]
        await eventually(lambda: place.connections == 2, within=10)
        with pytest.raises(NotSent):
            await Line(patient._client, timedelta(seconds=0.6)).send(POST)
        assert place.connections == 2
        for each in waiting:
            each.cancel()
        await asyncio.wait(waiting)


async def test_an_idle_connection_is_closed_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "IDLE_SECONDS", 0.05)
    ended = asyncio.Event()

    async def answers_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(WHOLE)
        assert await reader.read() == b""
        ended.set()

    async with talking(Place(answers_once)) as line, asyncio.timeout(5):
        await line.send(POST)
        await ended.wait()


async def test_of_a_hosts_addresses_one_that_answers_is_enough() -> None:
    """Most machines know two of this name, and here one listens."""
    async with Place(answering(200)).open() as place, line_to(place.url.replace("127.0.0.1", "localhost")) as line:
        assert await line.send(POST) == Response(200, {})
