"""Every route of the real document, with a wrong value in every place there is: a 4xx that names the place."""

import json
from collections.abc import AsyncIterator, Iterator
from copy import deepcopy
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from shared.bus.examples import example
from tests.component.web.document import Json, all_services, operations, public_document
from tests.kit.clock import HandClock

WRONG: dict[str, list[Any]] = {
    "string": [7, True, 1.5, [], {}, "\ud800"],
    "integer": [True, "1", "\uff11", 1.5, 10**30, [], {}],
    "boolean": [7, "x", 1.5, [], {}],
    "array": ["x", 1, {}],
    "object": ["x", 1, []],
}
"""By the type that a field has in its schema: nothing of this may be taken for it."""
NUMBERS = ["\uff11", "1.5", "true", "", "1e3", "0x1", "-1", "9" * 30]
DAYS = ["20270120", "2027-W03-1", "1", "2027-13-01", "2027-01-20T10:00:00Z", ""]
CURSORS = ["%", "e30", "WzFdIA", "bnVsbA", "\u00e9", "x" * 600]
HEADERS = {
    "If-Match": ["3", '"3', '"3",'],
    "If-None-Match": ["3", '"3'],
    "Idempotency-Key": ["a b", "", "x" * 256],
    "Last-Event-ID": ["x", "-1", "+1", "1.5", "1 2", "9" * 30, "0x1", "\uff11", "\u0663", "1\u00a0"],
}
NEVER_WRONG = {"X-Request-Id", "Milesaga-Grant"}
"""Any text will do: what cannot be written to a log has another in its place, and where acts are not gated nobody
reads a grant."""
ANA = {"given_name": "Ana", "surname": "Souza", "birth_date": "1990-05-01", "document": "FX123456"}
CARD = {"method": "card", "token": "tok_visa"}


PATHS = [
    *(
        "%00",
        "%0A",
        "%7F",
        "%FF%FE",
        "%C3",
        "%ED%A0%80",
        "%F4%90%80%80",
        "%C0%AE",
        "%F0%9F%92%A9",
        "%E2%80%AE",
        "%EF%BC%91",
    ),
    *("..%2F..%2Fetc", "%25", "%20", "$ne", "%7B%22a%22:1%7D", "'%20OR%201=1", "x" * 300, "x" * 5000, "1e999", "null"),
]
"""What could stand where an id does, as it is sent: a text that is none of ours, or no text at all."""


NAMED_BY_CLIENTS = {"member_id", "partner"}
"""Whoever writes to such a path chooses its name."""


class Request(NamedTuple):
    """One request, as nothing is wrong with it yet."""

    method: str
    path: str
    query: dict[str, Any]
    headers: dict[str, str]
    body: Any


def requests(document: Json, cart_id: str, *, streams: bool = False) -> Iterator[tuple[Request, Json]]:
    """A request for every route of the API, made of the document's own examples, with what the document says."""
    schemas = document["components"]["schemas"]
    for method, path, operation in operations(document):
        if not path.startswith("/v1/") or ((method, path) in STREAMS and not streams):
            continue
        places: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}}
        for each in operation["parameters"]:
            if each["required"]:
                places[each["in"]][each["name"]] = example(each["schema"], schemas, each["name"])
        sent = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
        body = None if sent is None else example(sent, schemas)
        if "If-Match" in places["header"]:
            places["header"]["If-Match"] = "*"
        places["path"] |= {"cart_id": cart_id} if "{cart_id}" in path else {}
        yield Request(method, path.format(**places["path"]), places["query"], places["header"], body), operation


FREE = {"when", "admits", "template", "pattern", "event"}
"""Fields of any JSON: what may stand inside is not the document's to say, and the rules' own tests try it."""
STREAMS = {("GET", "/v1/checkouts/{checkout_id}/events"), ("GET", "/v1/operations/checkouts/{checkout_id}/events")}


