"""A file is tried on the past: what each rule gains and loses is what comparing event by event says."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from unittest.mock import Mock

import pytest

from services.archive.cases import threads
from services.archive.cases.backtesting import Backtesting
from services.archive.domain.backtest import Backtest
from tests.component.archive.vault import HubInMind, Json, Vault
from tests.kit.clock import HandClock
from tests.unit.routing.samples import ISSUED, a_rule, terms

BACKTESTS = "/v1/hub/backtests"


def over(least: int, *, store: str = "") -> Json:
    data: Json = {"total": [{"numeric": [">=", least]}]} | ({"store": [store]} if store else {})
    return {"type": [ISSUED], "data": data}


def body(start: Any, end: Any, bus: Any, **more: Any) -> Json:
    file = bus.model_dump(mode="json", by_alias=True)
    return {"name": "fuel", "bus": file, "from": start.isoformat(), "to": end.isoformat(), **more}


async def outcome(vault: Vault, asked: Json) -> Json:
    answer = await vault.ask("POST", BACKTESTS, asked)
    assert answer.status_code == 202, answer.text
    await vault.once("backtests")
    await vault.settled()
    found: Json = await vault.get(f"{BACKTESTS}/{answer.json()['id']}")
    return found


@pytest.mark.parametrize("seed", range(5))
async def test_gained_and_lost_are_what_brute_force_finds(
    vault: Vault, hub: HubInMind, clock: HandClock, seed: int
) -> None:
    chance = random.Random(seed)
    hub.put(
        "fuel", terms(a_rule("changed", when=over(50)), a_rule("gone", when=over(90)), a_rule("same", when=over(10)))
    )
    candidate = terms(
        a_rule("changed", when=over(30, store="a")), a_rule("same", when=over(10)), a_rule("new", when=over(70))
    )
    start = clock.now()
    totals = {}
    for _ in range(60):
        event = vault.event(total=chance.randrange(100), store=chance.choice("ab"))
        totals[event.hubid] = event.event["data"]
        for _ in range(chance.choice([1, 1, 2])):
            await vault.keep(event)
    clock.pass_by(hours=2)

    found = await outcome(vault, body(start, clock.now(), candidate))

    def matching(least: int, store: str = "ab") -> set[str]:
        return {hubid for hubid, data in totals.items() if data["total"] >= least and data["store"] in store}

    expected = {
        "changed": (matching(30, "a"), matching(50)),
        "gone": (set(), matching(90)),
        "same": (matching(10), matching(10)),
        "new": (matching(70), set()),
    }
    assert (found["state"], found["events"], found["revision"]) == ("done", 60, 1)
    assert {each["name"] for each in found["rules"]} == set(expected)
    for rule in found["rules"]:
        now, before = expected[rule["name"]]
        assert set(rule["gained_ids"]) == now - before, rule["name"]
        assert set(rule["lost_ids"]) == before - now, rule["name"]
        counts = (rule["matched"], rule["gained"], rule["lost"], rule["per_hour"])
        assert counts == (len(now), len(now - before), len(before - now), len(now) / 2)


async def test_a_share_is_the_same_part_each_time(vault: Vault, clock: HandClock) -> None:
    start = clock.now()
    await vault.keep(*(vault.event(total=1) for _ in range(400)))
    clock.pass_by(seconds=1)
    asked = body(start, clock.now(), terms(a_rule()), share=25)
    first, again = [await outcome(vault, asked) for _ in range(2)]
    assert 60 <= first["events"] <= 140
    assert first["rules"] == again["rules"]
    assert first["rules"][0]["gained"] == first["events"]


async def test_one_whose_replica_died_is_begun_again(vault: Vault, clock: HandClock) -> None:
    start = clock.now()
    await vault.keep(vault.event(total=1))
    clock.pass_by(seconds=1)
    answer = await vault.ask("POST", BACKTESTS, body(start, clock.now(), terms(a_rule())))
    await vault.once("backtests")
    await vault.backtests_stopped()
    clock.pass_by(seconds=10)
    await vault.once("backtests")
    await vault.settled()
    found = await vault.get(f"{BACKTESTS}/{answer.json()['id']}")
    assert (found["state"], found["events"]) == ("done", 1)


async def steered(vault: Vault, path: str, state: str) -> Json:
    answer = await vault.ask("PATCH", path, {"state": state}, headers={"If-Match": "*"})
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


@pytest.fixture
def at_each_start(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Have each runner be asked for a state as soon as it has begun; it hears that behind one event."""
    monkeypatch.setattr("services.archive.cases.backtesting.RENEWS", 0.0)
    monkeypatch.setattr(threads, "_made", lambda steps, _, moment, made=threads._made: made(steps, 1, moment))
    beside = Backtesting._beside

    def install(state: str) -> None:
        async def asked_for(self: Backtesting, held: Backtest) -> Any:
            found = await beside(self, held)
            await self.ask(held.id, state, lambda _: None)
            return found

        monkeypatch.setattr(Backtesting, "_beside", asked_for)

    return install


