"""The dead letters of the services: reading them where they lie, sending them back to work, and discarding them.

A letter comes here from a handler's budget, as undecodable, or by RabbitMQ's own delivery limit after it crashed its
process too often. The first two carry our headers (`shared.bus.retry`), the last carries RabbitMQ's `x-death`.

Reading takes every letter of a queue unacknowledged and gives it back by closing the channel.
"""

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage

from shared.bus import retry
from shared.bus.headers import moment, number
from shared.bus.topology import SERVICES, dead_queue
from shared.contracts.cloudevents import PREFIXES, text_of

TIMEOUT = 10.0
"""Seconds for each exchange with the broker."""
CRASHED = "delivered too often without an answer: it may crash its process"
_ORIGIN = (retry.EXCHANGE, retry.ROUTING_KEY)


@dataclass(frozen=True)
class DeadLetter:
    """One message that a service could not handle. Its body may hold personal data: it is not for showing as it is.

    Without a CloudEvents id, `id` is derived from the body, so that equal letters have equal ids.
    """

    service: str
    id: str
    type: str
    purchase_id: str
    reason: str
    exception: str
    fingerprint: str
    attempts: int
    first_failed_at: datetime | None
    last_failed_at: datetime | None
    exchange: str
    routing_key: str
    headers: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)


Choice = Callable[[DeadLetter], bool]


class DeadLetters:
    """The dead letters on one broker; an async context manager."""

    def __init__(self, url: str, services: Iterable[str] = SERVICES) -> None:
        self._url = url
        self.services = tuple(services)
        self._connection: AbstractConnection | None = None

    async def __aenter__(self) -> Self:
        self._connection = await aio_pika.connect(self._url, timeout=TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            await self._connection.close()

    async def letters(self, service: str, limit: int | None = None) -> list[DeadLetter]:
        """The letters of a service, oldest first, left where they are."""
        found: list[DeadLetter] = []
        async with self._channel() as channel:
            async for letter, _ in self._walk(channel, service):
                found.append(letter)
                if limit is not None and len(found) >= limit:
                    break
        return found

    async def retry(self, service: str, chosen: Choice) -> int:
        """Send the chosen letters to their service's queue again, with their attempts forgotten; how many.

        A letter leaves here when the broker has confirmed it there: a crash in between makes a duplicate at worst.
        """
        return await self._settle(service, chosen, send_back=True)

    async def discard(self, service: str, chosen: Choice) -> int:
        """Remove the chosen letters for good; how many."""
        return await self._settle(service, chosen, send_back=False)

    async def _settle(self, service: str, chosen: Choice, *, send_back: bool) -> int:
        begun = datetime.now(UTC)
        count = 0
        async with self._channel() as channel:
            async for letter, message in self._walk(channel, service):
                died_again = letter.last_failed_at is not None and letter.last_failed_at >= begun
                if died_again or not chosen(letter):
                    continue
                if send_back:
                    await channel.default_exchange.publish(
                        _reborn(letter, message), routing_key=service, mandatory=True, timeout=TIMEOUT
                    )
                await message.ack()
                count += 1
        return count

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        """What is not acknowledged at its close is back in its queue."""
        if self._connection is None:
            raise RuntimeError("enter the context first")
        channel = await self._connection.channel(publisher_confirms=True, on_return_raises=True)
        try:
            yield channel
        finally:
            await channel.close()

    async def _walk(
        self, channel: AbstractChannel, service: str
    ) -> AsyncIterator[tuple[DeadLetter, AbstractIncomingMessage]]:
        queue = await channel.get_queue(dead_queue(service), ensure=False)
        while (message := await queue.get(fail=False, timeout=TIMEOUT)) is not None:
            yield _letter(service, message), message


def _letter(service: str, message: AbstractIncomingMessage) -> DeadLetter:
    headers = dict(message.headers)
    event = {
        name[len(prefix) :]: text_of(value)
        for name, value in headers.items()
        for prefix in PREFIXES
        if name.startswith(prefix)
    }
    death = _last_death(headers)
    crashed = retry.REASON not in headers and bool(death)
    died_at = moment(death.get("time")) if crashed else None
    return DeadLetter(
        service=service,
        id=event.get("id") or message.message_id or hashlib.sha256(message.body).hexdigest()[:32],
        type=event.get("type", ""),
        purchase_id=event.get("correlationid", ""),
        reason=CRASHED if crashed else text_of(headers.get(retry.REASON, "")),
        exception=text_of(headers.get(retry.EXCEPTION, "")),
        fingerprint=f"{death.get('reason', '')}@{service}" if crashed else text_of(headers.get(retry.FINGERPRINT, "")),
        attempts=number(headers.get(retry.ATTEMPTS)),
        first_failed_at=moment(headers.get(retry.FIRST_FAILED_AT)) or died_at,
        last_failed_at=died_at or moment(headers.get(retry.LAST_FAILED_AT)),
        exchange=text_of(headers.get(retry.EXCHANGE, death.get("exchange", ""))),
        routing_key=text_of(headers.get(retry.ROUTING_KEY) or (death.get("routing-keys") or [""])[0]),
        headers=headers,
        body=message.body,
    )


def _reborn(letter: DeadLetter, message: AbstractIncomingMessage) -> aio_pika.Message:
    """The message as it was before it ever failed; where it first came from stays on it."""
    kept = {name: value for name, value in letter.headers.items() if not name.startswith(("milesaga-", "x-"))}
    return aio_pika.Message(
        letter.body,
        headers={**kept, **dict(zip(_ORIGIN, (letter.exchange, letter.routing_key), strict=True))},
        content_type=message.content_type,
        message_id=message.message_id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def _last_death(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """RabbitMQ's entry on the latest of a message's deaths."""
    deaths = headers.get("x-death")
    return deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}
