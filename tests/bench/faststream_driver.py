"""The rejected driver: FastStream's subscribers feed the same table of handlers.

As lean as FastStream allows: no injection, an asynchronous decoder, no replies, manual acknowledgement, the house's own
publisher and its grouped acknowledgements. Only what stands between the channel and the dispatcher differs.
"""

from collections.abc import Mapping
from typing import cast

from faststream import AckPolicy
from faststream.rabbit import Channel as Prefetching
from faststream.rabbit import RabbitBroker, RabbitMessage, RabbitQueue

from services.house import HOUSE
from shared.bus.broker import PREFETCH, Bus
from shared.bus.consumer import Consumer
from shared.bus.dispatch import NO_TAKERS, NOBODY_TOLD, Dispatcher, HandlerTable, Misread, Taker
from shared.bus.retry import RetryPolicy
from shared.bus.wire import Channel, Delivery
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
        takers: Mapping[str, Taker] = NO_TAKERS,
        installation: str | None = None,  # noqa: ARG002 - the bench has its broker to itself
        prefetch: int | None = None,
    ) -> None:
        consumer = Consumer(
            service,
            Dispatcher(table, misread, takers),
            publisher=self.publisher,
            retry=self._own_retry,
            clock=self._host.clock,
            meter=self._host.telemetry,
        )
        queue = RabbitQueue(service, declare=False)
        channel = Prefetching(prefetch_count=prefetch or PREFETCH)
        subscriber = self._subscribers.subscriber(
            queue, channel=channel, ack_policy=AckPolicy.MANUAL, no_reply=True, decoder=_decode
        )

        async def handle(delivery: Delivery) -> None:
            await consumer.take(delivery)

        subscriber(handle)

    async def start(self) -> None:
        await super().start()
        await self._subscribers.start()

    async def drain(self, seconds: float) -> None:
        await self._subscribers.stop()
        await super().drain(seconds)


async def _decode(message: RabbitMessage) -> Delivery:
    """An aio-pika message as the consumer reads deliveries."""
    raw = message.raw_message
    names = (raw.exchange or "", raw.routing_key or "")
    channel = cast("Channel", raw.channel)
    return Delivery(channel, raw.delivery_tag or 0, *names, dict(raw.headers), raw.user_id or "", raw.body)
