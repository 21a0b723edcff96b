"""Whatever a client puts into a request is answered as its own mistake, or as what it means: never by a 500."""

import asyncio
import base64
import gzip
import json
from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Query, Request, Response
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import StreamingResponse
from pydantic import StrictInt
from starlette.types import Message, Receive, Scope, Send

from shared.kernel.errors import Later
from shared.web import problems
from shared.web.answers import answer
from shared.web.bodies import Body, Day, Moment, Shown, WholeNumber
from shared.web.limits import BodyLimits
from shared.web.pages import decode_cursor, encode_cursor
from shared.web.parameters import known_parameters_only
from shared.web.reading import Reading


class Wish(Body):
    at: Moment | None = None
    day: Day | None = None
    count: StrictInt = 0


class Thing(Shown):
    name: str


class Asked(Body):
    on: Day
    number: WholeNumber = 1


def an_app() -> FastAPI:
    app = FastAPI()
    problems.install(app)
    app.add_middleware(BodyLimits)
    app.add_middleware(GZipMiddleware, minimum_size=400)
    app.add_middleware(Reading)
    api = APIRouter(dependencies=[Depends(known_parameters_only)])

    @api.get("/things", response_model=None)
    async def things(cursor: str | None = None, limit: Annotated[WholeNumber, Query(ge=1, le=500)] = 50) -> Response:
        decode_cursor(cursor, (str, int))
        return answer(Thing(name="x" * limit), revision=3)

    @api.post("/things")
    async def make(body: Wish) -> int:
        return body.count

    @api.delete("/things")
    async def forget() -> None: ...

    @api.get("/search")
    async def search(asked: Annotated[Asked, Query()]) -> date:
        return asked.on

    @api.get("/busy")
    async def busy() -> None:
        raise Later("others are faster")

    @api.get("/endless", response_model=None)
    async def endless() -> StreamingResponse:
        async def events() -> AsyncIterator[bytes]:
            while True:
                yield b": waiting\n\n"
                await asyncio.sleep(0.01)

        return StreamingResponse(events(), media_type="text/event-stream")

    app.include_router(api)
    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(an_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def _a_cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%2B10", "limit"),
        ("limit=%2010", "limit"),
        ("limit=10.0", "limit"),
        ("limit=1e2", "limit"),
        ("limit=%D9%A3", "limit"),
        ("limit=%C2%B2", "limit"),
        ("limit=true", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=", "limit"),
        ("limit=1&limit=2", "limit"),
        ("color=red", "color"),
        ("Limit=3", "Limit"),
        ("cursor=%FF%FE", "cursor"),
        ("cursor=" + _a_cursor('["\\ud800",1]'), "cursor"),
        ("cursor=" + _a_cursor(f'["a",{2**63}]'), "cursor"),
        ("cursor=" + _a_cursor(f'["a",{-(2**63) - 1}]'), "cursor"),
        ("cursor=" + _a_cursor('["a",true]'), "cursor"),
        ("cursor=" + _a_cursor('["a", 1]'), "cursor"),
        ("cursor=" + encode_cursor(("a", 1)) + "!", "cursor"),
        ("cursor=" + encode_cursor(("a", 1)) + "==", "cursor"),
    ],
)
async def test_a_wrong_or_unknown_parameter_is_named(client: httpx.AsyncClient, query: str, parameter: str) -> None:
    answered = await client.get(f"/things?{query}")
    assert answered.status_code == 422, answered.text
    assert [fault["parameter"] for fault in answered.json()["errors"]] == [parameter]


@pytest.mark.parametrize(
    "day",
    [
        "1800000000",
        "20270120",
        "2027-W03-3",
        "2027-01-20T00:00:00",
        "2027-1-20",
        "%D9%A2027-01-20",
        "0000-01-01",
        "2027-02-30",
    ],
)
async def test_only_a_day_is_taken_for_a_day(client: httpx.AsyncClient, day: str) -> None:
    answered = await client.get(f"/search?on={day}")
    assert answered.status_code == 422
    assert [fault["parameter"] for fault in answered.json()["errors"]] == ["on"]
    assert (await client.get("/search?on=2027-01-20")).json() == "2027-01-20"
    unknown = await client.get("/search?on=2027-01-20&off=1")
    assert [fault["parameter"] for fault in unknown.json()["errors"]] == ["off"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"at": 1800000000}', "/at"),
        ('{"at": "1800000000"}', "/at"),
        ('{"at": "2027-01-20"}', "/at"),
        ('{"at": "2027-01-20T10:00:00"}', "/at"),
        ('{"at": "9999-12-31T23:59:59Z"}', "/at"),
        ('{"at": "9999-12-31T23:59:59-14:00"}', "/at"),
        ('{"at": "0001-01-01T00:00:00+14:00"}', "/at"),
        ('{"at": true}', "/at"),
        ('{"day": 20000}', "/day"),
        ('{"day": "2027-01-20T00:00:00Z"}', "/day"),
        ('{"day": "20270120"}', "/day"),
        ('{"day": false}', "/day"),
        ('{"count": true}', "/count"),
        ('{"count": "1"}', "/count"),
        ('{"count": 1.0}', "/count"),
        ('{"count": NaN}', "/count"),
    ],
)
async def test_what_is_no_time_and_no_number_is_not_taken_for_one(
    client: httpx.AsyncClient, body: str, pointer: str
) -> None:
    answered = await client.post("/things", content=body, headers={"Content-Type": "application/json"})
    assert answered.status_code == 422, answered.text
    assert [fault["pointer"] for fault in answered.json()["errors"]] == [pointer]


