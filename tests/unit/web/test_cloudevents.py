"""CloudEvents over HTTP: each mode read, what is wrong named by its place."""

import json
from contextlib import nullcontext
from typing import Any

import pytest
from starlette.datastructures import Headers

from shared.rules.limits import DOCUMENT_DEPTH
from shared.web.cloudevents import BATCH, STRUCTURED, faults, present, read
from shared.web.problems import Problem

MOST = 4 * 1024 * 1024
EVENT: dict[str, Any] = {
    "specversion": "1.0",
    "id": "4711",
    "source": "/coles/tills/7",
    "type": "retail.receipt.issued.v1",
    "time": "2027-01-20T10:00:00.5+10:00",
    "subject": "Euro €",
    "tillno": 7,
    "data": {"total": {"amount": 3000}},
}


def _read(body: object, media: str = STRUCTURED, **headers: str) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return read(
        {"content-type": media} | {name.replace("_", "-"): value for name, value in headers.items()}, content, MOST
    )


def test_a_structured_event_is_the_body() -> None:
    received = _read(EVENT, "application/cloudevents+json; charset=UTF-8")
    assert received.entries == [EVENT]
    assert received.at(0) == ()


def test_a_batch_is_a_list_and_may_be_empty() -> None:
    received = _read([EVENT, EVENT], BATCH)
    assert received.entries == [EVENT, EVENT]
    assert received.at(1) == (1,)
    assert _read([], BATCH).entries == []


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Euro%20%E2%82%AC", "Euro €"),
        ("plain text", "plain text"),
        ('"in \\"quotes\\" \\\\ %C3%A9"', 'in "quotes" \\ é'),
        ("100%25", "100%"),
    ],
)
def test_a_binary_event_has_its_attributes_in_headers(header: str, subject: str) -> None:
    attributes = {"ce_specversion": "1.0", "ce_id": "4711", "ce_source": "/x", "ce_type": "a.b.v1"}
    received = _read({"n": 1}, "application/json", ce_subject=header, **attributes)
    assert received.entries == [
        {
            "specversion": "1.0",
            "id": "4711",
            "source": "/x",
            "type": "a.b.v1",
            "subject": subject,
            "datacontenttype": "application/json",
            "data": {"n": 1},
        }
    ]


def test_a_header_that_stands_twice_is_named() -> None:
    """Of two values one reader takes the first, and another one the last."""
    told = [(b"content-type", b"application/json"), (b"ce-id", b"1"), (b"id", b"x"), (b"ce-id", b"2")]
    with pytest.raises(Problem) as refused:
        read(Headers(raw=told), b"{}", MOST)
    assert (refused.value.status, refused.value.errors[0].header) == (422, "ce-id")
    assert read(Headers(raw=told[:-1]), b"{}", MOST).entries[0]["id"] == "1"


def test_a_binary_event_without_a_body_has_no_data() -> None:
    assert "data" not in _read(b"", "application/json", ce_id="1").entries[0]


@pytest.mark.parametrize("header", ["%E2%82", "50%", "é", "%zz"])
def test_a_header_that_is_no_text_is_named(header: str) -> None:
    with pytest.raises(Problem) as refused:
        _read({}, "application/json", ce_subject=header)
    assert (refused.value.status, refused.value.errors[0].header) == (422, "ce-subject")


@pytest.mark.parametrize(
    "media",
    [
        "application/json",
        "text/plain",
        "",
        "application/cloudevents+avro",
        "application/cloudevents+json; charset=latin-1",
        'application/cloudevents-batch+json; q=1; charset="UTF-16"',
    ],
)
def test_another_media_type_is_refused(media: str) -> None:
    with pytest.raises(Problem) as refused:
        _read(EVENT, media)
    assert refused.value.status == 415


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (b"{", ""),
        (b"", ""),
        (b"\xff", ""),
        (b'{"a": 1, "a": 2}', "/a"),
        (b'{"data": {"n": NaN}}', "/data/n"),
        (b'{"data": "\\ud800"}', "/data"),
        (b'{"data": 99999999999999999999999}', "/data"),
        (b'{"data": ' + b"[" * 70 + b"]" * 70 + b"}", "/data" + "/0" * 63),
    ],
)
def test_what_is_no_json_of_ours_is_refused_where_it_is_wrong(body: bytes, pointer: str) -> None:
    with pytest.raises(Problem) as refused:
        _read(body)
    assert (refused.value.status, refused.value.code) == (400, "malformed_json")
    assert refused.value.errors[0].pointer == pointer


