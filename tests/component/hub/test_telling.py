"""What the hub tells delivery: with each change, and whatever delivery says that it does not know."""

from dataclasses import replace

import pytest

from services.hub.cases import telling
from services.hub.cases.registering import PARTNERS
from shared.contracts.delivery import ConfigureClients, ConfigureTargets
from shared.contracts.hub import TellTargets
from shared.contracts.messages import Message
from tests.component.hub.counter import Counter, a_file
from tests.eventually import eventually
from tests.kit.clock import HandClock
from tests.kit.desk import an_envelope

PATH = "/v1/hub/partners/coles"


async def put(hub: Counter, *clients: str) -> None:
    answer = await hub.ask("PUT", PATH, {"clients": list(clients), "publishes": ["*"]})
    assert answer.status_code == 200, answer.text


async def said(hub: Counter, least: int) -> list[ConfigureClients]:
    """What was said of the partner's clients, when so much was."""
    found: list[ConfigureClients] = []

    def enough() -> bool:
        found[:] = [
            each for each in hub.runtime.recorder.said if isinstance(each, ConfigureClients) and each.partner == "coles"
        ]
        return len(found) >= least

    await eventually(enough)
    return found


async def answered(hub: Counter, question: TellTargets) -> list[Message]:
    """What is said to it, with what the hub says to itself."""
    before, answers = len(hub.runtime.recorder.said), list[Message]()
    while True:
        await hub.service.table[TellTargets](question, an_envelope(question))
        new = hub.runtime.recorder.said[before:]
        before += len(new)
        answers += [each for each in new if not isinstance(each, TellTargets)]
        rest = [each for each in new if isinstance(each, TellTargets)]
        if not rest:
            return answers
        (question,) = rest


def nothing_known(**known: int) -> TellTargets:
    return TellTargets(buses={}, partners=known)


async def test_every_change_of_a_partner_is_told_each_later_than_the_one_before(hub: Counter, clock: HandClock) -> None:
    await put(hub, "a", "b")
    await put(hub, "b")
    clock.pass_by(milliseconds=5)
    assert (await hub.ask("DELETE", PATH)).status_code == 204
    clock.pass_by(seconds=-60)
    await put(hub, "c")
    found = await said(hub, 5)
    by_position = sorted(found, key=lambda each: each.position)
    assert len({each.position for each in found}) == 5
    assert [each.clients for each in by_position if "c" not in each.clients] == [
        ("coles-tills",),
        ("a", "b"),
        ("b",),
        (),
    ]


async def test_a_partner_that_was_made_again_by_a_clock_that_is_behind_is_told_when_delivery_says_what_it_knows(
    hub: Counter, clock: HandClock
) -> None:
    await put(hub, "a")
    assert (await hub.ask("DELETE", PATH)).status_code == 204
    withdrawn = max(each.position for each in await said(hub, 3))
    clock.pass_by(seconds=-60)
    await put(hub, "c")
    await said(hub, 4)
    (told,) = await answered(hub, nothing_known(coles=withdrawn))
    assert isinstance(told, ConfigureClients)
    assert (told.position, told.clients) == (withdrawn + 1, ("c",))
    assert await answered(hub, nothing_known(coles=told.position)) == []


async def test_a_partner_that_is_no_more_has_no_clients_for_whoever_has_not_heard_of_it(hub: Counter) -> None:
    (told,) = await answered(hub, nothing_known(gone=7))
    assert isinstance(told, ConfigureClients)
    assert (told.partner, told.clients) == ("gone", ())
    assert told.position > 7


async def test_with_a_bus_its_owners_clients_are_told(hub: Counter) -> None:
    told = (await said(hub, 1))[-1]
    await hub.applied(a_file())
    assert (await said(hub, 2))[-1] == told
    (targets,) = [each for each in hub.runtime.recorder.said if isinstance(each, ConfigureTargets)]
    assert (targets.bus, targets.revision, targets.partner) == ("fuel", 1, "coles")


async def test_who_knows_nothing_is_told_all_there_is_and_was(hub: Counter) -> None:
    await hub.applied(a_file())
    await hub.applied(a_file(), "food")
    assert (await hub.ask("DELETE", "/v1/hub/buses/food")).status_code == 204
    for _ in range(2):
        clients, *buses = await answered(hub, nothing_known())
        assert isinstance(clients, ConfigureClients)
        assert clients.clients == ("coles-tills",)
        found = {each.bus: each for each in buses if isinstance(each, ConfigureTargets)}
        assert {name: (each.revision, list(each.targets)) for name, each in found.items()} == {
            "fuel": (1, ["bi"]),
            "food": (3, []),
        }
        known = TellTargets(buses={"fuel": 1, "food": 3}, partners={"coles": clients.position})
        assert await answered(hub, known) == []
        older = TellTargets(buses={"fuel": 1, "food": 2}, partners={"coles": clients.position - 1})
        assert await answered(hub, older) == [clients, found["food"]]


async def test_much_is_told_piece_by_piece(hub: Counter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST", 2)
    names = [f"bus-{number}" for number in range(5)]
    for name in names:
        await hub.applied(a_file(), name)
    question = nothing_known()
    await hub.service.table[TellTargets](question, an_envelope(question))
    last = hub.runtime.recorder.said[-1]
    assert isinstance(last, TellTargets)
    assert (len(last.buses), last.partners) == (2, None)
    told = await answered(hub, question)
    assert sorted(each.bus for each in told if isinstance(each, ConfigureTargets)) == names
    assert sum(isinstance(each, ConfigureClients) for each in told) == 1


async def test_what_an_earlier_release_saved_gets_a_position_that_is_newer_than_what_was_told(
    hub: Counter, clock: HandClock
) -> None:
    """Its processes say nothing of clients, and save a partner without a position."""
    await hub.applied(a_file())
    (before,) = [each for each in await answered(hub, nothing_known()) if isinstance(each, ConfigureClients)]
    store = hub.runtime.store("hub")
    collection = store.collection(PARTNERS)
    await store.open()
    stored = await collection.get("coles")
    assert stored is not None
    del stored.body["position"]
    await collection.save(replace(stored, body=stored.body | {"clients": ["theirs"]}))
    await store.close()
    clock.pass_by(minutes=1)
    (told,) = await answered(hub, TellTargets(buses={"fuel": 1}, partners={"coles": before.position}))
    assert isinstance(told, ConfigureClients)
    assert told.clients == ("theirs",)
    assert told.position > before.position
