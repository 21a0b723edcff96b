"""An outage of days, simulated: how many copies of one purchase's command fill the delay tiers."""

import heapq
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from shared.bus.arrival import Arrival
from shared.bus.headers import ATTEMPTS
from shared.bus.retry import Failed, RetryPolicy
from shared.bus.topology import TIERS, dead_queue
from shared.kernel.errors import Later
from shared.kernel.ids import Uuid7Ids
from shared.saga.record import Patience
from shared.worker.parking import Parking
from tests.kit.clock import HandClock

BEGINNING = datetime(2027, 1, 1, tzinfo=UTC)
OUTAGE = timedelta(days=4)
DELAYS = {f"retry.{name}": delay for name, delay in TIERS.items()}
NAME = "p-1/authorize payment/:undo/1"


@dataclass
class Outage:
    """One undo that is asked for without end, while every worker says "later"; any process takes any copy."""

    seed: int
    processes: int
    delay: timedelta
    copies: int = 0
    most: int = 0
    letters: int = 0
    clock: HandClock = field(default_factory=lambda: HandClock(BEGINNING))

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.policy = RetryPolicy(Uuid7Ids(self.clock), self.random)
        self.parkings = [Parking(self.clock) for _ in range(self.processes)]
        self.queue: list[tuple[datetime, str, dict[str, str]]] = []

    def last(self) -> None:
        patience, asks, next_ask, restart = Patience(), 0, BEGINNING, BEGINNING
        while self.clock.time < BEGINNING + OUTAGE:
            if not self.queue or next_ask <= self.queue[0][0]:
                self.clock.time = next_ask
                asks += 1
                self._handle(f"{asks:06}", {})
                next_ask += patience.pause(timedelta(seconds=30), asks)
            else:
                self.clock.time, copy, headers = heapq.heappop(self.queue)
                self.copies -= 1
                self._handle(copy, headers)
            if self.clock.time - restart > timedelta(hours=3):
                restart = self.clock.time
                self.parkings[self.random.randrange(self.processes)] = Parking(self.clock)
            self.most = max(self.most, self.copies)

    def _handle(self, copy: str, headers: dict[str, str]) -> None:
        if not self.random.choice(self.parkings).takes(NAME, copy, self.delay):
            return
        arrival = Arrival("commands", "payment.void.v1", headers)
        failed = Failed("payment", arrival, b"{}", Later("the provider is away", self.delay))
        stop = self.policy.next_stop(failed, self.clock.time)
        if stop.routing_key == dead_queue("payment"):
            self.letters += 1
            return
        assert int(stop.headers[ATTEMPTS]) > 0
        heapq.heappush(self.queue, (self.clock.time + DELAYS[stop.exchange], copy, dict(stop.headers)))
        self.copies += 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize("delay", [timedelta(seconds=1), timedelta(seconds=10), timedelta(minutes=30)])
def test_copies_of_one_command_stay_few_over_days(seed: int, processes: int, delay: timedelta) -> None:
    outage = Outage(seed, processes, delay)
    outage.last()
    assert 1 <= outage.most <= MOST_COPIES * processes, f"seed {seed}: {outage.most} copies"
    assert outage.letters <= MOST_LETTERS * processes, f"seed {seed}: {outage.letters} letters"
    assert outage.copies >= 1, "one is always left, to come back when the outage is over"


MOST_COPIES = 6
MOST_LETTERS = 12
