"""Errors as problem+json, and limits on bodies, over HTTP."""

from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict, Field

from shared.store.documents import Conflict, Unavailable
from shared.store.repository import NewerSchema
from shared.web import problems
from shared.web.docs import WRITING
from shared.web.docs import problems as documented
from shared.web.idempotency import idempotency_key
from shared.web.limits import LARGEST_BODY, BodyLimits
from shared.web.problems import Fault, Problem
from shared.web.strictly import StrictRoute


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Person(Strict):
    surname: Annotated[str, Field(min_length=1, max_length=5)]
    age: int = 3


class Flight(Strict):
    kind: Literal["flight"]
    people: list[Person]


class Seat(Strict):
    kind: Literal["seat"]
    seat: str


class Order(Strict):
    items: list[Annotated[Flight | Seat, Field(discriminator="kind")]]
    note: str | None = None


def an_app() -> FastAPI:
    app = FastAPI()
    app.router.route_class = StrictRoute
    problems.install(app)
    app.add_middleware(BodyLimits)

    @app.post("/orders", responses=documented(*WRITING))
    async def order(body: Order) -> int:
        return len(body.items)

    @app.get("/orders")
    async def orders(adults: Annotated[int, Field(ge=1, le=9)]) -> int:
        return adults

    @app.post("/once")
    async def once(key: Annotated[str, Depends(idempotency_key)]) -> str:
        return key

    @app.get("/raise/{what}")
    async def fail(what: str) -> None:
        raise {
            "problem": Problem(409, "cart_locked", "It is", errors=[Fault("x", parameter="y")], headers={"X-A": "b"}),
            "away": Unavailable("secret host"),
            "conflict": Conflict("x"),
            "newer": NewerSchema("x", 2, 1),
            "bug": RuntimeError("secret value"),
        }[what]

    @app.post("/sandbox/echo")
    async def echo() -> str:
        return "echo"

    return app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(an_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def test_a_problem_has_all_members_of_rfc_9457(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/problem")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-a"] == "b"
    assert answer.json() == {
        "type": "urn:milesaga:problem:cart_locked",
        "title": "Cart locked",
        "status": 409,
        "detail": "It is",
        "instance": "/raise/problem",
        "code": "cart_locked",
        "errors": [{"parameter": "y", "detail": "x"}],
    }


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ({}, {"pointer": "/items", "detail": "is required"}),
        ({"items": [], "extra": 1}, {"pointer": "/extra", "detail": "is not a field here"}),
        ({"items": [], "a/b~c": 1}, {"pointer": "/a~1b~0c", "detail": "is not a field here"}),
        ({"items": {}}, {"pointer": "/items", "detail": "must be a list"}),
        ({"items": [], "note": 5}, {"pointer": "/note", "detail": "must be a text"}),
        ({"items": [{"kind": "seat"}]}, {"pointer": "/items/0/seat", "detail": "is required"}),
        (
            {"items": [{"kind": "seat", "seat": "1A", "row": 1}]},
            {"pointer": "/items/0/row", "detail": "is not a field here"},
        ),
        ({"items": [{"kind": "seat", "seat": 1}]}, {"pointer": "/items/0/seat", "detail": "must be a text"}),
        ({"items": [{}]}, {"pointer": "/items/0/kind", "detail": "is required"}),
        (
            {"items": [{"kind": "private"}]},
            {"pointer": "/items/0/kind", "detail": "must be one of 'flight', 'seat'"},
        ),
        (
            {"items": [{"kind": "flight", "people": [{"surname": ""}]}]},
            {"pointer": "/items/0/people/0/surname", "detail": "must have at least 1 characters"},
        ),
        (
            {"items": [{"kind": "flight", "people": [{"surname": "private"}]}]},
            {"pointer": "/items/0/people/0/surname", "detail": "must have at most 5 characters"},
        ),
        (
            {"items": [{"kind": "flight", "people": [{"surname": "x", "age": "old"}]}]},
            {"pointer": "/items/0/people/0/age", "detail": "must be a whole number"},
        ),
        ([], {"pointer": "", "detail": "must be an object"}),
    ],
)
async def test_an_invalid_field_is_422_with_its_pointer(
    client: httpx.AsyncClient, body: Any, fault: dict[str, str]
) -> None:
    answer = await client.post("/orders", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"] == [fault]
    assert "private" not in answer.text


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"{'a': 1}", b"[" * 100_000, b'{"items": []} x'])
async def test_a_body_that_is_no_json_is_400(client: httpx.AsyncClient, body: bytes) -> None:
    answer = await client.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")


