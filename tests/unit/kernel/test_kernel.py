"""Money, ids, locks."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.kernel.ids import Uuid7Ids, derived
from shared.kernel.locks import KeyedLocks, KeyedPlaces
from shared.kernel.money import CurrencyMismatch, Money
from tests.kit.clock import HandClock


def test_money_adds_and_subtracts_within_a_currency() -> None:
    assert Money(amount=100, currency="BRL") + Money(amount=20, currency="BRL") == Money(amount=120, currency="BRL")
    assert Money(amount=100, currency="BRL") - Money(amount=120, currency="BRL") == Money(amount=-20, currency="BRL")
    assert Money(amount=100, currency="BRL") * 3 == Money(amount=300, currency="BRL")


def test_money_of_two_currencies_never_adds() -> None:
    with pytest.raises(CurrencyMismatch, match="BRL and EUR"):
        Money(amount=1, currency="BRL") + Money(amount=1, currency="EUR")
    with pytest.raises(CurrencyMismatch):
        Money(amount=1, currency="BRL").fits_in(Money(amount=1, currency="EUR"))


@pytest.mark.parametrize("currency", ["brl", "R$", "BRLX", ""])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        Money(amount=1, currency=currency)


def test_ids_sort_by_the_time_of_their_making() -> None:
    moment = datetime(2027, 1, 1, tzinfo=UTC)
    made = [Uuid7Ids(HandClock(moment + timedelta(milliseconds=i))).new() for i in range(50)]
    assert made == sorted(made)
    assert {one[14] for one in made} == {"7"}
    assert {one[19] for one in made} <= set("89ab")


def test_ids_of_one_moment_differ() -> None:
    ids = Uuid7Ids(HandClock(datetime(2027, 1, 1, tzinfo=UTC)))
    assert len({ids.new() for _ in range(1000)}) == 1000


@given(st.lists(st.text(), min_size=1, max_size=4), st.lists(st.text(), min_size=1, max_size=4))
def test_derived_ids_are_equal_exactly_when_their_parts_are(one: list[str], other: list[str]) -> None:
    assert (derived(*one) == derived(*other)) == (one == other)


@pytest.mark.parametrize(("locks", "at_once"), [(KeyedLocks(), 1), (KeyedPlaces(3), 3)])
async def test_a_key_is_held_by_so_many_at_a_time_and_forgotten_when_free(locks: KeyedLocks, at_once: int) -> None:
    inside: list[str] = []
    most = 0

    async def enter(key: str) -> None:
        nonlocal most
        async with locks.of(key):
            inside.append(key)
            most = max(most, inside.count(key))
            await asyncio.sleep(0)
            inside.remove(key)

    await asyncio.gather(*(enter(key) for key in "aabbab" * 20))
    assert most == at_once
    assert locks._locks == {}
