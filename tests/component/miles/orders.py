"""Commands as the checkout's saga gives them, and what operators do."""

from typing import Any

from shared.contracts.miles import AccrueMiles, HoldMiles, RedeemMiles, ReleaseMiles, ReverseMiles
from tests.kit.desk import Desk


def hold(purchase: str, miles: int, member: str = "ana", **fields: Any) -> HoldMiles:
    return HoldMiles(purchase_id=purchase, step="hold miles", member_id=member, miles=miles, **fields)


def release(purchase: str, member: str = "ana") -> ReleaseMiles:
    return ReleaseMiles(purchase_id=purchase, step="hold miles", member_id=member)


def redeem(purchase: str, miles: int, member: str = "ana") -> RedeemMiles:
    return RedeemMiles(purchase_id=purchase, step="redeem miles", member_id=member, miles=miles)


def reverse(purchase: str, member: str = "ana") -> ReverseMiles:
    return ReverseMiles(purchase_id=purchase, step="redeem miles", member_id=member)


def accrue(purchase: str, miles: int, member: str = "ana") -> AccrueMiles:
    return AccrueMiles(purchase_id=purchase, step="accrue miles", member_id=member, miles=miles)


async def open_account(desk: Desk, *lots: tuple[int, str], member: str = "ana", tier: str = "member") -> None:
    body = {"tier": tier, "lots": [{"miles": miles, "expires_on": day} for miles, day in lots]}
    async with desk.http() as client:
        answer = await client.put(f"/v1/miles/accounts/{member}", json=body, headers=desk.operator())
    assert answer.status_code == 200, answer.text


async def balance(desk: Desk, member: str = "ana") -> dict[str, Any]:
    async with desk.http() as client:
        answer = await client.get("/v1/miles/balance", headers=desk.member(member))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def all_pages(desk: Desk, path: str, rows: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor: str | None = None
    async with desk.http() as client:
        while True:
            params = {"cursor": cursor} if cursor else {}
            answer = await client.get(path, params=params, headers=headers)
            assert answer.status_code == 200, answer.text
            found += answer.json()[rows]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                return found


async def statement(desk: Desk, member: str = "ana") -> list[dict[str, Any]]:
    return await all_pages(desk, "/v1/miles/statement", "lines", desk.member(member))


async def entries(desk: Desk) -> list[dict[str, Any]]:
    return await all_pages(desk, "/v1/miles/entries", "entries", desk.operator())


async def accounts(desk: Desk) -> list[dict[str, Any]]:
    return await all_pages(desk, "/v1/miles/accounts", "accounts", desk.operator())
