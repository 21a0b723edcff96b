"""Everything is lost, and every store comes back as of another moment: purchases go on from there, and what cannot is
told by the audit. Nothing is charged twice."""

import asyncio
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import httpx
import pymongo
import pytest

from services.cli.broker_node import PrivateBroker
from services.house import HOUSE
from shared.runtime.host import STORES
from shared.store.opening import sqlite_file
from shared.store.sqlite.copies import take
from tests.conftest import StartStack
from tests.e2e.expectations import assert_bought, assert_undone
from tests.e2e.shop import MILES, Json, Member, Shop
from tests.engines import running_mongod
from tests.eventually import eventually
from tests.kit.stack import Stack

pytestmark = pytest.mark.long

SERVICES = tuple(each.name for each in HOUSE)
BEFORE, AUTHORIZING, CAPTURING, ENDED = MOMENTS = ("before", "authorizing", "capturing", "ended")
"""When copies are taken: the purchase is not begun; its card is being authorized; captured; it is over."""
SLOW = 4.0
LONGEST = 90.0


class Copies(Protocol):
    """Copies of all stores as of some moments."""

    def take(self, moment: str) -> None: ...

    def lose(self) -> None: ...

    def restore(self, stack: Stack, moments: Mapping[str, str]) -> None: ...


class SqliteCopies:
    """As `milesaga backup` takes them, put back by `milesaga restore`."""

    def __init__(self, home: Path) -> None:
        self._stores = home / STORES
        self._copies = home.parent / "copies"

    def take(self, moment: str) -> None:
        (self._copies / moment).mkdir(parents=True)
        for name in SERVICES:
            if (store := sqlite_file(self._stores, name)).exists():
                take(store, sqlite_file(self._copies / moment, name))

    def lose(self) -> None:
        shutil.rmtree(self._stores)

    def restore(self, stack: Stack, moments: Mapping[str, str]) -> None:
        for moment in set(moments.values()):
            chosen = [part for name, at in moments.items() if at == moment for part in ("--service", name)]
            done = stack.command("restore", str(self._copies / moment), *chosen, "--yes")
            assert done.returncode == 0, done.stderr


class MongoCopies:
    """By reading and writing collections, as the vendor's tools do while nothing is written."""

    def __init__(self, url: str) -> None:
        self._client: pymongo.MongoClient[Json] = pymongo.MongoClient(url, tz_aware=True)
        self._copies: dict[tuple[str, str], dict[str, list[Json]]] = {}

    def take(self, moment: str) -> None:
        for name in SERVICES:
            database = self._client[f"milesaga_{name}"]
            found = {each: list(database[each].find()) for each in database.list_collection_names()}
            self._copies[name, moment] = found

    def lose(self) -> None:
        for name in SERVICES:
            self._client.drop_database(f"milesaga_{name}")

    def restore(self, stack: Stack, moments: Mapping[str, str]) -> None:  # noqa: ARG002 - the files' need it
        for name, moment in moments.items():
            for collection, documents in self._copies[name, moment].items():
                if documents:
                    self._client[f"milesaga_{name}"][collection].insert_many(documents)


def all_as_of(moment: str, **others: str) -> dict[str, str]:
    return dict.fromkeys(SERVICES, moment) | others


async def bought_with_copies(shop: Shop, member: Member, copies: Copies, key: str) -> Json:
    """A purchase that the outside world carried out to its end, and copies of the stores from its way."""
    cart = await member.cart(use_miles=10_000)
    await asyncio.to_thread(copies.take, BEFORE)
    slow = {"provider": "stripe", "mode": "slow", "seconds": SLOW, "times": 1}
    await shop.all_misbehave([slow | {"operation": "authorize"}, slow | {"operation": "capture"}])
    begun = await member.post_checkout(cart["id"], key=key)
    for hits, moment in enumerate((AUTHORIZING, CAPTURING), start=1):
        await eventually(lambda hits=hits: struck(shop, hits), within=LONGEST)  # type: ignore[misc]
        await asyncio.to_thread(copies.take, moment)
    ended = await member.ended(begun.json()["id"], LONGEST)
    assert ended["status"] == "completed"
    await asyncio.to_thread(copies.take, ENDED)
    return {"cart": cart["id"], **ended}


async def struck(shop: Shop, times: int) -> bool:
    return await shop.hits() == times


async def lost_and_restored(stack: Stack, copies: Copies, moments: Mapping[str, str]) -> None:
    """A new machine: the stores come back, the broker is empty."""
    await asyncio.to_thread(stack.kill_all)
    shutil.rmtree(PrivateBroker(stack.home).folder)
    copies.lose()
    await asyncio.to_thread(copies.restore, stack, moments)
    await asyncio.to_thread(stack.start)


