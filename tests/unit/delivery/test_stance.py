"""How a process stands to an endpoint, while what its file says of it changes."""

import asyncio

import pytest

from services.delivery.cases.stance import Stance
from services.delivery.domain.breaker import IN_A_ROW
from services.delivery.domain.state import TargetState
from services.delivery.domain.verdicts import Verdict
from shared.contracts.buses import TargetTerms
from shared.kernel.values import changed

OLD = TargetTerms(webhook="https://old.example/", rate=1, burst=1)
NEW = changed(OLD, webhook="https://new.example/")
HEARD = (Verdict("gone", "http_410"), Verdict("wait", "http_429"), Verdict("target", "timeout"))


def agreed(terms: TargetTerms) -> TargetState:
    return TargetState(id="fuel/bi", verified=terms.webhook)


def heard(stance: Stance, verdict: Verdict, terms: TargetTerms) -> None:
    for _ in range(IN_A_ROW):
        stance.under_way += 1
        stance.left(verdict, terms.webhook, probe=False)


def is_open(stance: Stance) -> bool:
    return stance.may_send() and stance.breaker.phase(float("-inf")) == "closed"


@pytest.mark.parametrize("verdict", HEARD)
def test_what_an_endpoint_says_counts(verdict: Verdict) -> None:
    stance = Stance(OLD, agreed(OLD), lambda: None)
    heard(stance, verdict, OLD)
    assert not is_open(stance)


@pytest.mark.parametrize("verdict", HEARD)
def test_an_answer_from_the_url_before_says_nothing_of_the_new_one(verdict: Verdict) -> None:
    """It may have been under way when its partner wrote the new one into the file, and put the old one out of use."""
    stance = Stance(OLD, agreed(OLD), lambda: None)
    heard(stance, verdict, OLD)
    stance.told(NEW, agreed(NEW))
    assert is_open(stance)
    heard(stance, verdict, OLD)
    assert is_open(stance)
    assert (stance.under_way, stance.gone) == (0, False)


async def test_a_file_that_is_changed_gives_back_nothing_of_what_was_spent() -> None:
    stopped = asyncio.Event()
    stance = Stance(OLD, agreed(OLD), lambda: None)
    await stance.enter(stopped, probe=False)
    stance.told(changed(OLD, headers={"x-shop": "4711"}), agreed(OLD))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stance.enter(stopped, probe=False), 0.05)
