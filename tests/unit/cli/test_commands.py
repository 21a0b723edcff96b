"""The commands over a scripted API: what they ask, print and exit with."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner, Result

from services.cli import audit, purchases, timers, view
from services.cli import run as running
from services.cli.client import Api
from services.cli.hub import archived

STEP = {
    "name": "hold miles",
    "status": "done",
    "attempts": 1,
    "started_at": "2026-11-21T12:00:00Z",
    "finished_at": "2026-11-21T12:00:01.25Z",
}
CHECKOUT: dict[str, Any] = {
    "id": "p1",
    "member_id": "ana",
    "key": "k",
    "cart_id": "c1",
    "status": "completed",
    "steps": [STEP],
    "refusal": None,
    "total": {"money": {"amount": 259_990, "currency": "BRL"}, "miles": 30_000},
    "tickets": [{"number": "0471234567890", "passenger": 0, "segments": [0]}],
    "documents": [],
    "locators": ["ABCDEF"],
    "created_at": "2026-11-21T12:00:00Z",
    "updated_at": "2026-11-21T12:00:02Z",
    "timeline": [{"position": 1, "at": "2026-11-21T12:00:00Z", "step": "hold miles", "status": "done", "detail": ""}],
    "timers": [],
}
TIMER = {"checkout_id": "p1", "name": "silence", "step": "issue tickets", "at": "2026-11-21T12:00:00Z"}
BOOKS: dict[str, Any] = {
    "charges": [
        {"reference": "p1", "authorized": 259_990, "captured": 259_990, "voided": 0, "refunded": 0, "currency": "BRL"}
    ],
    "tickets": [{"number": "0471234567890", "kind": "ticket", "reference": "p1", "status": "issued"}],
    "bookings": [{"locator": "ABCDEF", "reference": "p1", "status": "ticketed"}],
    "miles": [{"member_id": "ana", "reference": "p1", "redeemed": 30_000, "reversed": 0}],
    "messages": [],
}
ENTRY = {
    "id": "e1",
    "at": "2026-11-21T12:00:01Z",
    "member_id": "ana",
    "kind": "redemption",
    "miles": -30_000,
    "reference": "p1",
    "debit": "member:available",
    "credit": "programme:redeemed",
}
GRANT = ENTRY | {
    "id": "e0",
    "kind": "accrual",
    "miles": 30_001,
    "reference": None,
    "debit": "programme:issued",
    "credit": "member:available",
}


NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


class Stack:
    """Answers by method and path, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, bytes]] = []
        self.answers: dict[tuple[str, str], Any] = {
            ("GET", "/v1/operations/checkouts"): {"checkouts": [CHECKOUT], "next_cursor": None},
            ("GET", "/v1/operations/checkouts/p1"): CHECKOUT,
            ("GET", "/v1/operations/timers"): {"timers": [TIMER], "next_cursor": None},
            ("PUT", "/v1/operations/timers/p1/issue tickets"): TIMER,
            ("DELETE", "/v1/operations/timers/p1/silence"): None,
            ("GET", "/v1/miles/entries"): {"entries": [GRANT, ENTRY], "next_cursor": None},
            ("GET", "/v1/miles/accounts"): {
                "accounts": [{"member_id": "ana", "available": 1, "held": 0, "holds": []}],
                "next_cursor": None,
            },
            ("GET", "/sandbox/books"): BOOKS,
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path, request.content))
        try:
            body = self.answers[request.method, request.url.path]
        except KeyError:
            return httpx.Response(404, json={"detail": "There is no such thing.", "code": "not_found"})
        return httpx.Response(204) if body is None else httpx.Response(200, content=json.dumps(body))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Stack:
    scripted = Stack()
    for module in (purchases, timers, audit):
        monkeypatch.setattr(module, "operator", lambda: Api("http://stack", transport=httpx.MockTransport(scripted)))
    monkeypatch.setattr(audit, "SECOND_LOOK", 0.0)
    return scripted


@pytest.fixture
def audited() -> typer.Typer:
    app = typer.Typer()
    app.command()(audit.run)
    return app


def run(app: typer.Typer, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), env={"COLUMNS": "200"})


