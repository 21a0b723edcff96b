"""Balance and statement for members, accounts and entries for operators, over HTTP."""

from typing import Any
from urllib.parse import quote

import pytest

from services.miles.adapters import accounts as ledger_accounts
from shared.contracts.miles import MilesHeld
from tests.component.miles.orders import accounts, balance, hold, open_account, redeem, release, reverse, statement
from tests.kit.desk import Desk

PATH = "/v1/miles/accounts/ana"
MEMBERS = [
    "a/b",
    "/",
    "..",
    ".",
    "a//b/../c",
    "C:\\ana",
    '"ana"',
    "it's",
    "ana de souza",
    " ",
    "auth0|5f7c8ec7",
    "https://issuer.example/users?id=1&x=%2F#me",
    "%2F",
    "a+b@example.com",
    "${x}{{y}}$where",
    "a.b.c",
    "x" * 255,
    "".join(map(chr, range(0x20, 0x7F))),
]
"""Hostile, and all of them legal subjects."""


async def put(desk: Desk, body: Any, path: str = PATH, **headers: str) -> Any:
    async with desk.http() as client:
        return await client.put(path, json=body, headers={**desk.operator(), **headers})


async def test_a_member_nobody_knows_has_nothing(desk: Desk) -> None:
    assert await balance(desk, "nobody") == {
        "member_id": "nobody",
        "available": 0,
        "held": 0,
        "expiring": [],
        "tier": "member",
    }
    assert await statement(desk, "nobody") == []


async def test_expiring_lists_what_ends_within_twelve_months_by_day(desk: Desk) -> None:
    await open_account(desk, (1_000, "2027-03-31"), (200, "2027-03-31"), (50, "2026-12-01"), (9, "2028-01-01"))
    assert (await balance(desk))["expiring"] == [
        {"on": "2026-12-01", "miles": 50},
        {"on": "2027-03-31", "miles": 1_200},
    ]


async def test_members_see_their_own_miles_only(desk: Desk) -> None:
    await open_account(desk, (1_000, "2027-03-31"))
    assert (await balance(desk, "bia"))["available"] == 0
    assert await statement(desk, "bia") == []


async def test_an_account_is_opened_and_then_replaced_through_the_books(desk: Desk) -> None:
    opened = await put(desk, {"tier": "gold", "lots": [{"miles": 1_000, "expires_on": "2027-03-31"}]})
    assert opened.json()["tier"] == "gold"
    await desk.tell(hold("p1", 300))
    replaced = await put(desk, {"tier": "silver", "lots": [{"miles": 5, "expires_on": "2027-04-30"}]})
    assert replaced.json() == {
        "member_id": "ana",
        "available": 5,
        "held": 300,
        "expiring": [{"on": "2027-04-30", "miles": 5}],
        "tier": "silver",
    }
    lines = await statement(desk)
    assert [(line["kind"], line["miles"]) for line in lines] == [
        ("accrual", 5),
        ("transfer", -700),
        ("hold", -300),
        ("accrual", 1_000),
    ]
    [account] = await accounts(desk)
    assert [(held["reference"], held["miles"]) for held in account["holds"]] == [("p1", 300)]
    assert account["books_differ"] is False


async def test_putting_the_same_account_twice_posts_once(desk: Desk) -> None:
    body = {"tier": "gold", "lots": [{"miles": 1_000, "expires_on": "2027-03-31"}]}
    first, second = await put(desk, body), await put(desk, body)
    assert first.headers["ETag"] == second.headers["ETag"]
    assert len(await statement(desk)) == 1


async def test_the_balance_has_the_tag_that_a_replacement_is_conditional_on(desk: Desk) -> None:
    await open_account(desk, (1_000, "2027-03-31"))
    async with desk.http() as client:
        read = await client.get("/v1/miles/balance", headers=desk.member("ana"))
    body = {"tier": "gold", "lots": []}
    assert (await put(desk, body, **{"If-Match": read.headers["ETag"]})).status_code == 200
    assert (await put(desk, body, **{"If-Match": read.headers["ETag"]})).status_code == 412


async def test_a_stale_if_match_changes_nothing(desk: Desk) -> None:
    body = {"tier": "gold", "lots": []}
    tag = (await put(desk, body)).headers["ETag"]
    assert (await put(desk, {"tier": "silver", "lots": []}, **{"If-Match": tag})).status_code == 200
    stale = await put(desk, body, **{"If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (await put(desk, body, **{"If-Match": "*"})).status_code == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"tier": "platinum", "lots": []}, "/tier"),
        ({"tier": "gold"}, "/lots"),
        ({"tier": "gold", "lots": [{"miles": -1, "expires_on": "2027-03-31"}]}, "/lots/0/miles"),
        ({"tier": "gold", "lots": [{"miles": "9", "expires_on": "2027-03-31"}]}, "/lots/0/miles"),
        ({"tier": "gold", "lots": [{"miles": 9, "expires_on": "soon"}]}, "/lots/0/expires_on"),
        ({"tier": "gold", "lots": [], "bonus": 1}, "/bonus"),
    ],
)
async def test_a_bad_account_names_the_field(desk: Desk, body: Any, pointer: str) -> None:
    answer = await put(desk, body)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]


