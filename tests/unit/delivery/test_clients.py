"""Whose clients are whose: an older word never undoes a newer one, in whatever order they come."""

import random

import pytest

from services.delivery.domain.clients import KnownClients, told
from shared.contracts.delivery import ConfigureClients


def command(position: int, *clients: str) -> ConfigureClients:
    return ConfigureClients(partner="coles", position=position, clients=clients)


@pytest.mark.parametrize("seed", range(50))
def test_whatever_comes_in_whatever_order_the_newest_word_holds(seed: int) -> None:
    chance = random.Random(seed)
    positions = sorted(chance.sample(range(1, 1_000), chance.randint(1, 8)))
    said = [command(position, *chance.sample("abcdef", chance.randint(0, 3))) for position in positions]
    coming = chance.choices(said, k=20) + said
    chance.shuffle(coming)
    known: KnownClients | None = None
    for count, each in enumerate(coming, 1):
        known = told(known, each)
        newest = max(coming[:count], key=lambda one: one.position)
        assert (known.position, known.clients) == (newest.position, frozenset(newest.clients))
    assert known is not None
    assert known.clients == frozenset(said[-1].clients)


def test_what_is_known_already_is_not_saved_again() -> None:
    known = told(None, command(3, "till"))
    assert told(known, command(3, "till")) is known
