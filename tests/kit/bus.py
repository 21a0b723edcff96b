"""A bus that keeps what it is given."""

from collections.abc import Sequence

from shared.contracts import CATALOGUE
from shared.contracts.messages import Message, OutboxMessage
from shared.contracts.steps import Answer


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