async def test_one_that_is_paused_again_and_again_finds_what_another_one_finds(
    vault: Vault, hub: HubInMind, clock: HandClock, at_each_start: Callable[[str], None]
) -> None:
    """Each run deals with one event, and goes on beside the revision of the first, whatever is in force by now."""
    hub.put("fuel", terms(a_rule(when=over(50))))
    start = clock.now()
    await vault.keep(*(vault.event(total=total) for total in (10, 40, 60, 80)))
    clock.pass_by(hours=1)
    asked = body(start, clock.now(), terms(a_rule(when=over(30))))
    whole = await outcome(vault, asked)
    assert whole["events"] == 4

    at_each_start("paused")
    path = (await vault.ask("POST", BACKTESTS, asked)).headers["Location"]
    for events in range(1, 5):
        await vault.once("backtests")
        await vault.settled()
        found = await vault.get(path)
        assert (found["state"], found["events"]) == ("paused", events)
        await vault.once("backtests")
        assert (await vault.get(path))["events"] == events, "it rests until somebody says more"
        hub.put("fuel", terms(a_rule(when=over(events))))
        await steered(vault, path, "running")
    at_each_start("running")
    await vault.once("backtests")
    await vault.settled()
    found = await vault.get(path)
    same = ("state", "events", "undecided", "revision", "rules")
    assert {name: found[name] for name in same} == {name: whole[name] for name in same}


