"""Dead letters of partners' targets: an operator settles them as far as another person has agreed."""

import json
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.delivery import app
from services.delivery.cases.configuring import Configuring
from services.delivery.cases.known import BUSES, CLIENTS
from services.delivery.domain.clients import KnownClients
from services.delivery.domain.target import KnownBus
from services.delivery.http.choosing import MOST_AGREED, ONE_BY_ONE
from shared.bus.arrival import OUR_OWN, Arrival
from shared.bus.dead_letters import DISCARD, RETRY_ALL, Choice, DeadLetter, Reborn
from shared.contracts.buses import TargetTerms
from shared.contracts.copies import Copy, target_queue
from shared.contracts.delivery import ConfigureClients, ConfigureTargets
from shared.runtime.keeping import Keeping
from tests.component.releases.acts import agreed, asking
from tests.component.releases.desk import Desk
from tests.kit.clock import HandClock
from tests.kit.runtime import TestRuntime

DEAD = "/v1/hub/targets/fuel/books/dead"
QUEUE = target_queue("fuel", "books")
PARTNERS, OPERATORS = "hub:read hub:write", "ops:read ops:write hub:read hub:write"
FAULT = "fuel/books:rejected"
ACTIONS = {"redrive": RETRY_ALL, "discard": DISCARD}
Json = dict[str, Any]


class Buried:
    """The `Letters` port in memory: they are chosen and leave, no broker there."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.there: list[DeadLetter] = []
        self.most: list[int] = []

    def bury(self, *numbers: int) -> None:
        self.there += [letter(number, self.clock) for number in numbers]

    @property
    def ids(self) -> list[str]:
        return [each.id for each in self.there]

    async def listed(self, queue: str, limit: int) -> Sequence[DeadLetter]:
        assert queue == QUEUE
        return self.there[:limit]

    async def redrive(self, queue: str, chosen: Choice, reborn: Reborn, most: int) -> int:
        assert all(reborn(each) for each in self.there)
        return await self.discard(queue, chosen, most)

    async def discard(self, queue: str, chosen: Choice, most: int) -> int:
        assert queue == QUEUE
        going = [each for each in self.there if chosen(each)][:most]
        self.there = [each for each in self.there if each not in going]
        self.most.append(most)
        return len(going)


def letter(number: int, clock: HandClock) -> DeadLetter:
    copy = Copy(
        hubid=f"0198c0de-0000-7000-8000-{number:012d}",
        accepted_at=clock.now(),
        partner="coles",
        bus="fuel",
        target="books",
        rule="all",
        deliveryid=f"msg_{number}",
        attributes={"specversion": "1.0", "id": str(number), "source": "/x", "type": "a.b.v1"},
        body=b"{}",
    )
    return DeadLetter(
        service=copy.queue,
        handle=handle(number),
        id=str(number),
        source="/x",
        type="a.b.v1",
        purchase_id="",
        reason="",
        exception="rejected",
        fingerprint=FAULT,
        attempts=1,
        first_failed_at=clock.now(),
        last_failed_at=clock.now(),
        is_cut=False,
        came=Arrival(OUR_OWN, f"{copy.queue}.dead", copy.headers(), ""),
        body=copy.body,
    )


def handle(number: int) -> str:
    return f"{number:012x}"


@pytest.fixture
async def letters(tmp_path: Path, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> Buried:
    """Of the target `books`, which delivery knows; who asks is its partner's client."""
    keeping = Keeping(TestRuntime(tmp_path, clock), "delivery")
    buses = keeping.documents(BUSES, KnownBus, silent=True)
    clients = keeping.documents(CLIENTS, KnownClients, silent=True)
    await keeping.store.open()
    command = ConfigureTargets(bus="fuel", revision=1, partner="coles", targets={"books": TargetTerms(queue=True)})
    configuring = Configuring(buses, clients)
    await configuring.configure(command)
    await configuring.configure_clients(ConfigureClients(partner="coles", position=1, clients=("deployer",)))
    await keeping.store.close()
    buried = Buried(clock)
    monkeypatch.setattr(app, "BrokerLetters", lambda _: buried)
    return buried


@pytest.fixture
async def operator(letters: Buried, tmp_path: Path, clock: HandClock, gated: Desk) -> AsyncIterator[httpx.AsyncClient]:
    async with asking(app.compose, tmp_path, clock, gated, OPERATORS) as client:
        yield client


async def settle(by: httpx.AsyncClient, what: str, chosen: Json, grant: str = "") -> httpx.Response:
    headers = {"Milesaga-Grant": grant} if grant else {}
    return await by.post(f"{DEAD}/{what}", content=json.dumps(chosen), headers=headers)


