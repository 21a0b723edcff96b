"""A bus that keeps what it is given."""

from collections.abc import Iterable, Mapping, Sequence

from shared.bus.declaring import Difference
from shared.bus.measuring import Depth
from shared.bus.standing import BrokerAway, Reading, Target
from shared.contracts import CATALOGUE
from shared.contracts.copies import dead_target_queue, target_queue
from shared.contracts.messages import Message, OutboxMessage
from shared.contracts.steps import Answer


class ReaderInMind:
    """A queue that is consumed as far as a test does it."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        self.ended = False

    async def leave(self, _: float) -> None:
        self.ended = True


class QueuesInMind:
    """Standing queues without a broker: `waiting` messages and `consumed` ones are whatever a test says."""

    def __init__(self) -> None:
        self.made: set[str] = set()
        self.bound: set[tuple[str, str, str]] = set()
        self.waiting: dict[str, int] = {}
        self.consumed: set[str] = set()
        self.readers: dict[str, ReaderInMind] = {}
        self.away = False

    async def read_queue(self, reading: Reading) -> ReaderInMind:
        self._ask()
        self.readers[reading.queue] = ReaderInMind(reading)
        return self.readers[reading.queue]

    async def make_targets(self, targets: Sequence[Target]) -> Sequence[Difference]:
        self._ask()
        self.made.update(queue for each in targets for queue in (target_queue(*each), dead_target_queue(*each)))
        return ()

    async def standing(self, queues: Iterable[str]) -> Mapping[str, Depth]:
        self._ask()
        return {
            queue: Depth(self.waiting.get(queue, 0), int(queue in self.consumed))
            for queue in queues
            if queue in self.made
        }

    async def bind(self, queue: str, exchange: str, pattern: str) -> None:
        self._ask()
        self.bound.add((queue, exchange, pattern))

    async def unbind(self, queue: str, exchange: str, pattern: str) -> None:
        self._ask()
        self.bound.discard((queue, exchange, pattern))

    async def remove_queue(self, queue: str) -> None:
        self._ask()
        self.made.discard(queue)

    def _ask(self) -> None:
        if self.away:
            raise BrokerAway("away")


class Recorder:
    """Publishes by keeping: `entries` as they would go out, `said` as messages, letters to a queue left out."""

    connected = True

    def __init__(self) -> None:
        self.entries: list[OutboxMessage] = []
        self.said: list[Message] = []

    async def publish(self, messages: Sequence[OutboxMessage]) -> None:
        self.entries += messages
        self.said += [CATALOGUE[one.routing_key].model_validate_json(one.body) for one in messages if one.exchange]

    def answers(self) -> list[Answer]:
        return [message for message in self.said if isinstance(message, Answer)]