def test_purchases_are_listed_for_programs_as_the_api_gives_them(stack: Stack) -> None:
    result = run(purchases.app, "list", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"checkouts": [CHECKOUT]}


def test_purchases_are_listed_for_people_with_what_they_cost(stack: Stack) -> None:
    result = run(purchases.app, "list")
    assert "BRL 2,599.90 + 30,000 miles" in result.stdout


def test_a_purchase_is_shown_with_its_steps_and_documents(stack: Stack) -> None:
    result = run(purchases.app, "show", "p1")
    for shown in ("hold miles", "1.25 s", "0471234567890", "ABCDEF"):
        assert shown in result.stdout


def test_what_a_purchase_waits_for_is_shown_with_the_ids_of_log_and_trace(stack: Stack) -> None:
    waits = {
        "step": "issue tickets",
        "service": "ticketing",
        "since": "2026-11-21T12:00:00Z",
        "asks": 3,
        "next_ask_at": None,
        "cause": "ticketing was asked 3 times and is silent.",
        "what_to_do": "Look at its log.",
    }
    stack.answers["GET", "/v1/operations/checkouts/p1"] = CHECKOUT | {"awaiting": waits, "trace_id": "4bf92f35"}
    result = run(purchases.app, "show", "p1")
    for shown in ("issue tickets, by ticketing", "never by itself", waits["cause"], waits["what_to_do"], "4bf92f35"):
        assert str(shown) in result.stdout
    assert '"purchase_id": "p1"' in result.stdout


@pytest.mark.parametrize(
    ("age", "moment"),
    [("30s", NOW - timedelta(seconds=30)), ("2h", NOW - timedelta(hours=2)), ("2026-11-01T00:00:00-03:00", None)],
)
def test_an_age_is_a_moment_so_long_ago(age: str, moment: datetime | None) -> None:
    assert purchases.ago(age, NOW) == (moment.isoformat() if moment else "2026-11-01T03:00:00+00:00")
    assert purchases.ago(None, NOW) is None


def test_an_unknown_purchase_is_one_sentence_and_exit_code_1(stack: Stack) -> None:
    result = run(purchases.app, "show", "p2")
    assert result.exit_code == 1
    assert result.stderr == "There is no purchase p2.\n"


def test_timers_are_listed(stack: Stack) -> None:
    assert json.loads(run(timers.app, "list", "--json").stdout) == {"timers": [TIMER]}
    assert "issue tickets" in run(timers.app, "list").stdout


def test_a_timer_is_moved_to_the_moment_given_with_its_offset(stack: Stack) -> None:
    result = run(timers.app, "move", "p1", "issue tickets", "2026-11-21T12:00:00-03:00")
    assert result.exit_code == 0
    method, path, body = stack.asked[-1]
    assert (method, path) == ("PUT", "/v1/operations/timers/p1/issue tickets")
    assert json.loads(body) == {"at": "2026-11-21T15:00:00+00:00"}


def test_a_timer_is_cancelled(stack: Stack) -> None:
    assert run(timers.app, "cancel", "p1", "silence").exit_code == 0
    assert stack.asked[-1][:2] == ("DELETE", "/v1/operations/timers/p1/silence")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", NOW),
        ("+30s", datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)),
        ("+5m", datetime(2026, 11, 21, 12, 5, tzinfo=UTC)),
        ("+2h", datetime(2026, 11, 21, 14, 0, tzinfo=UTC)),
        ("+1d", datetime(2026, 11, 22, 12, 0, tzinfo=UTC)),
        ("2026-11-21T13:00:00Z", datetime(2026, 11, 21, 13, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_may_be_written_as_people_do(text: str, moment: datetime) -> None:
    assert timers.when(text, NOW) == moment


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "+5", "-5m", "2026-11-21T13:00:00", "2026-13-01T00:00:00Z", "0001-01-01T00:00:00+05:00"]
)
def test_a_moment_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        timers.when(text, NOW)


def test_so_long_ago_was_nothing() -> None:
    with pytest.raises(typer.BadParameter):
        archived.moment("-999999d")


