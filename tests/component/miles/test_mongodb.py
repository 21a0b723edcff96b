"""The ledger on MongoDB: the same promises over the other engine."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pymongo
import pytest

from services.miles.adapters import accounts as ledger_accounts
from shared.contracts.miles import MilesHeld
from shared.contracts.steps import StepRefused, StepUndone
from tests import engines
from tests.component.miles.desk import miles_desk
from tests.component.miles.orders import accounts, balance, entries, hold, open_account, redeem, reverse, statement
from tests.component.miles.test_crowd import until_answered
from tests.kit.clock import HandClock
from tests.kit.desk import Desk


@pytest.fixture(scope="module")
def mongodb_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with engines.mongodb(tmp_path_factory.mktemp("mongodb") / "data") as url:
        yield url


@pytest.fixture
async def pair(mongodb_url: str, clock: HandClock) -> AsyncIterator[tuple[Desk, Desk]]:
    """Two processes over one database, which is dropped afterwards."""
    home = Path(f"test_{uuid.uuid4().hex[:12]}")
    async with miles_desk(home, clock, mongodb_url) as one, miles_desk(home, clock, mongodb_url) as other:
        yield one, other
    with pymongo.MongoClient[dict[str, object]](mongodb_url) as client:
        for name in client.list_database_names():
            if home.name in name:
                client.drop_database(name)


async def test_holds_at_once_from_two_processes_never_overdraw(pair: tuple[Desk, Desk]) -> None:
    await open_account(pair[0], (300, "2027-01-31"), (203, "2027-06-30"))
    answers = await asyncio.gather(*(until_answered(pair[n % 2], hold(f"p{n}", 10)) for n in range(80)))
    assert len([answer for answer in answers if isinstance(answer, MilesHeld)]) == 50
    assert len([answer for answer in answers if isinstance(answer, StepRefused)]) == 30
    after = await balance(pair[1])
    assert (after["available"], after["held"]) == (3, 500)
    assert [account["books_differ"] for account in await accounts(pair[0])] == [False]


async def test_old_purchases_are_found_and_pages_follow_each_other(
    pair: tuple[Desk, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_accounts, "ENTRIES_PAGE", 7)
    monkeypatch.setattr(ledger_accounts, "STATEMENT_PAGE", 4)
    desk, other = pair
    for member in ("ana", "bia"):
        await open_account(desk, (1_000, "2027-06-30"), member=member)
    for n in range(12):
        for member in ("ana", "bia"):
            await desk.tell(hold(f"{member}-{n}", 10, member=member))
            await other.tell(redeem(f"{member}-{n}", 10, member=member))
    assert isinstance(await other.tell(reverse("ana-0")), StepUndone)
    found = await entries(desk)
    assert len(found) == len({entry["id"] for entry in found}) == 2 * (1 + 12 * 3) + 1
    lines = await statement(desk)
    assert len(lines) == 1 + 12 * 3 + 1
    assert (lines[0]["kind"], lines[0]["reference"], lines[0]["balance_after"]) == ("reversal", "ana-0", 890)
    assert sum(line["miles"] for line in lines) == 890
    assert [account["books_differ"] for account in await accounts(desk)] == [False, False]