@pytest.mark.parametrize(
    ("body", "pointer", "detail"),
    [
        (b'{"items": [], "items": []}', "/items", "expected a name once, found the same name twice"),
        (b'{"items": [], "it\\u0065ms": []}', "/items", "expected a name once, found the same name twice"),
        (b'{"items": [{"kind": "seat", "a/b": 1, "a/b": 1}]}', "/items/0/a~1b", "expected a name once"),
        (b'{"items": [], "' + b"n" * 99 + b'": 1, "' + b"n" * 99 + b'": 2}', "/" + "n" * 64, "expected a name once"),
        (b'{"note": NaN}', "/note", "expected a finite number"),
        (b'{"note": -Infinity}', "/note", "expected a finite number"),
        (b'{"\\ud800": {"a": 1, "a": 2}}', "", "expected Unicode's characters"),
        (b'{"note": ' + b"[" * 64 + b"]" * 64 + b"}", "/note" + "/0" * 63, "expected at most 64 lists and objects"),
        ('{"note": "x"}'.encode("utf-16"), "", "expected UTF-8"),
        (b'\xef\xbb\xbf{"items": []}', "", "expected JSON"),
    ],
)
async def test_a_body_that_others_could_read_otherwise_is_400_with_the_place(
    client: httpx.AsyncClient, body: bytes, pointer: str, detail: str
) -> None:
    answer = await client.post("/orders", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json")
    fault = answer.json()["errors"][0]
    assert fault["pointer"] == pointer
    assert fault["detail"].startswith(detail)


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        (b"1e999", "must be a finite number"),
        (b"-1e999", "must be a finite number"),
        (b"99999999999999999999999", "must be an integer of 64 bit"),
        (b"-9223372036854775809", "must be an integer of 64 bit"),
        (b'"\\ud800"', "must be Unicode's characters"),
        (b'"\\udc00\\ud800"', "must be Unicode's characters"),
    ],
)
async def test_a_field_that_json_can_say_and_nobody_can_hold_is_422(
    client: httpx.AsyncClient, value: bytes, detail: str
) -> None:
    answer = await client.post(
        "/orders", content=b'{"items": [], "note": ' + value + b"}", headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"] == [{"pointer": "/note", "detail": detail}]


async def test_a_body_is_read_as_it_is_written(client: httpx.AsyncClient) -> None:
    for body in ('{"items": [], "note": "a \\"quoted\\" \\u00e9"}', '{"items": [], "note": "é 😀"}'):
        answer = await client.post("/orders", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.text) == (200, "0")


async def test_a_wrong_parameter_is_422_and_named(client: httpx.AsyncClient) -> None:
    missing = await client.get("/orders")
    assert missing.json()["errors"] == [{"parameter": "adults", "detail": "is required"}]
    ten = await client.get("/orders", params={"adults": 10})
    assert ten.status_code == 422
    assert ten.json()["errors"] == [{"parameter": "adults", "detail": "must be at most 9"}]


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    nowhere = await client.get("/nowhere")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    method = await client.delete("/orders")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method.headers["allow"] == "GET, HEAD, POST"


async def test_a_store_out_of_reach_is_503_with_retry_after(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/away")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "secret" not in answer.text


async def test_a_newer_releases_document_is_503(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/newer")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_a_conflict_of_writers_is_409_busy(client: httpx.AsyncClient) -> None:
    answer = await client.get("/raise/conflict")
    assert (answer.status_code, answer.json()["code"]) == (409, "busy")


async def test_an_unexpected_exception_is_500_without_its_message_in_answer_or_log(
    client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await client.get("/raise/bug")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    [record] = caplog.records
    assert vars(record)["error"] == "RuntimeError"
    assert any("fail" in place for place in vars(record)["trace"])
    assert "secret" not in str(vars(record))


async def test_a_large_body_is_413_whether_its_length_is_told_or_not(client: httpx.AsyncClient) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b" " * (LARGEST_BODY // 8)

    headers = {"Content-Type": "application/json"}
    told = await client.post("/orders", content=b" " * (LARGEST_BODY + 1), headers=headers)
    untold = await client.post("/orders", content=chunks(), headers=headers)
    for answer in (told, untold):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


async def test_a_body_of_the_largest_size_is_read_whole(client: httpx.AsyncClient) -> None:
    body = b'{"items": []}'.ljust(LARGEST_BODY)

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 10_000):
            yield body[start : start + 10_000]

    answer = await client.post("/orders", content=chunks(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (200, 0)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=latin-1"]
)
async def test_another_media_type_is_415(client: httpx.AsyncClient, media_type: str) -> None:
    answer = await client.post("/orders", content=b"{}", headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


@pytest.mark.parametrize("path", ["/orders", "/v1/events", "/v1/webhooks/chat"])
async def test_a_compressed_body_is_415_whatever_its_media_type(client: httpx.AsyncClient, path: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await client.post(path, content=b"{}", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_encoding")


async def test_json_in_utf_8_is_taken_however_it_is_written(client: httpx.AsyncClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=UTF-8"}
    assert (await client.post("/orders", content=b'{"items": []}', headers=headers)).status_code == 200


async def test_the_sandbox_takes_its_providers_media_types(client: httpx.AsyncClient) -> None:
    assert (await client.post("/sandbox/echo", data={"a": "b"})).status_code == 200


@pytest.mark.parametrize("key", ["k", "~!" * 127 + "x", "0198c0de-7000"])
async def test_an_idempotency_key_of_visible_ascii_is_taken(client: httpx.AsyncClient, key: str) -> None:
    assert (await client.post("/once", headers={"Idempotency-Key": key})).json() == key


async def test_a_missing_idempotency_key_is_400(client: httpx.AsyncClient) -> None:
    answer = await client.post("/once")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_missing")
    assert answer.json()["errors"] == [{"header": "Idempotency-Key", "detail": "is required"}]


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "\xe9"])
async def test_a_malformed_idempotency_key_is_400(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/once", headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_malformed")


async def test_every_documented_problem_has_its_media_type() -> None:
    responses = an_app().openapi()["paths"]["/orders"]["post"]["responses"]
    assert set(responses) == {"200", *map(str, WRITING)}
    assert list(responses["422"]["content"]) == ["application/problem+json"]
