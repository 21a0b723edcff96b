"""Partners' events in the audit: a removed segment and a lost copy are found; what is well is silent."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.cli.audited import events
from services.cli.books import BothSides
from services.cli.client import Api, ApiError
from services.cli.reconciliation import compare
from shared.contracts.hubids import least_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = datetime(2027, 1, 20, 10, 30, 20, tzinfo=UTC)
ACCEPTED = [
    {"partner": "coles", "keep": "forever", "minute": "2027-01-20T10:00:00Z", "events": 4},
    {"partner": "coles", "keep": "forever", "minute": "2027-01-20T10:01:00Z", "events": 6},
]
BALANCE: dict[str, Any] = {
    "events": {"coles": {"a.b.v1": 10}},
    "minutes": ACCEPTED,
    "copies": {"fuel/bi": 10, "fuel/books": 4},
    "outcomes": {"fuel/bi": {"delivered": 6, "waiting": 2, "dead": 1, "retrying": 1}, "fuel/books": {"waiting": 4}},
}
TARGETS = [
    {"bus": "fuel", "name": "bi", "kind": "webhook", "waiting": 2, "dead": 1},
    {"bus": "fuel", "name": "books", "kind": "queue", "waiting": 0, "dead": 0},
]


class Stack:
    """Says what it is given: each day's balance, what the hub accepted, page after page."""

    def __init__(
        self, balance: Any = BALANCE, targets: Any = TARGETS, wrong: Any = (), accepted: Any = ACCEPTED
    ) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answers = {
            "/v1/hub/archive/stats": {"segments": 1, "events": 10, "balance": balance},
            "/v1/hub/archive/verify": {"segments": 1, "wrong": list(wrong)},
            "/v1/hub/targets": {"targets": targets, "next_cursor": None},
        }
        self._accepted = accepted

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, asked = request.url.path, dict(request.url.params)
        self.asked.append((path, asked))
        if path != "/v1/hub/accepted":
            return httpx.Response(200, json=self._answers[path])
        page = int(asked.get("cursor", "0"))
        more = page + 1 < len(self._accepted)
        shown = {"minutes": self._accepted[page : page + 1], "next_cursor": str(page + 1) if more else None}
        return httpx.Response(200, json=shown)

    def events(self, window: timedelta = HOUR) -> BothSides:
        return BothSides(
            events=events.read(Api("http://stack", transport=httpx.MockTransport(self.answer)), window, NOW)
        )


def lost(count: int, at: datetime) -> list[dict[str, str]]:
    """Events that were accepted then, and of whose routing nothing is on record."""
    hubids = (f"{least_of(at)[:-12]}{n:012x}" for n in range(count))
    return [{"hubid": hubid, "partner": "coles", "id": hubid[-4:], "type": "a.b.v1"} for hubid in hubids]


def told(**answers: Any) -> BothSides:
    return Stack(**answers).events()


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
    (found,) = compare(told(balance=BALANCE | {"outcomes": outcomes})).differences
    assert (found.reference, found.expected, found.found) == ("fuel/books", "4 copies", "3 of them are somewhere")


def test_queues_that_cannot_be_seen_are_not_judged() -> None:
    assert compare(told(targets=[TARGETS[0] | {"waiting": None, "dead": None}])).differences == ()


def test_a_stack_without_an_archive_has_no_events() -> None:
    absent = httpx.MockTransport(lambda _: httpx.Response(404, json={"code": "not_found", "detail": "No such thing"}))
    assert events.read(Api("http://stack", transport=absent), HOUR, NOW) is None


def test_an_archive_that_is_away_is_no_empty_one() -> None:
    away = httpx.MockTransport(lambda _: httpx.Response(503, json={"code": "unavailable", "detail": "Away"}))
    with pytest.raises(ApiError):
        events.read(Api("http://stack", transport=away), HOUR, NOW)


def test_events_that_were_accepted_and_are_not_archived_are_found() -> None:
    """Whoever takes the newest segment with its document leaves a chain that is whole."""
    left = BALANCE | {"minutes": ACCEPTED[:1]}
    (found,) = compare(told(balance=left)).differences
    assert (found.reference, found.book) == ("coles 2027-01-20T10:01Z", "accepted")
    assert (found.expected, found.found) == ("6 events, as were accepted", "0 in the archive")


def test_events_that_the_hub_knows_nothing_of_are_found() -> None:
    """Its store is an older copy."""
    (found,) = compare(told(accepted=ACCEPTED[:1])).differences
    assert (found.expected, found.found) == ("0 events, as were accepted", "6 in the archive")


