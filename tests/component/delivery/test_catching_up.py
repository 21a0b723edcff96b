"""Buses that nobody told delivery of, and those that it knows better than the answer on its way."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from services.delivery.cases.catching_up import CatchingUp
from services.delivery.cases.configuring import Configuring
from services.delivery.cases.known import BUSES
from services.delivery.domain.target import KnownBus
from services.delivery.ports import HubUnavailable
from shared.contracts.buses import BusRevision, BusTerms
from shared.contracts.delivery import ConfigureTargets
from shared.store import open_store
from shared.store.repository import Repository


def saying(*webhooks: str) -> BusTerms:
    return BusTerms.model_validate(
        {"partner": "coles", "rules": [], "targets": {f"t{n}": {"webhook": url} for n, url in enumerate(webhooks)}}
    )


class Hub:
    """The port, by what it was told to say."""

    def __init__(self) -> None:
        self.buses: dict[str, tuple[int, BusTerms | None]] = {}
        self.asked: list[str] = []
        self.silent = False

    async def revisions(self) -> Mapping[str, int]:
        if self.silent:
            raise HubUnavailable("silent")
        return {name: revision for name, (revision, _) in self.buses.items()}

    async def bus(self, name: str) -> BusRevision | None:
        self.asked.append(name)
        revision, terms = self.buses[name]
        return None if terms is None else BusRevision(bus=name, revision=revision, terms=terms)


@pytest.fixture
def hub() -> Hub:
    return Hub()


@pytest.fixture
async def configuring(tmp_path: Path) -> AsyncIterator[Configuring]:
    store = open_store("delivery", tmp_path)
    buses = Repository(store.collection(BUSES), KnownBus, key=lambda each: each.id)
    await store.open()
    yield Configuring(buses)
    await store.close()


async def known(configuring: Configuring, bus: str) -> tuple[int, list[str | None]] | None:
    stored = await configuring.buses.load(bus)
    return (stored.value.revision, [each.webhook for each in stored.value.targets.values()]) if stored else None


async def test_what_was_missed_is_taken_up_once(hub: Hub, configuring: Configuring) -> None:
    hub.buses = {"fuel": (3, saying("https://a.example/")), "food": (1, saying())}
    for _ in range(2):
        await CatchingUp(configuring, hub).look()
    assert await known(configuring, "fuel") == (3, ["https://a.example/"])
    assert await known(configuring, "food") == (1, [])
    assert sorted(hub.asked) == ["food", "fuel"]


async def test_what_was_told_meanwhile_is_newer_and_stays(hub: Hub, configuring: Configuring) -> None:
    hub.buses = {"fuel": (2, saying("https://old.example/"))}
    newer = saying("https://new.example/")
    await configuring.configure(ConfigureTargets(bus="fuel", revision=3, partner="coles", targets=newer.targets))
    await CatchingUp(configuring, hub).look()
    assert await known(configuring, "fuel") == (3, ["https://new.example/"])
    assert hub.asked == []


async def test_a_bus_that_was_deleted_meanwhile_has_no_targets_any_more(hub: Hub, configuring: Configuring) -> None:
    old = saying("https://a.example/")
    await configuring.configure(ConfigureTargets(bus="fuel", revision=1, partner="coles", targets=old.targets))
    hub.buses = {"fuel": (2, None), "never-known": (9, None)}
    for _ in range(2):
        await CatchingUp(configuring, hub).look()
    assert await known(configuring, "fuel") == (2, [])
    assert sorted(hub.asked) == ["fuel", "never-known"]


async def test_a_silent_hub_is_asked_again_at_the_next_look(hub: Hub, configuring: Configuring) -> None:
    hub.buses, hub.silent = {"fuel": (1, saying("https://a.example/"))}, True
    catching_up = CatchingUp(configuring, hub)
    await catching_up.look()
    assert await known(configuring, "fuel") is None
    hub.silent = False
    await catching_up.look()
    assert await known(configuring, "fuel") == (1, ["https://a.example/"])
