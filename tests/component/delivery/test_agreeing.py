"""What an endpoint says when it is asked whether it may be sent events, and what is kept of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from services.delivery.cases.deciding import Deciding
from services.delivery.cases.known import TARGETS
from services.delivery.cases.noting import disagree
from services.delivery.cases.verifying import Verifying
from services.delivery.domain.signing import Key
from services.delivery.domain.state import TargetState
from services.delivery.domain.verdicts import Answer
from shared.contracts.buses import TargetTerms
from shared.store import open_store
from shared.store.repository import Repository
from tests.kit.clock import HandClock
from tests.kit.runtime import TestRuntime

HOOK = "https://bi.coles.example/hook"
TERMS = TargetTerms(webhook=HOOK, rate=50)
ORIGIN = "hub.example"


class Endpoint:
    """The port, as one endpoint would answer."""

    def __init__(self) -> None:
        self.allows: str | None = None
        self.status = 200

    async def ask(self, *_: object) -> Answer:
        told = {"webhook-allowed-origin": ORIGIN} | ({"webhook-allowed-rate": self.allows} if self.allows else {})
        return Answer(status=self.status, headers=told)

    async def post(self, *_: object) -> Answer:
        return Answer(status=self.status, headers={})


class NoKeys:
    async def live(self, _: str) -> list[Key]:
        return []


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
async def deciding(tmp_path: Path, endpoint: Endpoint) -> AsyncIterator[Deciding]:
    runtime = TestRuntime(tmp_path, HandClock())
    store = open_store("delivery", tmp_path)
    states = Repository(store.collection(TARGETS), TargetState, key=lambda each: each.id)
    await store.open()
    keyring = cast(Any, {"hmac": NoKeys()})
    yield Deciding(
        states, Verifying(endpoint, keyring, runtime.clock, runtime.ids, lambda _: "coles", ORIGIN), runtime.clock
    )
    await store.close()


async def state(deciding: Deciding) -> TargetState:
    stored = await deciding.states.load("fuel/bi")
    assert stored is not None
    return stored.value


async def test_a_rate_that_has_changed_is_in_force_after_it_is_asked_again(
    deciding: Deciding, endpoint: Endpoint
) -> None:
    for allows, rate in (("600", 10.0), ("60", 1.0), ("60000", 50.0), (None, 50.0)):
        endpoint.allows = allows
        assert (await deciding.verify("fuel", "bi", TERMS)).agrees
        assert (await state(deciding)).allowed(TERMS) == rate


async def test_whoever_agrees_by_a_test_is_sent_no_more_than_its_handshake_allows(
    deciding: Deciding, endpoint: Endpoint
) -> None:
    endpoint.allows = "120"
    assert (await deciding.test("fuel", "bi", TERMS)).agrees
    stands = await state(deciding)
    assert (stands.verified, stands.allowed(TERMS)) == (HOOK, 2.0)


async def test_why_it_has_not_agreed_is_kept_until_it_does(deciding: Deciding, endpoint: Endpoint) -> None:
    endpoint.status = 503
    for act in (deciding.verify, deciding.test):
        assert not (await act("fuel", "bi", TERMS)).agrees
        stands = await state(deciding)
        assert (stands.verified, stands.fault) == (None, "http_503")
    endpoint.status = 200
    await deciding.verify("fuel", "bi", TERMS)
    assert (await state(deciding)).fault is None


async def test_one_that_agreed_is_not_undone_by_an_answer_that_came_late(deciding: Deciding) -> None:
    await deciding.verify("fuel", "bi", TERMS)
    await disagree(deciding.states, "fuel/bi", HOOK, "http_503")
    stands = await state(deciding)
    assert (stands.verified, stands.fault) == (HOOK, None)


async def test_what_says_the_same_is_not_saved_once_more(deciding: Deciding, endpoint: Endpoint) -> None:
    for status in (503, 200):
        endpoint.status = status
        await deciding.verify("fuel", "bi", TERMS)
        before = await deciding.states.load("fuel/bi")
        await deciding.verify("fuel", "bi", TERMS)
        after = await deciding.states.load("fuel/bi")
        assert before is not None
        assert after is not None
        assert before.version == after.version