def test_what_is_about_to_go_at_its_time_is_not_missed() -> None:
    old = {"partner": "coles", "keep": "P1D", "minute": "2027-01-19T11:00:00Z", "events": 9}
    assert compare(Stack(accepted=[*ACCEPTED, old]).events(DAY)).differences == ()
    young = old | {"minute": "2027-01-19T11:31:00Z"}
    (found,) = compare(Stack(accepted=[*ACCEPTED, young]).events(DAY)).differences
    assert found.reference == "coles 2027-01-19T11:31Z P1D"


def test_a_long_time_is_asked_for_day_by_day_and_its_counts_add_up() -> None:
    stack = Stack()
    balance = stack.events(timedelta(days=2, hours=1)).events.balance  # type: ignore[union-attr]
    spans = [(asked["from"], asked["to"], asked["by_minute"]) for path, asked in stack.asked if path.endswith("stats")]
    ends = [NOW, NOW - DAY, NOW - 2 * DAY, NOW - 2 * DAY - HOUR]
    assert spans == [
        (since.isoformat(), until.isoformat(), newest)
        for until, since, newest in zip(ends, ends[1:], ("true", "false", "false"), strict=False)
    ]
    assert balance.copies == {"fuel/bi": 30, "fuel/books": 12}
    assert balance.outcomes["fuel/bi"] == {"delivered": 18, "waiting": 6, "dead": 3, "retrying": 3}
    (asked,) = {(asked["from"], asked["to"]) for path, asked in stack.asked if path.endswith("accepted")}
    assert asked == (ends[1].isoformat(), ends[0].isoformat())


@pytest.mark.parametrize("seed", range(50))
def test_exactly_the_minutes_in_which_something_was_lost_are_named(seed: int) -> None:
    chance = random.Random(seed)
    places = [(partner, keep, n) for partner in ("coles", "aldi") for keep in ("forever", "P30D") for n in range(5)]
    accepted = Counter(chance.choices(places, k=200))
    lost = Counter(chance.sample(list(accepted.elements()), chance.randrange(20)))

    def shown(counts: Counter[tuple[str, str, int]]) -> list[dict[str, Any]]:
        """In any order, and a minute's counts in two pieces."""
        pieces = [(place, count // 2) for place, count in counts.items()]
        pieces += [(place, count - count // 2) for place, count in counts.items()]
        chance.shuffle(pieces)
        return [
            {"partner": partner, "keep": keep, "minute": f"2027-01-20T10:0{n}:00Z", "events": count}
            for (partner, keep, n), count in pieces
        ]

    left = BALANCE | {"minutes": shown(accepted - lost)}
    found = compare(told(accepted=shown(accepted), balance=left)).differences
    names = {f"{partner} 2027-01-20T10:0{n}Z" + (f" {keep}" if keep != "forever" else "") for partner, keep, n in lost}
    assert {each.reference for each in found} == names
    assert sum(int(each.expected.split()[0]) - int(each.found.split()[0]) for each in found) == lost.total()


def test_events_that_were_archived_and_never_routed_are_found() -> None:
    """The message of their page to the router was lost. What to do about it stands beside each."""
    (found,) = compare(told(balance=BALANCE | {"unrouted": lost(1, NOW - HOUR / 2)})).differences
    assert (found.reference, found.book) == ("coles 0000", "routed")
    assert found.found == f"none: milesaga hub route {lost(1, NOW - HOUR / 2)[0]['hubid']}"


def test_events_that_may_be_on_their_way_to_the_router_are_no_difference() -> None:
    young = lost(3, NOW - events.ROUTED_WITHIN + timedelta(milliseconds=1))
    assert compare(told(balance=BALANCE | {"unrouted": young})).differences == ()
    due = lost(3, NOW - events.ROUTED_WITHIN - timedelta(milliseconds=1))
    assert len(compare(told(balance=BALANCE | {"unrouted": due})).differences) == 3


def test_of_many_that_were_not_routed_some_are_named_and_all_are_counted() -> None:
    found = compare(told(balance=BALANCE | {"unrouted": lost(70, NOW - HOUR / 2)})).differences
    assert len(found) == events.NAMED + 1
    (others,) = (each for each in found if each.reference == "others")
    assert others.found.startswith("none, of 50 more")


def test_the_pages_of_a_day_add_up() -> None:
    stack = Stack()
    pages = [(BALANCE, "more"), (BALANCE | {"unrouted": lost(1, NOW - HOUR / 2)}, None)]

    def answer(request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("stats"):
            return stack.answer(request)
        assert (request.url.params.get("cursor") == "more") == (len(pages) == 1)
        balance, following = pages.pop(0)
        return httpx.Response(200, json={"balance": balance, "next_cursor": following})

    read = events.read(Api("http://stack", transport=httpx.MockTransport(answer)), HOUR, NOW)
    assert read is not None
    assert (read.count, read.balance.copies, len(read.balance.unrouted)) == (20, {"fuel/bi": 20, "fuel/books": 8}, 1)