async def leave(desk: Desk, what: str, chosen: Json, action: str, key: str = "k-1") -> str:
    return await agreed(desk, json.dumps(chosen).encode(), f"{DEAD}/{what}", "POST", action=action, key=key)


@pytest.mark.parametrize(("what", "action"), ACTIONS.items())
async def test_letters_are_settled_by_their_own_grant_once(
    operator: httpx.AsyncClient, letters: Buried, gated: Desk, what: str, action: str
) -> None:
    letters.bury(1, 2, 3)
    chosen = {"ids": [handle(1), handle(2)]}
    assert (await settle(operator, what, chosen)).json()["code"] == "grant_required"
    (other,) = set(ACTIONS.values()) - {action}
    void = await leave(gated, what, chosen, other)
    assert (await settle(operator, what, chosen, void)).json()["code"] == "grant_void"
    grant = await leave(gated, what, chosen, action, "k-2")
    more = await settle(operator, what, {"ids": [handle(1), handle(2), handle(3)]}, grant)
    assert more.json()["code"] == "payload_changed"
    assert letters.ids == ["1", "2", "3"], "nothing was done"
    done = await settle(operator, what, chosen, grant)
    assert (done.status_code, done.json()) == (200, {"done": 2, "left": 0, "more": False})
    again = await settle(operator, what, chosen, grant)
    assert (again.status_code, again.json()["code"]) == (409, "grant_used")
    assert letters.ids == ["3"]


@pytest.mark.parametrize("what", ACTIONS)
@pytest.mark.parametrize("bound", [{"all": True}, {"fingerprint": FAULT}, {"from": "2020-01-01T00:00:00Z"}])
async def test_nobody_agrees_to_letters_that_are_yet_to_die(
    operator: httpx.AsyncClient, letters: Buried, gated: Desk, what: str, bound: Json
) -> None:
    letters.bury(1)
    grant = await leave(gated, what, bound, ACTIONS[what])
    refused = await settle(operator, what, bound, grant)
    assert (refused.status_code, refused.json()["code"]) == (409, "grant_required")
    assert letters.ids == ["1"]


async def test_what_had_died_by_a_time_goes_by_one_grant_and_what_died_later_stays(
    operator: httpx.AsyncClient, letters: Buried, gated: Desk, clock: HandClock
) -> None:
    letters.bury(*range(600))
    clock.pass_by(seconds=1)
    chosen = {"until": clock.now().isoformat()}
    clock.pass_by(seconds=1)
    letters.bury(601)
    grant = await leave(gated, "discard", chosen, DISCARD)
    done = await settle(operator, "discard", chosen, grant)
    assert done.json() == {"done": 600, "left": 0, "more": False}
    assert (letters.ids, letters.most) == (["601"], [MOST_AGREED])


async def test_one_letter_is_sent_once_more_as_usual_and_all_of_them_one_by_one_are_not(
    operator: httpx.AsyncClient, letters: Buried, clock: HandClock
) -> None:
    letters.bury(*range(12))
    answers = [await settle(operator, "redrive", {"ids": [handle(n)]}) for n in range(12)]
    assert [each.status_code for each in answers] == [200] * ONE_BY_ONE.burst + [409] * 2
    assert answers[-1].json()["code"] == "grant_required"
    assert (await settle(operator, "discard", {"ids": [handle(10)]})).json()["code"] == "grant_required"
    clock.pass_by(seconds=int(timedelta(minutes=7).total_seconds()))
    assert (await settle(operator, "redrive", {"ids": [handle(10)]})).status_code == 200
    assert letters.ids == ["11"]


async def test_a_partner_settles_its_own_letters_as_it_likes(
    letters: Buried, tmp_path: Path, clock: HandClock, gated: Desk
) -> None:
    letters.bury(1, 2)
    async with asking(app.compose, tmp_path, clock, gated, PARTNERS) as partner:
        assert (await settle(partner, "redrive", {"ids": [handle(1), handle(2)]})).json()["done"] == 2
        letters.bury(3)
        assert (await settle(partner, "discard", {"all": True})).json()["done"] == 1


async def test_a_silent_gate_leaves_letters_where_they_are(
    operator: httpx.AsyncClient, letters: Buried, gated: Desk
) -> None:
    letters.bury(1)
    grant = await leave(gated, "discard", {"ids": [handle(1)]}, DISCARD)
    await gated.service.store.close()  # type: ignore[union-attr]
    silent = await settle(operator, "discard", {"ids": [handle(1)]}, grant)
    assert (silent.status_code, silent.json()["code"]) == (503, "gate_unreachable")
    assert letters.ids == ["1"]