async def test_lots_end_within_this_millennium(desk: Desk) -> None:
    answer = await put(desk, {"tier": "gold", "lots": [{"miles": 9, "expires_on": "9999-12-31"}]})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/lots/0/expires_on")
    assert (await put(desk, {"lots": [{"miles": 9, "expires_on": "2999-12-31"}]})).json()["available"] == 9


async def test_an_impossible_member_id_is_refused(desk: Desk) -> None:
    for impossible in ("a%00b", "z%C3%A9", "a%7Fb", "a" * 256):
        answer = await put(desk, {"lots": []}, f"/v1/miles/accounts/{impossible}")
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (422, "member_id")


@pytest.mark.parametrize("member", MEMBERS)
async def test_whatever_printable_subject_a_token_has_there_is_an_account(desk: Desk, member: str) -> None:
    path = f"/v1/miles/accounts/{quote(member, safe='').replace('.', '%2E')}"
    opened = await put(desk, {"tier": "gold", "lots": [{"miles": 1_000, "expires_on": "2027-03-31"}]}, path)
    assert (opened.status_code, opened.json()["member_id"]) == (200, member)
    assert isinstance(await desk.tell(hold("p1", 300, member=member)), MilesHeld)
    found = await balance(desk, member)
    assert (found["member_id"], found["available"], found["held"]) == (member, 700, 300)
    assert [line["kind"] for line in await statement(desk, member)] == ["hold", "accrual"]
    assert [account["member_id"] for account in await accounts(desk)] == [member]
    revised = await put(desk, {"lots": []}, path, **{"If-Match": '"1"'})
    assert revised.status_code == 412


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/v1/miles/balance", "miles"),
        ("GET", "/v1/miles/statement", "miles"),
        ("GET", "/v1/miles/entries", "ops:read"),
        ("GET", "/v1/miles/accounts", "ops:read"),
        ("PUT", PATH, "ops:write"),
    ],
)
async def test_each_route_wants_its_scope(desk: Desk, method: str, path: str, scope: str) -> None:
    others = {"miles", "ops:read", "ops:write", "carts"} - {scope}
    async with desk.http() as client:
        nameless = await client.request(method, path, json={"lots": []})
        lacking = await client.request(
            method, path, json={"lots": []}, headers=desk.runtime.issuer.bearer("m", " ".join(others))
        )
        allowed = await client.request(method, path, json={"lots": []}, headers=desk.runtime.issuer.bearer("m", scope))
    assert (nameless.status_code, lacking.status_code, allowed.status_code) == (401, 403, 200)


@pytest.mark.parametrize("cursor", ["x", "WyJhIl0", "Wy0xXQ", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5OTldCg"])
async def test_a_cursor_that_is_not_ours_is_refused(desk: Desk, cursor: str) -> None:
    async with desk.http() as client:
        answer = await client.get("/v1/miles/statement", params={"cursor": cursor}, headers=desk.member("ana"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"] == "cursor"


async def test_a_statement_is_read_page_by_page_newest_first(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_accounts, "STATEMENT_PAGE", 3)
    await open_account(desk, (1_000, "2027-03-31"))
    for n in range(20):
        await desk.tell(hold(f"p{n}", 10))
    await desk.tell(reverse("p0"))
    lines = await statement(desk)
    assert [line["reference"] for line in lines] == [*(f"p{n}" for n in reversed(range(20))), None]
    assert [line["balance_after"] for line in lines] == list(range(800, 1_001, 10))


async def test_a_purchases_entries_are_found_while_new_and_when_old(desk: Desk) -> None:
    await open_account(desk, (1_000, "2027-03-31"))
    await desk.tell(hold("p0", 10))
    await desk.tell(redeem("p0", 10))
    expected = [
        ("hold", -10, "member:available", "member:held"),
        ("release", 10, "member:held", "member:available"),
        ("redemption", -10, "member:available", "programme:redeemed"),
    ]
    assert await entries_of(desk, "p0") == expected
    for n in range(1, 30):
        await desk.tell(hold(f"p{n}", 10))
        await desk.tell(release(f"p{n}"))
    assert await entries_of(desk, "p0") == expected
    assert await entries_of(desk, "unknown") == []


async def entries_of(desk: Desk, reference: str) -> list[tuple[str, int, str, str]]:
    async with desk.http() as client:
        answer = await client.get("/v1/miles/entries", params={"reference": reference}, headers=desk.operator())
    return [
        (entry["kind"], entry["miles"], entry["debit"], entry["credit"])
        for entry in answer.json()["entries"]
        if (entry["member_id"], entry["reference"]) == ("ana", reference)
    ]
