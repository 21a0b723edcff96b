"""How a gated act ended reaches the log, though releases was away when it did."""

import json
from pathlib import Path

import httpx
import pytest

from services.miles.app import compose as compose_miles
from shared.outside.endings import KEPT
from shared.runtime.every import Every
from shared.runtime.service import Service
from tests.component.releases.acts import acting, agreed
from tests.component.releases.desk import Desk
from tests.kit.clock import HandClock

PATH = "/v1/miles/accounts/ana"
BODY = b'{"tier":"member","lots":[]}'


class Cut(httpx.AsyncBaseTransport):
    """The way to releases. While it is `away` nobody hears how anything ended; `lost` are answers alone. So many
    answers to redemptions are lost, too."""

    def __init__(self, whole: httpx.AsyncBaseTransport, redemptions: int = 0) -> None:
        self.whole, self.away, self.lost, self.told = whole, True, False, 0
        self.redemptions = redemptions

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.endswith("/ended"):
            answer = await self.whole.handle_async_request(request)
            if request.url.path.endswith("/redeem") and self.redemptions:
                self.redemptions -= 1
                raise httpx.ReadError("the answer was lost")
            return answer
        self.told += 1
        if self.away:
            raise httpx.ConnectError("releases is away")
        answer = await self.whole.handle_async_request(request)
        if self.lost:
            raise httpx.ReadError("the answer was lost")
        return answer


async def endings(service: Service) -> None:
    [task] = [each for each in service.tasks if isinstance(each, Every) and each.__name__ == "endings"]
    await task._page()


async def ends(desk: Desk) -> list[int]:
    leaves = (await desk.send("sre", "GET", "/log")).json()["leaves"]
    return [leaf["facts"]["exit_code"] for leaf in map(json.loads, leaves) if leaf["kind"] == "outcome"]


async def test_an_end_that_nobody_took_is_kept_over_a_restart_and_told_once(
    tmp_path: Path, clock: HandClock, gated: Desk
) -> None:
    grant, way = await agreed(gated, BODY, PATH, "PUT"), Cut(gated.way)
    async with acting(compose_miles, tmp_path, clock, way) as (service, client):
        done = await client.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
        assert done.status_code == 200, "it was done, whoever hears of it"
        clock.pass_by(minutes=10)
        await endings(service)
        assert (way.told, await ends(gated)) == (2, [])
    way.away, way.lost = False, True
    async with acting(compose_miles, tmp_path, clock, way) as (service, _):
        clock.pass_by(minutes=10)
        await endings(service)
        assert await ends(gated) == [0]
        way.lost = False
        clock.pass_by(minutes=10)
        await endings(service)
        clock.pass_by(minutes=10)
        await endings(service)
        assert (way.told, await ends(gated)) == (4, [0]), "told until it was taken, and once in the log"


async def test_an_end_that_nobody_ever_takes_is_not_kept_for_ever(
    tmp_path: Path, clock: HandClock, gated: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    grant, way = await agreed(gated, BODY, PATH, "PUT"), Cut(gated.way)
    async with acting(compose_miles, tmp_path, clock, way) as (service, client):
        await client.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
        for _ in range(2):
            clock.pass_by(seconds=KEPT.total_seconds() + 1)
            await endings(service)
        assert way.told == 2
    assert "nobody took how a gated act ended" in caplog.text


async def test_a_redemption_whose_answer_was_lost_is_asked_for_again(
    tmp_path: Path, clock: HandClock, gated: Desk
) -> None:
    """Else the grant would be spent, nothing done, and nobody would ever say how it ended."""
    grant, way = await agreed(gated, BODY, PATH, "PUT"), Cut(gated.way, redemptions=1)
    way.away = False
    async with acting(compose_miles, tmp_path, clock, way) as (_, client):
        done = await client.put(PATH, content=BODY, headers={"Milesaga-Grant": grant})
        assert done.status_code == 200, done.text
    assert await ends(gated) == [0]