def test_a_batch_that_is_no_list_is_refused() -> None:
    with pytest.raises(Problem, match="400"):
        _read(EVENT, BATCH)


def test_a_good_event_has_no_faults() -> None:
    assert faults(EVENT) == ([], [])
    assert faults(EVENT | {"time": None, "tillno": True, "subject": None}) == ([], [])


@pytest.mark.parametrize("name", ["specversion", "id", "source", "type"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_required_attribute_is_missed(name: str, value: str | None) -> None:
    missing, wrong = faults(EVENT | {name: value}, (57,))
    assert [fault.pointer for fault in missing] == [f"/57/{name}"]
    assert wrong == []
    assert faults({key: each for key, each in EVENT.items() if key != name})[0]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"specversion": "0.3"}, "/specversion"),
        ({"id": 7}, "/id"),
        ({"id": "x" * 1025}, "/id"),
        ({"id": "a\x00b"}, "/id"),
        ({"source": "a b"}, "/source"),
        ({"dataschema": "schemas/1"}, "/dataschema"),
        ({"time": "2027-01-20"}, "/time"),
        ({"time": "2027-13-20T10:00:00Z"}, "/time"),
        ({"time": 1800000000}, "/time"),
        ({"subject": ""}, "/subject"),
        ({"Till_no": "x"}, "/Till_no"),
        ({"tillno": 2**31}, "/tillno"),
        ({"tillno": 1.5}, "/tillno"),
        ({"tillno": {"a": 1}}, "/tillno"),
        ({"data_base64": "AA=="}, "/data_base64"),
        ({f"e{number}": "v" * 1024 for number in range(50)} | {f"f{number}": "€" * 1024 for number in range(5)}, ""),
    ],
)
def test_an_attribute_that_is_no_such_thing_is_named(change: dict[str, Any], pointer: str) -> None:
    missing, wrong = faults(EVENT | change)
    assert missing == []
    assert [fault.pointer for fault in wrong] == [pointer]


@pytest.mark.parametrize("text", ["A", "AAA", "!!!!", "====", "A===", "AA==\n", "AA==AA==", "_-_-", "éééé", 7, None])
def test_binary_data_is_in_base64(text: object) -> None:
    binary = {name: value for name, value in EVENT.items() if name != "data"}
    _, wrong = faults(binary | {"data_base64": text})
    assert [fault.pointer for fault in wrong] == ["/data_base64"]
    for right in ("", "AA==", "AAE=", "AAEC", "+/+/"):
        assert faults(binary | {"data_base64": right}) == ([], [])


def test_attributes_have_room_in_one_frame_of_the_broker() -> None:
    full = EVENT | {f"e{number}": "v" * 1024 for number in range(56)}
    assert faults(full) == ([], [])
    assert len(faults(full | {f"f{number}": "\U0001f600" * 512 for number in range(4)})[1]) == 1


def test_what_is_no_object_is_no_event() -> None:
    missing, wrong = faults(["x"], (3,))
    assert missing == []
    assert [fault.pointer for fault in wrong] == ["/3"]


def test_an_attribute_that_is_null_is_not_set_and_data_may_be_null() -> None:
    assert present({"id": "1", "subject": None, "data": None}) == {"id": "1", "data": None}


BINARY = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/x", "ce_type": "a.v1"}


@pytest.mark.parametrize("is_taken", [True, False])
def test_how_deep_an_event_may_be_does_not_depend_on_its_way(is_taken: bool) -> None:
    """The list around a batch is no part of an event; in binary mode the event's own level is not written."""
    levels = DOCUMENT_DEPTH - 1 if is_taken else DOCUMENT_DEPTH
    data = b"[" * levels + b"]" * levels
    ways: tuple[tuple[bytes, str, dict[str, str]], ...] = (
        (b'{"data":%b}' % data, STRUCTURED, {}),
        (b'[{"data":%b}]' % data, BATCH, {}),
        (data, "application/json", BINARY),
    )
    for body, media, headers in ways:
        with nullcontext() if is_taken else pytest.raises(Problem, match="400"):
            assert _read(body, media, **headers).entries[0]["data"]