@pytest.fixture
def document(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Json:
    monkeypatch.setenv("SANDBOX", "on")
    return public_document(tmp_path_factory.mktemp("document"))


@pytest.fixture
async def api(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    async with all_services(tmp_path_factory.mktemp("house"), monkeypatch) as member:
        yield member


async def a_cart(api: httpx.AsyncClient) -> str:
    answer = await api.post("/v1/carts", json={"channel": "portal", "currency": "BRL"})
    return str(answer.json()["id"])


async def send(api: httpx.AsyncClient, request: Request) -> httpx.Response:
    content = None if request.body is None else json.dumps(request.body).encode()
    headers = request.headers | ({"Content-Type": "application/json"} if content is not None else {})
    encoded = {name.encode(): value.encode("latin-1", "replace") for name, value in headers.items()}
    return await api.request(request.method, request.path, params=request.query, headers=encoded, content=content)


def assert_named(answer: httpx.Response, place: str, kind: str) -> None:
    """A refusal that points at the place, or into it."""
    assert 400 <= answer.status_code < 500, answer.text
    named = [fault.get(kind, "") for fault in answer.json().get("errors", [])]
    assert any(each.startswith(place) or (kind == "pointer" and place.startswith(each)) for each in named), answer.text


async def test_every_parameter(api: httpx.AsyncClient, document: Json) -> None:
    tried = 0
    cart_id = await a_cart(api)
    for request, operation in requests(document, cart_id):
        for each in (each for each in operation["parameters"] if each["in"] == "query"):
            name, schema = each["name"], each["schema"]
            values = CURSORS if name == "cursor" else NUMBERS if schema.get("type") == "integer" else []
            values = DAYS if schema.get("format") == "date" else values
            for value in [*values, *(["nonsense"] if "enum" in str(schema) or "$ref" in schema else [])]:
                answer = await send(api, request._replace(query=request.query | {name: value}))
                assert_named(answer, name, "parameter")
                tried += 1
        twice = await send(api, request._replace(query=request.query | {"colour": "red"}))
        assert_named(twice, "colour", "parameter")
    assert tried > 40


async def test_every_place_in_every_path(api: httpx.AsyncClient, document: Json) -> None:
    tried = 0
    for method, path, operation in operations(document):
        names = [each["name"] for each in operation.get("parameters", []) if each["in"] == "path"]
        if not path.startswith("/v1/"):
            continue
        [(request, _)] = requests({**document, "paths": {path: {method.lower(): operation}}}, "0198f0c2", streams=True)
        for name in names:
            for value in PATHS:
                hostile = path.format(**{each: value if each == name else "0198f0c2" for each in names})
                answer = await send(api, request._replace(path=hostile))
                assert answer.status_code in (404, 422) or name in NAMED_BY_CLIENTS, (
                    f"{method} {hostile}: {answer.text}"
                )
                assert answer.status_code < 500, f"{method} {hostile}: {answer.text}"
                assert answer.is_success or answer.json()["code"], answer.text
                tried += 1
    assert tried > 15 * len(PATHS)


async def test_every_stream_names_a_wrong_last_event_id(api: httpx.AsyncClient) -> None:
    checkout_id = await a_purchase(api)
    for _, path in STREAMS:
        for value in HEADERS["Last-Event-ID"]:
            headers = [(b"Last-Event-ID", value.encode("utf-8"))]
            answer = await api.get(path.format(checkout_id=checkout_id), headers=headers)
            assert_named(answer, "Last-Event-ID", "header")
            assert answer.status_code == 422, value
        unknown = await api.get(path.format(checkout_id="0198f0c2"), headers={"Last-Event-ID": "x"})
        assert unknown.status_code == 404
        twice = await api.get(path.format(checkout_id=checkout_id), params={"colour": "red"})
        assert_named(twice, "colour", "parameter")


async def a_purchase(api: httpx.AsyncClient) -> str:
    """One under way: its stream does not end."""
    day = (HandClock().now() + timedelta(days=40)).date().isoformat()
    found = await api.get("/v1/offers", params={"from": "GRU", "to": "LIS", "date": day})
    cart_id = await a_cart(api)
    item = {"kind": "flight", "offer_id": found.json()["offers"][0]["id"], "passengers": [ANA]}
    assert (await api.post(f"/v1/carts/{cart_id}/items", json=item)).status_code == 201
    order = {"cart_id": cart_id, "payment": CARD, "contact": {"email": "ana@example.com"}}
    bought = await api.post("/v1/checkouts", json=order, headers={"Idempotency-Key": cart_id})
    assert bought.status_code == 202, bought.text
    return str(bought.json()["id"])


async def test_every_header(api: httpx.AsyncClient, document: Json) -> None:
    tried = set()
    cart_id = await a_cart(api)
    for request, operation in requests(document, cart_id):
        for name in {each["name"] for each in operation["parameters"] if each["in"] == "header"} - NEVER_WRONG:
            for value in HEADERS[name]:
                answer = await send(api, request._replace(headers=request.headers | {name: value}))
                if answer.status_code != 404:  # what is not there has no revision to compare
                    assert_named(answer, name, "header")
                tried.add(name)
    assert tried == set(HEADERS)


async def test_every_field_of_every_body(api: httpx.AsyncClient, document: Json) -> None:
    tried = 0
    cart_id = await a_cart(api)
    for request, operation in requests(document, cart_id):
        if request.body is None or "requestBody" not in operation:
            continue
        for variant in bodies(operation, document):
            for path, value in places(variant):
                for wrong in WRONG[kind_of(value)]:
                    answer = await send(api, request._replace(body=with_value(variant, path, wrong)))
                    assert_named(answer, "".join(f"/{part}" for part in path), "pointer")
                    tried += 1
            extra = await send(api, request._replace(body={**variant, "colour": "red"}))
            assert_named(extra, "/colour", "pointer")
    assert tried > 150


def bodies(operation: Json, document: Json) -> Iterator[Any]:
    """One of each kind that the route takes."""
    schemas = document["components"]["schemas"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for each in schema.get("oneOf", [schema]):
        yield example(each, schemas)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if path and value is not None:
        yield path, value
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children if path[-1:] not in {(name,) for name in FREE} else ():
        yield from places(child, (*path, name))


def kind_of(value: Any) -> str:
    return {bool: "boolean", str: "string", int: "integer", list: "array", dict: "object"}[type(value)]


def with_value(body: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = deepcopy(body)
    node = changed
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return changed
