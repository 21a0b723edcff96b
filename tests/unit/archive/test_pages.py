"""A page is read by its lines where its events stand on lines, and whole where they do not."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from services.archive.domain.lines import line_of
from services.archive.domain.pages import PageToKeep
from shared.contracts.archive import ArchivedEvent, KeepPage
from shared.contracts.positions import Position

NOON = datetime(2027, 1, 1, 12, tzinfo=UTC)


def an_event(number: int, position: Position | None = None) -> ArchivedEvent:
    told = {"specversion": "1.0", "id": f"e{number}", "source": "/x", "type": "a.b.v1", "data": {"text": "a\nb, {é}"}}
    return ArchivedEvent(hubid=f"h{number}", at=NOON, partner="coles", via="http", event=told, position=position)


EVENTS = (an_event(1), an_event(2, Position(lane="coles:k", epoch="x", number=7)))
PAGE = KeepPage(page="p", part=1, parts=2, keep="P30D", events=EVENTS)


def by_lines(page: KeepPage) -> bytes:
    """As the hub writes it."""
    head = page.model_dump_json(exclude={"events"}).encode().removesuffix(b"}")
    return head + b',"events":[\n' + b",\n".join(each.model_dump_json().encode() for each in page.events) + b"\n]}"


def by_other_lines(page: KeepPage) -> bytes:
    """As many lines, which are no events."""
    body = page.model_dump_json().encode()
    return body.replace(b'"part":', b'\n"part":').replace(b'"parts":', b'\n"parts":').replace(b'"keep":', b'\n"keep":')


@pytest.mark.parametrize("written", [by_lines, by_other_lines, lambda page: page.model_dump_json().encode()])
def test_its_lines_are_those_of_its_events_however_it_is_written(written: Callable[[KeepPage], bytes]) -> None:
    read = PageToKeep.read(written(PAGE))
    assert (read.page, read.part, read.keep) == ("p", 1, "P30D")
    assert read.lines == tuple(map(line_of, EVENTS))
    assert [entry.at for entry in read.events] == [NOON, NOON]


def test_a_page_may_be_empty() -> None:
    assert PageToKeep.read(by_lines(KeepPage(page="p", part=1, parts=1, keep="forever", events=()))).lines == ()
