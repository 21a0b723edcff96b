"""The rejected driver: FastStream's subscribers feed the same table of handlers.

As lean as FastStream allows: no injection, an asynchronous decoder, no replies, manual acknowledgement, the house's own
publisher and its grouped acknowledgements. Only what stands between the channel and the dispatcher differs.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from aiormq.abc import DeliveredMessage
from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitMessage, RabbitQueue

from services.house import HOUSE
from shared.bus.broker import PREFETCH, Bus
from shared.bus.consumer import Consumer
from shared.bus.dispatch import NOBODY_TOLD, Dispatcher, HandlerTable, Misread
from shared.bus.retry import RetryPolicy
from shared.contracts.messages import Message
from shared.runtime.description import queues
from shared.runtime.host import Host


class FastStreamBus(Bus):
    """A bus whose work queues are driven by FastStream."""

    def __init__(self, url: str, host: Host) -> None:
        self._own_retry = RetryPolicy(host.ids, host.random)
        super().__init__(url, queues(HOUSE), clock=host.clock, retry=self._own_retry, meter=host.telemetry)
        self._host = host
        self._subscribers = RabbitBroker(url, logger=None, apply_types=False)

    async def consume(
        self,
        service: str,
        table: HandlerTable,
        misread: Mapping[type[Message], Misread] = NOBODY_TOLD,
        *,
        installation: str | None = None,  # noqa: ARG002 - the bench has its broker to itself
    ) -> None:
        consumer = Consumer(
            service,
            Dispatcher(table, misread),
            publisher=self.publisher,
            retry=self._own_retry,
            clock=self._host.clock,
            meter=self._host.telemetry,
        )
        queue = RabbitQueue(service, declare=False)
        channel = Channel(prefetch_count=PREFETCH)
        subscriber = self._subscribers.subscriber(
            queue, channel=channel, ack_policy=AckPolicy.MANUAL, no_reply=True, decoder=_decode
        )

        async def handle(delivered: DeliveredMessage) -> None:
            await consumer.take(delivered)

        subscriber(handle)

    async def start(self) -> None:
        await super().start()
        await self._subscribers.start()

    async def drain(self, seconds: float) -> None:
        await self._subscribers.stop()
        await super().drain(seconds)


@dataclass(frozen=True, slots=True)
class _Properties:
    headers: dict[str, Any]
    user_id: str | None


@dataclass(frozen=True, slots=True)
class _Header:
    properties: _Properties


@dataclass(frozen=True, slots=True)
class _Delivered:
    """An aio-pika message as the consumer reads deliveries."""

    header: _Header
    body: bytes
    channel: Any
    delivery_tag: int | None
    exchange: str | None
    routing_key: str | None


async def _decode(message: RabbitMessage) -> DeliveredMessage:
    raw = message.raw_message
    delivered = _Delivered(
        header=_Header(_Properties(dict(raw.headers), raw.user_id)),
        body=raw.body,
        channel=raw.channel,
        delivery_tag=raw.delivery_tag,
        exchange=raw.exchange,
        routing_key=raw.routing_key,
    )
    return cast("DeliveredMessage", delivered)
