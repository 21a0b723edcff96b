"""What was accepted is counted by partner, class of keeping and minute: duplicates and refusals are not."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.component.hub.counter import Counter
from tests.component.hub.test_trying import BATCH, EVENT, a_type, sent
from tests.kit.clock import HandClock
from tests.unit.routing.samples import ISSUED

SHORT = "retail.short.v1"


async def counts(hub: Counter, start: datetime, end: datetime) -> list[tuple[str, str, datetime, int]]:
    times = {"from": start.isoformat(), "to": end.isoformat()}
    answer = await hub.ask("GET", "/v1/hub/accepted", params=times)
    assert answer.status_code == 200, answer.text
    assert answer.json()["next_cursor"] is None
    return [
        (each["partner"], each["keep"], datetime.fromisoformat(each["minute"]), each["events"])
        for each in answer.json()["minutes"]
    ]


def events(*ids: str, kind: str = ISSUED) -> list[Any]:
    return [EVENT | {"id": id_, "type": kind} for id_ in ids]


async def test_each_event_counts_in_the_minute_of_its_acceptance(hub: Counter, clock: HandClock) -> None:
    await a_type(hub)
    await a_type(hub, SHORT, keep="P30D")
    start = clock.now()
    minute = start.replace(second=0, microsecond=0)
    await sent(hub, *events("a", "b"), *events("c", kind=SHORT), *events("a"))
    clock.pass_by(minutes=1)
    await sent(hub, *events("b", "d"))
    later = minute + timedelta(minutes=1)
    first = [("coles", "P30D", minute, 1), ("coles", "forever", minute, 2)]
    assert sorted(await counts(hub, start, clock.now())) == first
    clock.pass_by(milliseconds=1)
    assert sorted(await counts(hub, start, clock.now())) == [*first, ("coles", "forever", later, 1)]
    assert await counts(hub, clock.now(), clock.now() + timedelta(hours=1)) == []


async def test_what_was_refused_is_not_counted(hub: Counter, clock: HandClock) -> None:
    await a_type(hub)
    await sent(hub, *events("a"))
    other = json.dumps([*events("new"), EVENT | {"id": "a", "source": "/other"}]).encode()
    answer = await hub.ask("POST", "/v1/events", other, by="coles", **BATCH)
    assert answer.status_code == 409
    clock.pass_by(seconds=1)
    assert [count for *_, count in await counts(hub, clock.now() - timedelta(hours=1), clock.now())] == [1]


@pytest.mark.parametrize(("hours", "status"), [(46.9, 200), (47.1, 422)])
async def test_what_may_be_forgotten_is_not_asked_for(
    hub: Counter, clock: HandClock, hours: float, status: int
) -> None:
    times = {"from": (clock.now() - timedelta(hours=hours)).isoformat(), "to": clock.now().isoformat()}
    answer = await hub.ask("GET", "/v1/hub/accepted", params=times)
    assert answer.status_code == status


async def test_counts_of_all_partners_are_for_operators(hub: Counter, clock: HandClock) -> None:
    times = {"from": clock.now().isoformat(), "to": clock.now().isoformat()}
    assert (await hub.ask("GET", "/v1/hub/accepted", by="coles", params=times)).status_code == 403
