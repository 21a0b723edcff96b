"""An endpoint that asks for patience has it, whichever process has its target by then."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from services.delivery.cases.known import TARGETS
from services.delivery.cases.noting import Noting
from services.delivery.cases.stance import Stance
from services.delivery.domain.state import TargetState, resumed
from services.delivery.domain.verdicts import Verdict
from shared.bus.outbox import Outbox
from shared.contracts.buses import TargetTerms
from shared.kernel.values import changed
from shared.store import open_store
from shared.store.repository import Repository
from tests.kit.clock import HandClock
from tests.kit.runtime import TestRuntime

PLACE = ("fuel", "bi")
TERMS = TargetTerms(webhook="https://bi.example/")
AGREED = TargetState(id="fuel/bi", verified=TERMS.webhook)


def nothing() -> None:
    """Nobody consumes here."""


@pytest.fixture
async def states(tmp_path: Path) -> AsyncIterator[Repository[TargetState]]:
    store = open_store("delivery", tmp_path)
    made = Repository(store.collection(TARGETS), TargetState, key=lambda each: each.id)
    await store.open()
    await made.save(AGREED, version=0)
    yield made
    await store.close()


@pytest.fixture
def noting(states: Repository[TargetState], clock: HandClock, tmp_path: Path) -> Noting:
    runtime = TestRuntime(tmp_path / "other", clock)
    outbox = Outbox("milesaga/delivery", runtime.publisher, clock, runtime.ids)
    return Noting(states, cast("Any", None), cast("Any", None), outbox, clock)


async def test_the_longest_rest_is_kept_by_who_comes_after(
    states: Repository[TargetState], noting: Noting, clock: HandClock
) -> None:
    before = Stance(TERMS, AGREED, nothing)
    for minutes in (1, 20):
        before.under_way += 1
        before.left(Verdict("wait", "http_429", timedelta(minutes=minutes)), TERMS.webhook, probe=False)
        await noting.note(PLACE, before)
    stored = await states.load("fuel/bi")
    assert stored is not None
    until = stored.value.rests_until
    assert until is not None
    assert timedelta(minutes=19) < until - clock.now() <= timedelta(minutes=20)
    await noting.note(PLACE, before)
    again = await states.load("fuel/bi")
    assert again is not None
    assert again.version == stored.version, "the same rest is noted once"

    after = Stance(TERMS, stored.value, nothing)
    after.rests(until, clock.now())
    assert not after.may_send()
    later = Stance(TERMS, stored.value, nothing)
    later.rests(until, until + timedelta(seconds=1))
    assert later.may_send()


async def test_what_a_person_has_changed_since_it_was_read_stays(
    states: Repository[TargetState], noting: Noting, clock: HandClock
) -> None:
    """The process that has the target is about to note a rest, and looks at what it read before."""
    stored = await states.load("fuel/bi")
    assert stored is not None
    gone = changed(stored.value, gone_since=clock.now(), fault="http_410")
    read = await states.save(gone, version=stored.version)
    stance = Stance(TERMS, read.value, nothing)
    await states.save(changed(resumed(read.value, clock.now()), fault=None), version=read.version)
    stance.under_way += 1
    stance.left(Verdict("wait", "http_429", timedelta(minutes=1)), TERMS.webhook, probe=False)
    await noting.note(PLACE, stance)
    after = await states.load("fuel/bi")
    assert after is not None
    assert (after.value.gone_since, after.value.verified, after.value.fault) == (None, None, None)
    assert after.value.rests_until is not None
