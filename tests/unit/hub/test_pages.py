"""What was accepted here is not read again; what was not, or says something else, is read whole."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import to_json

from services.hub.domain import pages
from services.hub.domain.pages import LIVES, PageToRoute, Recent
from shared.contracts.archive import ArchivedEvent
from shared.contracts.hub import RoutePage
from shared.contracts.positions import Position

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)
TRICKY = {"text": 'a\nb, {é}, "event":{}', "event": {"x": 1}, "position": None, "last": {"position": [1]}}


def an_event(number: int, position: Position | None = None) -> ArchivedEvent:
    told = {"specversion": "1.0", "id": f"e{number}", "source": "/x", "type": "a.b.v1", "data": TRICKY}
    return ArchivedEvent(hubid=f"h{number}", at=NOON, partner="coles", via="http", event=told, position=position)


PAGE = RoutePage(
    page="p",
    part=1,
    parts=2,
    keep="P30D",
    events=(an_event(1), an_event(2, Position(lane='coles:k,"position":', epoch="x", number=7))),
)


def written(page: RoutePage) -> bytes:
    """As the hub writes it."""
    head = page.model_dump_json(exclude={"events"}).encode().removesuffix(b"}")
    return head + b',"events":[\n' + b",\n".join(each.model_dump_json().encode() for each in page.events) + b"\n]}"


@pytest.fixture(autouse=True)
def recent(monkeypatch: pytest.MonkeyPatch) -> Recent:
    made = Recent()
    monkeypatch.setattr(pages, "RECENT", made)
    return made


def known(recent: Recent, *values: Any) -> None:
    """What these events say is known, as if they said `values`."""
    for event, value in zip(PAGE.events, values, strict=False):
        recent.add(to_json(event.event), value)


def test_what_is_known_is_not_read_again(recent: Recent) -> None:
    known(recent, {"id": "one"}, {"id": "two"})
    read = PageToRoute.read(written(PAGE))
    assert [each.event for each in read.events] == [{"id": "one"}, {"id": "two"}]
    expected = PAGE.model_copy(update={"events": tuple(e.model_copy(update={"event": {}}) for e in PAGE.events)})
    bare = read.model_copy(update={"events": tuple(e.model_copy(update={"event": {}}) for e in read.events)})
    assert bare.model_dump() == expected.model_dump()


def test_what_is_known_is_read_as_what_is_not(recent: Recent) -> None:
    whole = PageToRoute.read(written(PAGE))
    known(recent, *(each.event for each in PAGE.events))
    assert PageToRoute.read(written(PAGE)).model_dump() == whole.model_dump() == PAGE.model_dump()


def test_where_one_is_not_known_all_are_read(recent: Recent) -> None:
    known(recent, {"id": "one"})
    assert PageToRoute.read(written(PAGE)).model_dump() == PAGE.model_dump()


@pytest.mark.parametrize(
    "changed",
    [
        lambda body: body.replace(b'"position":null', b'"position":null,"event":{"id":"later"}'),
        lambda body: body.replace(b',"events":[\n', b',"events":[').replace(b"\n]}", b"]}"),
        lambda body: body.replace(b'{"hubid":', b'{"x":1,"hubid":'),
        lambda body: body.replace(b',"event":', b', "event":'),
    ],
    ids=["the name stands twice", "all on one line", "another name first", "a space"],
)
def test_a_page_that_is_written_otherwise_says_what_it_says(recent: Recent, changed: Any) -> None:
    body = changed(written(PAGE))
    known(recent, {"id": "one"}, {"id": "two"})
    assert PageToRoute.read(body).model_dump() == RoutePage.read(body).model_dump()


def test_what_is_no_page_is_refused_all_the_same(recent: Recent) -> None:
    known(recent, {"id": "one"}, {"id": "two"})
    with pytest.raises(ValidationError):
        PageToRoute.read(written(PAGE).replace(b'"hubid":"h2"', b'"hubid":2'))
    with pytest.raises(ValidationError):
        PageToRoute.read(written(PAGE).removesuffix(b"}"))


def test_each_is_given_once() -> None:
    recent = Recent()
    recent.add(b"{}", {})
    assert (recent.take(b"{}"), recent.take(b"{}")) == ({}, None)


def test_what_is_beyond_the_room_is_not_kept_until_others_are_taken_or_old() -> None:
    now = 0.0
    recent = Recent(most=3, seconds=lambda: now)
    for text in (b"aa", b"a", b"b"):
        recent.add(text, {"text": text})
    assert recent.take(b"b") is None
    recent.take(b"a")
    recent.add(b"b", {})
    recent.add(b"c", {})
    assert (recent.take(b"b"), recent.take(b"c")) == ({}, None)
    now = LIVES + 1
    recent.add(b"ccc", {})
    assert (recent.take(b"aa"), recent.take(b"ccc")) == (None, {})
