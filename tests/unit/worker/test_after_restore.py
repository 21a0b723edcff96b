"""A store that was restored has forgotten calls: what they did is looked for before the first call of a step."""

from collections.abc import AsyncIterator

import pytest

from shared.contracts.payment import CardAuthorized
from shared.kernel.errors import OutcomeUnknown
from shared.store.sqlite import SqliteStore
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.worker.desk import DO, FIRST_KEY, PURCHASE, Desk, Provider


@pytest.fixture
async def restored(held_store: SqliteStore, clock: HandClock, provider: Provider, bus: Recorder) -> AsyncIterator[Desk]:
    desk = Desk(held_store, clock, provider, bus, after_restore=True)
    yield desk
    await desk.close()


async def forget(desk: Desk) -> None:
    """The store is that of a moment before."""
    document = await desk.collection.inner.get(PURCHASE)
    assert document is not None
    await desk.collection.inner.delete(document)


async def test_a_forgotten_effect_is_found_and_answered_without_a_second_call(
    desk: Desk, restored: Desk, provider: Provider, bus: Recorder
) -> None:
    await desk.do()
    await forget(desk)
    await restored.do()
    assert provider.keys == [FIRST_KEY]
    assert [type(answer) for answer in bus.answers()] == [CardAuthorized, CardAuthorized]
    assert (await restored.stored()).effect == FIRST_KEY
    await restored.do()
    assert provider.looks == 1, "what is on record is not looked for again"


async def test_what_had_no_effect_is_called_under_its_first_key(restored: Desk, provider: Provider) -> None:
    await restored.do()
    assert (provider.looks, provider.keys) == (1, [FIRST_KEY])
    assert (await restored.stored()).log(DO).calls == 1


async def test_while_the_provider_cannot_tell_nothing_is_called(restored: Desk, provider: Provider) -> None:
    provider.looking = [OutcomeUnknown("no answer")]
    await restored.do()
    assert provider.keys == []
    await restored.do()
    assert (provider.looks, provider.keys) == (2, [FIRST_KEY])


async def test_what_cannot_be_found_is_called_at_once(restored: Desk, provider: Provider) -> None:
    restored.cannot_be_found()
    await restored.do()
    assert (provider.looks, provider.keys) == (0, [FIRST_KEY])
