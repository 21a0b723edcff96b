"""What came of a request: certainly nothing, certainly this, or nobody knows."""

import asyncio
import gzip
import json
from datetime import timedelta
from decimal import Decimal

import httpx
import pytest

from shared.kernel.errors import Misconfigured, NotSent, OutcomeUnknown
from shared.outside.connection import MOST_BYTES
from shared.outside.line import Line, Request, Response
from tests.component.outside.places import Place, Streams, answering, line_to, saying, whole_request

POST = Request("POST", "/effect", operation="effect", json={"do": "it"})
BIG = Request("POST", "/effect", operation="effect", json={"do": "x" * 40_000_000})


async def hangs(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    await whole_request(reader)
    await asyncio.Event().wait()


async def reads_nothing(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def resets_at_once(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def resets_after_reading(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole_request(reader)
    writer.transport.abort()


async def drips(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A byte now and then: never silent for long, never done."""
    await whole_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _ in range(1000):
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def not_tls(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def test_an_answer_is_a_json_object_with_exact_decimals() -> None:
    async with Place(answering(200, b'{"total": 2964.53, "n": 1}')).open() as place, line_to(place.url) as line:
        assert await line.send(POST) == Response(200, {"total": Decimal("2964.53"), "n": 1})


async def test_a_refused_connection_is_certainly_without_effect() -> None:
    async with Place(hangs).open() as place:
        url = place.url
    async with line_to(url) as line:
        with pytest.raises(NotSent):
            await line.send(POST)


async def test_a_name_that_nobody_knows_is_certainly_without_effect() -> None:
    async with line_to("http://nowhere.invalid") as line:
        with pytest.raises(NotSent):
            await line.send(POST)


async def test_a_handshake_that_fails_is_certainly_without_effect() -> None:
    async with Place(not_tls).open() as place, line_to(place.url.replace("http:", "https:")) as line:
        with pytest.raises(NotSent):
            await line.send(POST)


async def test_a_handshake_that_hangs_is_certainly_without_effect() -> None:
    async with Place(reads_nothing).open() as place, line_to(place.url.replace("http:", "https:"), 0.6) as line:
        with pytest.raises(NotSent):
            await line.send(POST)


@pytest.mark.parametrize(
    "does", [resets_at_once, resets_after_reading, hangs, drips], ids=lambda does: str(does.__name__)
)
async def test_a_request_that_was_begun_and_not_answered_may_have_had_its_effect(does: Streams) -> None:
    async with Place(does).open() as place, line_to(place.url, 0.6) as line:
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown):
                await line.send(POST)


async def test_silence_in_the_middle_of_writing_is_unknown() -> None:
    async with Place(reads_nothing).open() as place, line_to(place.url, 0.6) as line:
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown):
                await line.send(BIG)


OK = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "told",
    [
        OK + b"Content-Length: 100\r\n\r\n{",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\n{",
        OK + b"Content-Length: 2\r\nContent-Encoding: gzip\r\n\r\n{}",
        b"HTTP/1.1 2",
        b"SSH-2.0-OpenSSH_9.2\r\n",
    ],
)
async def test_a_truncated_or_garbled_answer_is_unknown(told: bytes) -> None:
    async with Place(saying(told)).open() as place, line_to(place.url) as line:
        with pytest.raises(OutcomeUnknown):
            await line.send(POST)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"null", b'"x"', b'{"n": NaN}', b"{", b"\xff\xfe{}", b"[" * 200_000, b"1" * 5000]
)
async def test_nonsense_in_place_of_an_answer_is_unknown(body: bytes) -> None:
    async with Place(answering(200, body)).open() as place, line_to(place.url) as line:
        with pytest.raises(OutcomeUnknown):
            await line.send(POST)


async def test_an_answer_too_large_to_be_one_is_given_up() -> None:
    bomb = gzip.compress(json.dumps({"x": "0" * (MOST_BYTES + 1)}).encode())
    place = Place(answering(200, bomb, "Content-Encoding: gzip"))
    async with place.open(), line_to(place.url, 10) as line:
        with pytest.raises(OutcomeUnknown):
            await line.send(POST)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, Misconfigured),
        (302, OutcomeUnknown),
        (303, OutcomeUnknown),
        (307, Misconfigured),
        (308, Misconfigured),
        (400, Misconfigured),
        (401, NotSent),
        (403, Misconfigured),
        (404, Misconfigured),
        (408, OutcomeUnknown),
        (409, OutcomeUnknown),
        (425, NotSent),
        (429, NotSent),
        (500, OutcomeUnknown),
        (502, OutcomeUnknown),
        (503, OutcomeUnknown),
        (599, OutcomeUnknown),
    ],
)
async def test_each_status_says_what_is_certain(status: int, expected: type[Exception]) -> None:
    async with Place(answering(status, b"{}", "Location: /elsewhere")).open() as place, line_to(place.url) as line:
        with pytest.raises(expected) as caught:
            await line.send(POST)
    assert isinstance(caught.value, expected)


@pytest.mark.parametrize(
    ("told", "pause"),
    [
        ("7", timedelta(seconds=7)),
        ("9999", timedelta(minutes=15)),
        ("99999999999", None),
        ("-1", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
async def test_a_pause_asked_for_is_passed_on_within_reason(told: str, pause: timedelta | None) -> None:
    async with Place(answering(429, b"{}", f"Retry-After: {told}")).open() as place, line_to(place.url) as line:
        with pytest.raises(NotSent) as caught:
            await line.send(POST)
    assert caught.value.again_in == pause


async def test_an_explained_error_is_an_answer_even_when_its_body_says_nothing() -> None:
    async with Place(answering(400, b'{"errors": [1]}')).open() as place, line_to(place.url) as line:
        assert await line.adapted(explained=frozenset({400})).send(POST) == Response(400, {"errors": [1]})
        place.does = answering(400, b"<html>")
    async with place.open(), line_to(place.url) as line:
        assert await line.adapted(explained=frozenset({400})).send(POST) == Response(400, {})


async def test_only_what_has_no_effect_is_sent_again_over_a_line_that_broke() -> None:
    place = Place(resets_after_reading)
    async with place.open(), line_to(place.url) as line:
        with pytest.raises(OutcomeUnknown):
            await line.send(POST)
        assert place.connections == 1
        with pytest.raises(OutcomeUnknown):
            await line.send(Request("GET", "/reading", operation="read", repeatable=True))
        assert place.connections == 3


async def test_a_request_over_an_idle_connection_that_was_closed_goes_over_a_new_one() -> None:
    async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await whole_request(reader)
        writer.write(OK + b"Content-Length: 2\r\n\r\n{}")
        await writer.drain()

    place = Place(one_answer)
    async with place.open(), line_to(place.url) as line:
        for _ in range(3):
            assert await line.send(Request("GET", "/reading", operation="read", repeatable=True)) == Response(200, {})


class Proof:
    """Credentials that count."""

    def __init__(self) -> None:
        self.number = 1

    async def current(self) -> str:
        return f"Bearer {self.number}"

    def drop(self, value: str) -> None:
        assert value == f"Bearer {self.number}"
        self.number += 1


@pytest.mark.parametrize("accepted", [2, 3])
async def test_a_proof_that_is_not_accepted_is_renewed_once(accepted: int) -> None:
    asked: list[str] = []

    async def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["Authorization"])
        return httpx.Response(200 if asked[-1] == f"Bearer {accepted}" else 401, json={})

    async with httpx.AsyncClient(base_url="http://x.test", transport=httpx.MockTransport(handle)) as client:
        line = Line(client, timedelta(seconds=1)).adapted(credentials=Proof())
        if accepted == 2:
            assert await line.send(POST) == Response(200, {})
        else:
            with pytest.raises(NotSent):
                await line.send(POST)
    assert asked == ["Bearer 1", "Bearer 2"]


def test_what_is_asked_and_answered_stays_out_of_texts() -> None:
    request = Request(
        "POST", "/x", operation="x", form={"card": "4242"}, headers={"Authorization": "Bearer s"}, query={"q": "ana"}
    )
    assert "4242" not in repr(request)
    assert "Bearer" not in repr(request)
    assert "ana" not in repr(request)
    assert "secret" not in repr(Response(200, {"a": "secret"}))
