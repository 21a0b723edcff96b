"""A minute's deaths by one fault are one event, and none is lost because the broker is away."""

from collections.abc import Sequence
from dataclasses import replace

from services.delivery.cases.deaths import MOST, Deaths
from shared.bus.outbox import NotPublished, Outbox
from shared.contracts.delivery import CopyDead
from shared.contracts.messages import OutboxMessage
from shared.kernel.ids import Uuid7Ids
from tests.kit.bus import Recorder
from tests.kit.clock import HandClock
from tests.unit.delivery.test_letters import COPY

OTHER = replace(COPY, target="books")


class Flighty(Recorder):
    """Away once."""

    away = True

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        if self.away:
            self.away = False
            raise NotPublished("away")
        await super().publish(messages)


def dead(target: str, count: int, fault: str = "out_of_time") -> CopyDead:
    return CopyDead(bus="fuel", target=target, fault=fault, fingerprint=f"fuel/{target}:http_500", count=count)


def a_process(recorder: Recorder) -> Deaths:
    clock = HandClock()
    return Deaths(recorder, Outbox("milesaga/delivery", recorder, clock, Uuid7Ids(clock)))


async def test_deaths_are_counted_by_target_and_fault_and_told_once() -> None:
    recorder = Recorder()
    seen = a_process(recorder)
    for copy in (COPY, COPY, OTHER):
        seen.saw(copy, "out_of_time", f"fuel/{copy.target}:http_500")
    seen.saw(COPY, "refused_by_receiver", "fuel/bi:http_500")
    for _ in range(2):
        await seen.tell()
    assert recorder.said == [dead("bi", 2), dead("books", 1), dead("bi", 1, "refused_by_receiver")]


async def test_what_the_broker_did_not_take_is_told_later_with_what_came_meanwhile() -> None:
    recorder = Flighty()
    seen = a_process(recorder)
    for _ in range(2):
        seen.saw(COPY, "out_of_time", "fuel/bi:http_500")
        await seen.tell()
    assert recorder.said == [dead("bi", 2)]


async def test_so_many_faults_are_told_apart() -> None:
    recorder = Recorder()
    seen = a_process(recorder)
    for number in range(MOST + 5):
        seen.saw(COPY, "out_of_time", f"fuel/bi:{number}")
    await seen.tell()
    assert len(recorder.said) == MOST
