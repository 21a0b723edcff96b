"""What Prometheus is told of releases."""

from datetime import timedelta

from shared.telemetry import catalogue
from tests.component.releases.desk import Desk, Json
from tests.kit.clock import HandClock


async def readings(desk: Desk) -> dict[tuple[object, tuple[str, ...]], float]:
    (figure,) = desk.service.figures
    return {(each.metric, each.labels): each.value for each in await figure()}


async def broken(desk: Desk) -> Json:
    request: Json = (await desk.ask()).json()
    body = {"digest": request["digest"], "incident": "INC-7", "reason": "it burns"}
    done = await desk.send("oncall", "POST", f"/requests/{request['id']}/break-glass", body)
    assert done.status_code == 200, done.text
    return request


async def test_requests_are_told_by_their_state(desk: Desk) -> None:
    await desk.ask()
    await desk.ask(key="k-2", target="cart")
    await desk.settled()
    told = await readings(desk)
    assert told[catalogue.OPEN_REQUESTS, ("pending",)] == 2
    assert told[catalogue.OPEN_REQUESTS, ("unknown",)] == 0
    assert told[catalogue.FILES_OUTDATED, ()] == 0


async def test_broken_glass_is_due_and_then_overdue_until_somebody_looked(desk: Desk, clock: HandClock) -> None:
    request = await broken(desk)
    told = await readings(desk)
    assert (told[catalogue.REVIEWS, ("due",)], told[catalogue.REVIEWS, ("overdue",)]) == (1, 0)
    clock.pass_by(days=2)
    told = await readings(desk)
    assert (told[catalogue.REVIEWS, ("due",)], told[catalogue.REVIEWS, ("overdue",)]) == (0, 1)
    body = {"verdict": "accepted", "reason": "it burned"}
    assert (await desk.send("sre", "POST", f"/requests/{request['id']}/review", body)).status_code == 200
    told = await readings(desk)
    assert (told[catalogue.REVIEWS, ("due",)], told[catalogue.REVIEWS, ("overdue",)]) == (0, 0)


async def test_what_no_checkpoint_vouches_for_grows_older_until_one_does(desk: Desk, clock: HandClock) -> None:
    await desk.tick()
    assert (await readings(desk))[catalogue.UNVOUCHED, ()] == 0
    clock.pass_by(minutes=50)
    await desk.ask()
    told = (await readings(desk))[catalogue.UNVOUCHED, ()]
    assert told == timedelta(minutes=50).total_seconds()
    clock.pass_by(minutes=11)
    await desk.tick()
    assert (await readings(desk))[catalogue.UNVOUCHED, ()] == 0, "within the hour"


async def test_entries_and_grants_that_are_shown_are_counted(desk: Desk) -> None:
    counted: list[tuple[str, int]] = []
    desk.runtime.meter.appended = lambda kind, count: counted.append((kind, count))  # type: ignore[method-assign]
    await desk.approved()
    assert counted == [("requested", 1), ("approval", 1), ("approval", 1), ("approved", 1)]