async def test_a_field_named_by_half_a_character_is_unknown_and_breaks_nothing(client: httpx.AsyncClient) -> None:
    answered = await client.post("/things", content='{"\\ud800": 1}', headers={"Content-Type": "application/json"})
    assert answered.status_code == 422
    assert len(answered.json()["errors"]) == 1


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 200),
        ("application/json;charset=utf-8", 200),
        ('Application/JSON; Charset="UTF-8"', 200),
        ("application/json; profile=x", 200),
        ("application/json; charset=utf-8; version=1", 200),
        ("application/json;", 200),
        ("application/json; charset=latin-1", 415),
        ("application/json; version=1; charset=utf-16", 415),
        ("application/jsonp", 415),
        ("text/plain", 415),
        ("", 415),
    ],
)
async def test_parameters_that_change_nothing_are_accepted(
    client: httpx.AsyncClient, media_type: str, status: int
) -> None:
    answered = await client.post("/things", content="{}", headers={"Content-Type": media_type})
    assert answered.status_code == status


async def test_a_packed_body_is_refused_by_its_coding(client: httpx.AsyncClient) -> None:
    packed = gzip.compress(b"{}")
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answered = await client.post("/things", content=packed, headers=headers)
    assert (answered.status_code, answered.json()["code"]) == (415, "unsupported_content_encoding")
    assert answered.headers["Accept-Encoding"] == "identity"


async def test_head_answers_as_get_without_a_body(client: httpx.AsyncClient) -> None:
    read, head = await client.get("/things"), await client.head("/things")
    assert (head.status_code, head.content) == (200, b"")
    assert {name: head.headers[name] for name in ("etag", "content-length")} == {
        "etag": '"3"',
        "content-length": str(len(read.content)),
    }
    assert (await client.head("/things?limit=0")).status_code == 422
    assert (await client.head("/nowhere")).status_code == 404


async def test_head_of_a_stream_ends(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(5):
        head = await client.head("/endless")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "OPTIONS", "BREW"])
async def test_allow_names_every_method_of_the_resource(client: httpx.AsyncClient, method: str) -> None:
    answered = await client.request(method, "/things")
    assert answered.status_code == 405
    assert answered.headers["Allow"] == "DELETE, GET, HEAD, POST"


@pytest.mark.parametrize("tags", ['"3"', 'W/"3"', '"1", "3"', "*"])
async def test_what_the_client_has_already_is_not_sent_again(client: httpx.AsyncClient, tags: str) -> None:
    answered = await client.get("/things", headers={"If-None-Match": tags})
    assert (answered.status_code, answered.content, answered.headers["ETag"]) == (304, b"", '"3"')
    assert "content-length" not in answered.headers
    assert (await client.head("/things", headers={"If-None-Match": tags})).status_code == 304


@pytest.mark.parametrize("tags", ['"2"', '"33"', 'W/"2"'])
async def test_what_changed_is_sent(client: httpx.AsyncClient, tags: str) -> None:
    assert (await client.get("/things", headers={"If-None-Match": tags})).status_code == 200


@pytest.mark.parametrize("tags", ["3", '"3', "", "*, *", '"3" "4"'])
async def test_a_malformed_if_none_match_is_named(client: httpx.AsyncClient, tags: str) -> None:
    answered = await client.get("/things", headers={"If-None-Match": tags})
    assert answered.status_code == 400
    assert [fault["header"] for fault in answered.json()["errors"]] == ["If-None-Match"]


async def test_a_long_answer_is_packed_for_who_takes_it_so(client: httpx.AsyncClient) -> None:
    packed = await client.get("/things?limit=500", headers={"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert json.loads(packed.text) == {"name": "x" * 500}
    plain = await client.get("/things?limit=500", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers


async def test_what_is_busy_is_asked_for_again_later(client: httpx.AsyncClient) -> None:
    answered: Any = await client.get("/busy")
    assert (answered.status_code, answered.json()["code"], answered.headers["Retry-After"]) == (503, "busy", "1")


async def test_who_leaves_before_the_end_of_the_body_is_no_fault_of_ours() -> None:
    """Nobody is there for the answer: but whoever counts answers by their status would ring for a 500."""
    sent: list[Message] = []
    came: list[Message] = [
        {"type": "http.request", "body": b'{"count": ', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return came.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    async def reads(scope: Scope, receive: Receive, send: Send) -> None:
        await Request(scope, receive).body()

    headers = [(b"content-type", b"application/json"), (b"content-length", b"20")]
    scope = {"type": "http", "method": "POST", "path": "/things", "headers": headers, "query_string": b""}
    await BodyLimits(reads)(scope, receive, send)
    assert (sent[0]["status"], json.loads(sent[1]["body"])["code"]) == (400, "bad_request")
