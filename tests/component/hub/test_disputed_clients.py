"""A store of a former release, in which partners have what one of them may have: said, and settled by a command."""

import asyncio
import json
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from services.cli.main import app
from services.hub.cases.registering import BY_CLIENT, BY_USER, PARTNERS
from services.hub.domain.partner import Partner
from shared.runtime.host import STORES
from shared.store import open_store
from shared.store.documents import CollectionSpec, Index, Lookup, StoredTwice
from shared.store.repository import Repository

BEFORE = CollectionSpec("partners", (Index(BY_USER, ("broker_user",)),), (Lookup(BY_CLIENT, "clients"),))
KEPT = (
    Partner(id="coles", clients=("tills", "portal"), publishes=("*",), broker_user="till", position=7),
    Partner(id="fuel", clients=("pumps", "tills"), publishes=("*",), broker_user="till", position=9),
    Partner(id="wine", clients=("cellar",), publishes=("*",)),
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MILESAGA_HOME", str(tmp_path))
    monkeypatch.delenv("MONGODB_URL", raising=False)
    asyncio.run(keep_as_before(tmp_path / STORES))
    return tmp_path / STORES


async def keep_as_before(folder: Path) -> None:
    store = open_store("hub", folder)
    partners = Repository(store.collection(BEFORE), Partner, key=attrgetter("id"))
    await store.open()
    for partner in KEPT:
        await partners.save(partner, version=0)
    await store.close()


async def kept(folder: Path) -> tuple[dict[str, Partner], list[tuple[str, object]]]:
    """The partners, as the hub opens them, and what it has to send."""
    store = open_store("hub", folder)
    collection = store.collection(PARTNERS)
    partners = Repository(collection, Partner, key=attrgetter("id"))
    await store.open()
    found = {each.value.id: each.value for each in await partners.load_many({each.id for each in KEPT})}
    waiting = await collection.unsent(datetime.max.replace(tzinfo=UTC), limit=10)
    unsent = [(each.document_id, json.loads(each.message.body)) for each in waiting]
    await store.close()
    return found, unsent


def clients(*options: str) -> Result:
    return CliRunner().invoke(app, ["hub", "clients", *options])


def test_the_hub_says_what_keeps_it_from_starting(folder: Path) -> None:
    with pytest.raises(StoredTwice, match="'till' stands in coles, fuel: `milesaga hub clients --take NAME"):
        asyncio.run(kept(folder))


def test_what_two_partners_have_is_taken_from_one_and_delivery_will_be_told(folder: Path) -> None:
    told = clients("--json")
    assert (told.exit_code, json.loads(told.stdout)) == (1, {"disputed": {"till": ["coles", "fuel"]}})
    told = clients("--take", "till", "--from", "coles")
    assert (told.exit_code, told.stdout) == (1, "tills is of coles, fuel\n")
    assert clients("--take", "tills", "--from", "fuel").exit_code == 0
    assert clients().stdout == "Each client and each user of the broker is one partner's.\n"
    partners, unsent = asyncio.run(kept(folder))
    assert [(each.clients, each.broker_user) for _, each in sorted(partners.items())] == [
        (("tills", "portal"), None),
        (("pumps",), "till"),
        (("cellar",), None),
    ]
    newest = dict(unsent)
    assert newest["fuel"] == {"partner": "fuel", "position": partners["fuel"].position, "clients": ["pumps"]}
    assert partners["fuel"].position > 9


@pytest.mark.parametrize(
    ("name", "partner"), [("portal", "coles"), ("till", "wine"), ("till", "nobody"), ("", "coles")]
)
def test_what_is_no_others_is_taken_from_nobody(folder: Path, name: str, partner: str) -> None:
    told = clients("--take", name, "--from", partner)
    assert told.exit_code == 1
    assert "another partner" in told.stderr
    assert clients("--json").exit_code == 1
