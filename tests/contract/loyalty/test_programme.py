"""What every loyalty programme must do, whoever keeps the miles."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.kernel.errors import Refused
from tests.contract.loyalty.programmes import PROGRAMMES, Subject


@pytest.fixture(params=PROGRAMMES)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    async with PROGRAMMES[request.param](tmp_path) as subject:
        await subject.open("ana", 1_000)
        yield subject


async def test_held_miles_can_be_neither_spent_nor_held_again(subject: Subject) -> None:
    await subject.programme.hold("ana", "p1", 600)
    assert await subject.has("ana") == (400, 600)
    with pytest.raises(Refused, match="insufficient_miles"):
        await subject.programme.hold("ana", "p2", 401)


async def test_each_call_may_be_repeated_with_the_effect_of_one(subject: Subject) -> None:
    programme = subject.programme
    for _ in range(2):
        await programme.hold("ana", "p1", 600)
    assert await subject.has("ana") == (400, 600)
    for _ in range(2):
        await programme.redeem("ana", "p1", 600)
    assert await subject.has("ana") == (400, 0)
    for _ in range(2):
        await programme.accrue("ana", "p1", 50)
    assert await subject.has("ana") == (450, 0)
    for _ in range(2):
        await programme.reverse("ana", "p1")
    assert await subject.has("ana") == (1_050, 0)
    for _ in range(2):
        await programme.release("ana", "p1")
    assert await subject.has("ana") == (1_050, 0)


async def test_a_release_frees_what_is_held_once(subject: Subject) -> None:
    await subject.programme.hold("ana", "p1", 600)
    for _ in range(2):
        await subject.programme.release("ana", "p1")
    assert await subject.has("ana") == (1_000, 0)


async def test_a_hold_after_its_release_is_refused(subject: Subject) -> None:
    await subject.programme.release("ana", "p1")
    with pytest.raises(Refused, match="fenced"):
        await subject.programme.hold("ana", "p1", 600)
    assert await subject.has("ana") == (1_000, 0)


async def test_what_is_not_held_cannot_be_redeemed(subject: Subject) -> None:
    with pytest.raises(Refused, match="not_held"):
        await subject.programme.redeem("ana", "p1", 600)


async def test_a_redemption_after_its_reversal_is_refused_and_its_hold_can_be_released(subject: Subject) -> None:
    await subject.programme.hold("ana", "p1", 600)
    await subject.programme.reverse("ana", "p1")
    with pytest.raises(Refused, match="fenced"):
        await subject.programme.redeem("ana", "p1", 600)
    assert await subject.has("ana") == (400, 600)
    await subject.programme.release("ana", "p1")
    assert await subject.has("ana") == (1_000, 0)


async def test_nobody_without_account_holds_or_earns(subject: Subject) -> None:
    with pytest.raises(Refused, match="insufficient_miles"):
        await subject.programme.hold("nobody", "p1", 1)
    with pytest.raises(Refused, match="no_account"):
        await subject.programme.accrue("nobody", "p1", 1)


async def test_purchases_at_once_never_overdraw(subject: Subject) -> None:
    outcomes = await asyncio.gather(
        *(subject.programme.hold("ana", f"p{n}", 70) for n in range(30)), return_exceptions=True
    )
    assert [outcome for outcome in outcomes if outcome is not None and not isinstance(outcome, Refused)] == []
    assert await subject.has("ana") == (1_000 - 14 * 70, 14 * 70)