async def test_one_that_is_cancelled_ends_and_leaves_its_place(
    vault: Vault, clock: HandClock, at_each_start: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.archive.cases.backtesting.MOST_OPEN", 1)
    start = clock.now()
    await vault.keep(*(vault.event(total=60) for _ in range(3)))
    clock.pass_by(hours=1)
    asked = body(start, clock.now(), terms(a_rule()))
    at_each_start("cancelled")
    path = (await vault.ask("POST", BACKTESTS, asked)).headers["Location"]
    assert (await vault.ask("POST", BACKTESTS, asked)).status_code == 429
    await vault.once("backtests")
    await vault.settled()
    found = await vault.get(path)
    assert (found["state"], found["events"], found["ended_at"] is None) == ("cancelled", 1, False)
    assert (await vault.ask("POST", BACKTESTS, asked)).status_code == 202
    again = await vault.ask("PATCH", path, {"state": "running"}, headers={"If-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (409, "not_possible")
    assert again.json()["detail"] == "a back-test that is cancelled cannot be running"


async def test_one_that_was_paused_is_not_lost_with_its_runner(
    vault: Vault, clock: HandClock, at_each_start: Callable[[str], None]
) -> None:
    start = clock.now()
    await vault.keep(*(vault.event(total=60) for _ in range(3)))
    clock.pass_by(hours=1)
    at_each_start("running")
    path = (await vault.ask("POST", BACKTESTS, body(start, clock.now(), terms(a_rule())))).headers["Location"]
    await vault.once("backtests")
    await vault.backtests_stopped()
    await steered(vault, path, "paused")
    await steered(vault, path, "running")
    await vault.once("backtests")
    await vault.settled()
    found = await vault.get(path)
    assert (found["state"], found["events"]) == ("done", 3)


async def test_who_does_not_know_how_it_is_changes_nothing(vault: Vault, clock: HandClock) -> None:
    asked = body(clock.now() - timedelta(hours=1), clock.now(), terms(a_rule()))
    made = await vault.ask("POST", BACKTESTS, asked)
    path, tag = made.headers["Location"], made.headers["ETag"]
    pause: Json = {"state": "paused"}
    assert (await vault.ask("PATCH", path, pause)).status_code == 428
    first = await vault.ask("PATCH", path, pause, headers={"If-Match": tag})
    assert (first.status_code, first.json()["state"]) == (200, "paused")
    stale = await vault.ask("PATCH", path, {"state": "cancelled"}, headers={"If-Match": tag})
    assert stale.status_code == 412
    wrong = await vault.ask("PATCH", path, {"state": "done"}, headers={"If-Match": "*"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/state")


async def test_a_partner_lists_and_steers_its_own(vault: Vault, clock: HandClock) -> None:
    times = clock.now() - timedelta(hours=1), clock.now()
    coles: Json = {"scope": "archive:read", "subject": "coles-tills"}
    aldi: Json = {"scope": "archive:read", "subject": "aldi-tills"}
    paths = []
    for _ in range(12):
        clock.pass_by(seconds=1)
        made = await vault.ask("POST", BACKTESTS, body(*times, terms(a_rule())), **coles)
        paths.append(made.headers["Location"])
    first = (await vault.ask("GET", BACKTESTS, **coles)).json()
    second = (await vault.ask("GET", BACKTESTS, cursor=first["next_cursor"], **coles)).json()
    listed = [f"{BACKTESTS}/{each['id']}" for each in (*first["backtests"], *second["backtests"])]
    assert listed == paths[::-1]
    assert second["next_cursor"] is None
    assert "rules" not in first["backtests"][0]
    assert (await vault.ask("GET", BACKTESTS, **aldi)).json()["backtests"] == []
    cancelling: Json = {"headers": {"If-Match": "*"}, **aldi}
    assert (await vault.ask("PATCH", paths[0], {"state": "cancelled"}, **cancelling)).status_code == 404
    assert (await vault.get(BACKTESTS))["backtests"][0]["owner"] == "coles"


async def test_who_may_only_read_steers_what_he_asked_for_alone(vault: Vault, clock: HandClock) -> None:
    asked = body(clock.now() - timedelta(hours=1), clock.now(), terms(a_rule()))
    path = (await vault.ask("POST", BACKTESTS, asked, scope="ops:read", subject="ana")).headers["Location"]
    codes = []
    for who, scope, state in (
        ("ben", "ops:read", "paused"),
        ("ana", "ops:read", "paused"),
        ("ben", "ops:read ops:write", "cancelled"),
    ):
        steering: Json = {"scope": scope, "subject": who, "headers": {"If-Match": "*"}}
        codes.append((await vault.ask("PATCH", path, {"state": state}, **steering)).status_code)
    assert codes == [403, 200, 200]


async def test_one_that_cannot_be_carried_out_ends_so_and_is_not_begun_again(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(*_: Any) -> None:
        raise KeyError("a fault of ours")

    monkeypatch.setattr("services.archive.domain.backtest._matched", wrong)
    start = clock.now()
    await vault.keep(vault.event(total=60))
    clock.pass_by(hours=1)
    found = await outcome(vault, body(start, clock.now(), terms(a_rule("new", when=over(50)))))
    assert (found["state"], found["reason"]) == ("failed", "KeyError")


async def test_so_many_of_one_owner_are_open(vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.archive.cases.backtesting.MOST_OPEN", 2)
    asked = body(clock.now(), clock.now() + timedelta(hours=1), terms(a_rule("new", when=over(50))))
    answers = [await vault.ask("POST", BACKTESTS, asked) for _ in range(3)]
    assert [each.status_code for each in answers] == [202, 202, 429]
    assert answers[2].json()["code"] == "too_many_jobs"
    await vault.once("backtests")
    await vault.settled()
    assert (await vault.ask("POST", BACKTESTS, asked)).status_code == 202


async def test_one_that_fails_after_it_has_said_that_it_lives_ends_so_too(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or it would be begun again for ever, since its end could not be saved."""
    matched = Mock(side_effect=[frozenset(), KeyError("a fault of ours")])
    monkeypatch.setattr("services.archive.domain.backtest._matched", matched)
    monkeypatch.setattr("services.archive.cases.backtesting.RENEWS", 0.0)
    monkeypatch.setattr(threads, "_made", lambda steps, _, moment, made=threads._made: made(steps, 1, moment))
    start = clock.now()
    await vault.keep(vault.event(total=60), vault.event(total=60))
    clock.pass_by(hours=1)
    found = await outcome(vault, body(start, clock.now(), terms(a_rule("new", when=over(50)))))
    assert (found["state"], found["reason"]) == ("failed", "KeyError")
    assert matched.call_count == 2


async def test_so_many_events_are_named_over_all_rules_and_all_are_counted(
    vault: Vault, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.archive.domain.backtest.MOST_IDS_IN_ALL", 3)
    start = clock.now()
    await vault.keep(vault.event(total=60), vault.event(total=60))
    clock.pass_by(hours=1)
    rules = terms(a_rule("one", when=over(50)), a_rule("two", when=over(50)))
    found = await outcome(vault, body(start, clock.now(), rules))
    assert [(each["gained"], len(each["gained_ids"])) for each in found["rules"]] in [
        [(2, 2), (2, 1)],
        [(2, 1), (2, 2)],
    ]


async def test_a_partner_tries_its_own_buses_on_what_it_may_see(vault: Vault, hub: HubInMind, clock: HandClock) -> None:
    times = clock.now() - timedelta(hours=1), clock.now()
    coles: Json = {"scope": "archive:read", "subject": "coles-tills"}
    aldi: Json = {"scope": "archive:read", "subject": "aldi-tills"}
    made = await vault.ask("POST", BACKTESTS, body(*times, terms(a_rule())), **coles)
    assert made.status_code == 202
    assert (await vault.ask("GET", f"{BACKTESTS}/{made.json()['id']}", **aldi)).status_code == 404
    assert (await vault.ask("POST", BACKTESTS, body(*times, terms(a_rule())), **aldi)).status_code == 404
    opened = await vault.ask("POST", BACKTESTS, body(*times, terms(a_rule(), publishers=["*"])), **coles)
    assert (opened.status_code, opened.json()["code"]) == (403, "operators_only")
    hub.put("fuel", terms(a_rule(), partner="aldi"))
    assert (await vault.ask("POST", BACKTESTS, body(*times, terms(a_rule())), **coles)).status_code == 404


async def test_an_older_revision_is_compared_with_where_it_is_named(
    vault: Vault, hub: HubInMind, clock: HandClock
) -> None:
    start = clock.now()
    for least in (10, 50, 90):
        hub.put("fuel", terms(a_rule(when=over(least))))
    await vault.keep(*(vault.event(total=total) for total in range(100)))
    clock.pass_by(seconds=1)
    asked = body(start, clock.now(), terms(a_rule(when=over(60))))
    lost = {}
    for revision in (1, 2, None):
        found = await outcome(vault, asked | ({"revision": revision} if revision else {}))
        lost[found["revision"]] = (found["rules"][0]["gained"], found["rules"][0]["lost"])
    assert lost == {1: (0, 50), 2: (0, 10), 3: (30, 0)}
    assert (await vault.ask("POST", BACKTESTS, asked | {"revision": 4})).status_code == 404


async def test_what_a_bus_said_when_it_was_anothers_is_not_compared_with(
    vault: Vault, hub: HubInMind, clock: HandClock
) -> None:
    hub.put("fuel", terms(a_rule(), partner="aldi"))
    hub.put("fuel", terms(a_rule()))
    asked = body(clock.now() - timedelta(hours=1), clock.now(), terms(a_rule()), revision=1)
    coles: Json = {"scope": "archive:read", "subject": "coles-tills"}
    assert (await vault.ask("POST", BACKTESTS, asked, **coles)).status_code == 404
    assert (await vault.ask("POST", BACKTESTS, asked)).status_code == 202


async def test_a_candidate_that_is_no_bus_is_refused_by_its_place(vault: Vault, clock: HandClock) -> None:
    times = clock.now() - timedelta(hours=1), clock.now()
    answer = await vault.ask("POST", BACKTESTS, body(*times, terms(a_rule(when={"type": "scalar"}))))
    assert answer.status_code == 422
    assert [each["pointer"] for each in answer.json()["errors"]] == ["/bus/rules/0/when/type"]


async def test_a_candidate_that_says_a_name_twice_is_refused(vault: Vault, clock: HandClock) -> None:
    asked = body(clock.now() - timedelta(hours=1), clock.now(), terms(a_rule()))
    twice = json.dumps(asked).replace('"enabled": true', '"enabled": false, "enabled": true').encode()
    answer = await vault.ask("POST", BACKTESTS, twice, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_json"), answer.text
    assert answer.json()["errors"][0]["pointer"] == "/bus/enabled"