async def audited(stack: Stack) -> tuple[int, str]:
    done = await asyncio.to_thread(stack.command, "audit", "--json")
    return done.returncode, done.stdout + done.stderr


async def captured_of(shop: Shop, purchase: str) -> int:
    charges = (await shop.books(purchase))["charges"]
    return sum(row["captured"] - row["refunded"] for row in charges)


SOON = {f"CHECKOUT_SILENCE_{step}_SECONDS": "6" for step in ("AUTHORIZE_PAYMENT", "CAPTURE_PAYMENT", "ISSUE_TICKETS")}
"""What was asked for before the loss is asked for again."""


def opened(stack_of: StartStack, store: str, tmp_path: Path, cleaned: ExitStack) -> tuple[Stack, Copies]:
    home = tmp_path / "home"
    if store == "sqlite":
        return stack_of(home=home, environment=SOON), SqliteCopies(home)
    url = cleaned.enter_context(running_mongod(tmp_path / "mongo")).url
    return stack_of(home=home, environment=SOON | {"MONGODB_URL": url}), MongoCopies(url)


@pytest.mark.parametrize(
    ("store", "moments"),
    [
        pytest.param("sqlite", all_as_of(AUTHORIZING), id="all of one moment"),
        pytest.param("sqlite", all_as_of(ENDED, checkout=AUTHORIZING), id="who asks is behind"),
        pytest.param("mongodb", all_as_of(ENDED, checkout=AUTHORIZING), id="who asks is behind, on MongoDB"),
    ],
)
async def test_a_purchase_goes_on_and_has_its_effects_once(
    start_stack: StartStack, tmp_path: Path, store: str, moments: dict[str, str]
) -> None:
    """What had its effect after the copies is asked for again, and found."""
    with ExitStack() as cleaned:
        stack, copies = await asyncio.to_thread(opened, start_stack, store, tmp_path, cleaned)
        async with Shop(stack.url) as shop:
            member = await shop.member()
            bought = await bought_with_copies(shop, member, copies, "a-key")
            await lost_and_restored(stack, copies, moments)
            again = await member.ended(bought["id"], LONGEST)
            await assert_bought(shop, member, again, miles=10_000)
            assert again["tickets"] == bought["tickets"]
            code, told = await audited(stack)
            assert code == 0, told
        await asyncio.to_thread(stack.kill_all)


async def test_a_worker_that_is_behind_who_asks_has_the_purchase_undone(
    start_stack: StartStack, tmp_path: Path
) -> None:
    """Payment knows of no authorization that it could capture, and finds it when it is to let go."""
    with ExitStack() as cleaned:
        stack, copies = await asyncio.to_thread(opened, start_stack, "sqlite", tmp_path, cleaned)
        async with Shop(stack.url) as shop:
            member = await shop.member()
            bought = await bought_with_copies(shop, member, copies, "a-key")
            await lost_and_restored(stack, copies, all_as_of(CAPTURING, payment=BEFORE))
            undone = await member.ended(bought["id"], LONGEST)
            await assert_undone(shop, member, undone, code="capture_refused")
            code, told = await audited(stack)
            assert code == 0, told


async def test_a_purchase_nobody_remembers_is_told_by_the_audit_and_bought_again_is_charged_once(
    start_stack: StartStack, tmp_path: Path
) -> None:
    """Its client says the same again under the same key: so it is the same purchase, and the gateway knows it."""
    with ExitStack() as cleaned:
        stack, copies = await asyncio.to_thread(opened, start_stack, "sqlite", tmp_path, cleaned)
        async with Shop(stack.url) as shop:
            member = await shop.member()
            bought = await bought_with_copies(shop, member, copies, "a-key")
            await lost_and_restored(stack, copies, all_as_of(BEFORE))
            code, told = await audited(stack)
            assert (code, bought["id"] in told) == (1, True), told
            response = await member.http.get(f"/v1/checkouts/{bought['id']}")
            assert response.status_code == httpx.codes.NOT_FOUND

            begun = await member.post_checkout(bought["cart"], key="a-key")
            assert begun.json()["id"] == bought["id"]
            again = await member.ended(bought["id"], LONGEST)
            assert again["status"] == "completed"
            assert await captured_of(shop, bought["id"]) == again["total"]["money"]["amount"]
            balance = await member.balance()
            assert (balance["available"], balance["held"]) == (MILES - 10_000, 0)
            code, told = await audited(stack)
            assert code == 1, "the documents of the forgotten booking are in force beside those of the new one"
            assert {number["number"] for number in bought["tickets"]}.isdisjoint(
                {number["number"] for number in again["tickets"]}
            )
            assert all(ticket["number"] in told for ticket in bought["tickets"])