def test_an_audit_of_books_that_agree_exits_with_0(stack: Stack, audited: typer.Typer) -> None:
    result = run(audited)
    assert result.exit_code == 0
    assert "1 purchases, 0 of them open: no difference" in result.stdout


@pytest.mark.parametrize(
    ("currency", "ours", "counted"),
    [
        ("ISK", 25_990, 2_599_000),
        ("UGX", 400_000, 40_000_000),
        ("MGA", 25_990_000, 259_900),
        ("JPY", 30_000, 30_000),
        ("CLP", 30_000, 30_000),
        ("VND", 900_000, 900_000),
        ("XAF", 90_000, 90_000),
        ("KWD", 77_340, 77_340),
        ("JOD", 77_340, 77_340),
        ("USD", 25_990, 25_990),
    ],
)
def test_an_audit_counts_the_gateways_amounts_as_the_gateway_does(
    stack: Stack, audited: typer.Typer, currency: str, ours: int, counted: int
) -> None:
    total = {"money": {"amount": ours, "currency": currency}, "miles": 30_000}
    listed = {"checkouts": [CHECKOUT | {"total": total}], "next_cursor": None}
    stack.answers["GET", "/v1/operations/checkouts"] = listed
    charge = BOOKS["charges"][0] | {"authorized": counted, "captured": counted, "currency": currency}
    stack.answers["GET", "/sandbox/books"] = BOOKS | {"charges": [charge]}
    assert run(audited).exit_code == 0
    stack.answers["GET", "/sandbox/books"] = BOOKS | {"charges": [charge | {"captured": counted - 1}]}
    assert run(audited).exit_code == 1


def test_an_audit_shows_money_in_a_currency_that_nobody_counts(stack: Stack, audited: typer.Typer) -> None:
    stack.answers["GET", "/sandbox/books"] = BOOKS | {"charges": [BOOKS["charges"][0] | {"currency": "XXX"}]}
    result = run(audited)
    assert (result.exit_code, "XXX" in result.stdout) == (1, True)


def test_an_audit_of_books_that_differ_shows_a_table_and_exits_with_1(stack: Stack, audited: typer.Typer) -> None:
    stack.answers["GET", "/sandbox/books"] = BOOKS | {"charges": []}
    result = run(audited)
    assert result.exit_code == 1
    assert "259990 captured" in result.stdout
    told = json.loads(run(audited, "--json").stdout)
    assert told["differences"] == [
        {"reference": "p1", "book": "card", "expected": "259990 captured", "found": "0 captured"}
    ]


def test_a_difference_that_is_gone_at_the_second_look_is_none(stack: Stack, audited: typer.Typer) -> None:
    looks = [BOOKS | {"charges": []}, BOOKS]

    class Later(dict[Any, Any]):
        def __getitem__(self, key: Any) -> Any:
            return looks.pop(0) if key == ("GET", "/sandbox/books") else super().__getitem__(key)

    stack.answers = Later(stack.answers)
    assert run(audited).exit_code == 0
    assert looks == []


def test_an_audit_that_cannot_read_the_books_exits_with_2(stack: Stack, audited: typer.Typer) -> None:
    del stack.answers["GET", "/sandbox/books"]
    result = run(audited)
    assert result.exit_code == 2
    assert result.stderr == "There is no sandbox beside this stack, whose books are the other side.\n"


def test_a_change_is_told_by_what_moved() -> None:
    before = {"status": "running", "steps": [{"name": "a", "status": "done"}, {"name": "b", "status": "running"}]}
    after = {
        "status": "refused",
        "steps": [
            {"name": "a", "status": "undone"},
            {"name": "b", "status": "refused"},
            {"name": "c", "status": "pending"},
        ],
        "refusal": {"step": "b", "code": "card_declined", "detail": ""},
    }
    assert view.moved(before, after) == ["a: undone", "b: refused", "purchase refused (b: card_declined)"]


def test_services_that_are_named_are_not_divided_over_processes() -> None:
    app = typer.Typer()
    app.command()(running.run)
    result = run(app, "cart", "--processes", "2")
    assert result.exit_code == 2
    assert "Named services share one process" in result.output
