"""Partners' events in the audit: a removed segment and a lost copy are found; what is well is silent."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from services.cli.audited import events
from services.cli.books import BothSides
from services.cli.client import Api, ApiError
from services.cli.reconciliation import compare

BALANCE: dict[str, Any] = {
    "events": {"coles": {"a.b.v1": 10}},
    "copies": {"fuel/bi": 10, "fuel/books": 4},
    "outcomes": {"fuel/bi": {"delivered": 6, "waiting": 2, "dead": 1, "retrying": 1}, "fuel/books": {"waiting": 4}},
}
TARGETS = [
    {"bus": "fuel", "name": "bi", "kind": "webhook", "waiting": 2, "dead": 1},
    {"bus": "fuel", "name": "books", "kind": "queue", "waiting": 0, "dead": 0},
]


def told(balance: Any = BALANCE, targets: Any = TARGETS, wrong: Any = ()) -> BothSides:
    answers = {
        "/v1/hub/archive/stats": {"segments": 1, "events": 10, "balance": balance},
        "/v1/hub/archive/verify": {"segments": 1, "wrong": list(wrong)},
        "/v1/hub/targets": {"targets": targets, "next_cursor": None},
    }
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=answers[request.url.path]))
    return BothSides(events=events.read(Api("http://stack", transport=transport), timedelta(hours=1)))


def test_events_that_are_all_somewhere_are_no_difference() -> None:
    result = compare(told())
    assert (result.differences, result.events) == ((), 10)


def test_a_segment_that_was_removed_is_found() -> None:
    (found,) = compare(told(wrong=[{"segment": "s7", "wrong": "its file is missing"}])).differences
    assert (found.reference, found.book, found.found) == ("s7", "archive", "its file is missing")


@pytest.mark.parametrize(("lost", "expected"), [("waiting", "2 copies waiting"), ("dead", "1 copies among")])
def test_a_copy_that_was_taken_from_a_webhooks_queues_is_found(lost: str, expected: str) -> None:
    (found,) = compare(told(targets=[TARGETS[0] | {lost: 0}])).differences
    assert (found.reference, found.book) == ("fuel/bi", "copies")
    assert found.expected.startswith(expected)


def test_a_copy_that_stands_nowhere_is_found() -> None:
    outcomes = BALANCE["outcomes"] | {"fuel/books": {"waiting": 3}}
    (found,) = compare(told(BALANCE | {"outcomes": outcomes})).differences
    assert (found.reference, found.expected, found.found) == ("fuel/books", "4 copies", "3 of them are somewhere")


def test_queues_that_cannot_be_seen_are_not_judged() -> None:
    assert compare(told(targets=[TARGETS[0] | {"waiting": None, "dead": None}])).differences == ()


def test_a_stack_without_an_archive_has_no_events() -> None:
    absent = httpx.MockTransport(lambda _: httpx.Response(404, json={"code": "not_found", "detail": "No such thing"}))
    assert events.read(Api("http://stack", transport=absent), timedelta(hours=1)) is None


def test_an_archive_that_is_away_is_no_empty_one() -> None:
    away = httpx.MockTransport(lambda _: httpx.Response(503, json={"code": "unavailable", "detail": "Away"}))
    with pytest.raises(ApiError):
        events.read(Api("http://stack", transport=away), timedelta(hours=1))
