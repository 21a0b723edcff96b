"""The dead letters of the services: reading them where they lie, sending them back to work, and discarding them.

A letter comes here from a handler's budget, as undecodable, or by RabbitMQ's own delivery limit after it crashed its
process too often. The first two carry our headers (`shared.bus.retry`), the last carries RabbitMQ's `x-death`.

Reading takes every letter of a queue unacknowledged and gives it back, so that nobody else sees it meanwhile: readers
take turns.
"""

import asyncio
import hashlib
import math
import re
from bisect import insort
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractIncomingMessage
from aiormq.exceptions import ChannelAccessRefused, ChannelLockedResource

from shared.bus import decoding
from shared.bus import headers as names
from shared.bus.arrival import LIMIT, OUR_OWN, REJECTED, Arrival, arrival, died_in
from shared.bus.headers import carried, moment, number
from shared.bus.retry import origin
from shared.bus.topology import dead_queue, suspect_queue, turn_queue
from shared.contracts.cloudevents import PREFIXES, text_of

RETRY_ALL: Final = "dead.retry_all"
DISCARD: Final = "dead.discard"
"""What others agree to, where acts are gated: that letters are sent back in bulk, or removed."""
TIMEOUT = 10.0
"""Seconds for each exchange with the broker."""
COUNTED = ("x-delivery-count", "x-acquired-count")
"""Headers by which the broker counts our looks."""
TURN_PATIENCE = 15.0
"""Seconds to wait for another reader to give back what it has in hand."""
TURN_PAUSE = 0.05
WORN = 10
"""Looks after which a letter is renewed: a queue from before RabbitMQ 4 has no word about its limit, and loses there
what was delivered 20 times, looks included."""
CRASHED = "delivered too often without an answer: it may crash its process"

Place = tuple[str, str]
"""Of a letter among those of its service."""
BEFORE_ALL: Final[Place] = ("", "")

_HANDLE = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True)
class DeadLetter:
    """One message that a service could not handle. Its body may hold personal data: it is not for showing as it is.

    `handle` is ours: letters that differ in anything have different ones, whatever ids their senders chose. Without a
    CloudEvents id, `id` is derived from the body.
    """

    service: str
    handle: str
    id: str
    source: str
    type: str
    purchase_id: str
    reason: str
    exception: str
    fingerprint: str
    attempts: int
    first_failed_at: datetime | None
    last_failed_at: datetime | None
    is_cut: bool
    """`body` is the head of a larger one: to be looked at and discarded, never to be sent again as if it were whole."""
    came: Arrival = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def place(self) -> Place:
        """By when it died. No two have the same, and each has its own wherever it lies."""
        at = self.last_failed_at
        return at.astimezone(UTC).isoformat(timespec="microseconds") if at is not None else "", self.handle


Choice = Callable[[DeadLetter], bool]
Reborn = Callable[[DeadLetter], Mapping[str, str]]
"""The headers with which a letter goes back."""


class DeadLetters:
    """The dead letters on one broker; an async context manager."""

    def __init__(self, url: str, services: Iterable[str], patience: float = TURN_PATIENCE) -> None:
        decoding.install()
        self._patience = patience
        self._own_turn = asyncio.Lock()
        self.in_other_hands: set[str] = set()
        """Services whose letters another reader or a move had for longer than we wait: none of them was seen."""
        self.heads: list[DeadLetter] = []
        """Letters that were to be sent back and stayed, because their bodies are cut."""
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

        def seen(letter: DeadLetter) -> bool:
            found.append(letter)
            return limit is None or len(found) < limit

        await self._look(service, seen)
        return found

    async def page(self, service: str, limit: int, after: Place = BEFORE_ALL) -> list[DeadLetter]:
        """The `limit` letters that follow that place by when they died. All are read for it, as a queue does not keep
        them in that order: those that were looked at often lie behind the others."""
        found: list[DeadLetter] = []

        def seen(letter: DeadLetter) -> bool:
            if letter.place > after:
                insort(found, letter, key=lambda each: each.place)
                del found[limit:]
            return True

        await self._look(service, seen)
        return found

    async def letter(self, service: str, handle: str) -> DeadLetter | None:
        """The letter with that handle; None where there is none."""
        found: list[DeadLetter] = []

        def seen(letter: DeadLetter) -> bool:
            found.extend([letter] if letter.handle == handle else [])
            return not found

        await self._look(service, seen)
        return found[0] if found else None

    async def retry(self, service: str, chosen: Choice, reborn: Reborn | None = None, most: float = math.inf) -> int:
        """Send the chosen letters to their service's queue again, with their attempts forgotten; how many, at `most`.

        `reborn` says with which headers, where they are not to be as they were. Those whose bodies are cut stay, and
        are in `heads`. A letter leaves here when the broker has confirmed it there: a crash in between makes a
        duplicate at worst.
        """
        return await self._settle(service, chosen, reborn or as_it_was, most)

    async def discard(self, service: str, chosen: Choice, most: float = math.inf) -> int:
        """Remove the chosen letters for good; how many, at `most`."""
        return await self._settle(service, chosen, None, most)

    async def _look(self, service: str, seen: Callable[[DeadLetter], bool]) -> None:
        """Show one letter after the other, until there are no more or `seen` says that it is enough."""
        worn: list[tuple[DeadLetter, AbstractIncomingMessage]] = []
        async with self._turn(service) as ours, self._channel() as channel:
            async for letter, message in self._walk(channel, service, ours=ours):
                worn += [(letter, message)] if _looks(message) >= WORN else []
                if not seen(letter):
                    break
            await self._renew(channel, worn)

    async def _settle(self, service: str, chosen: Choice, reborn: Reborn | None, most: float) -> int:
        begun = datetime.now(UTC)
        count = 0
        worn: list[tuple[DeadLetter, AbstractIncomingMessage]] = []
        async with self._turn(service) as ours, self._channel() as channel:
            async for letter, message in self._walk(channel, service, ours=ours):
                died_again = letter.last_failed_at is not None and letter.last_failed_at >= begun
                if died_again or not chosen(letter) or (reborn and self._stays_cut(letter)):
                    worn += [(letter, message)] if _looks(message) >= WORN else []
                    continue
                if reborn:
                    await channel.default_exchange.publish(
                        _again(letter, message, reborn(letter)), routing_key=service, mandatory=True, timeout=TIMEOUT
                    )
                await message.ack()
                count += 1
                if count >= most:
                    break
            await self._renew(channel, worn)
        return count

    def _stays_cut(self, letter: DeadLetter) -> bool:
        self.heads += [letter] if letter.is_cut else []
        return letter.is_cut

    async def _renew(self, channel: AbstractChannel, worn: list[tuple[DeadLetter, AbstractIncomingMessage]]) -> None:
        """Put copies that nobody has looked at yet in the place of letters that were looked at often.

        A body that lies there whole, and is read in part, would be cut by that: such a letter is left as it is.
        """
        for letter, message in worn:
            if decoding.is_cut(text_of(message.headers.get(decoding.MARK, ""))):
                continue
            queue = dead_queue(letter.service)
            await channel.default_exchange.publish(
                _unworn(letter, message), routing_key=queue, mandatory=True, timeout=TIMEOUT
            )
            await message.ack()

    @asynccontextmanager
    async def _turn(self, service: str) -> AsyncIterator[bool]:
        """One reader of a service's letters at a time, by a queue that one connection alone may have; is it ours?

        It goes with its connection, however that ends. Whoever may not make queues here reads without a turn: a move
        waits for no such reader, and gives up where one has letters in hand.
        """
        async with self._own_turn:
            mine, ours = None, True
            with suppress(ChannelAccessRefused):
                mine = await self._turn_queue(service)
                ours = mine is not None
            try:
                yield ours
            finally:
                if mine is not None and not mine.is_closed:
                    await mine.queue_delete(turn_queue(service))
                    await mine.close()

    async def _turn_queue(self, service: str) -> AbstractChannel | None:
        """The channel that has the turn; None where that is too long in coming. Raises ChannelAccessRefused."""
        connection = self._connected()
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            channel = await connection.channel()
            try:
                await channel.declare_queue(turn_queue(service), exclusive=True, auto_delete=True, timeout=TIMEOUT)
            except ChannelLockedResource:
                if asyncio.get_running_loop().time() > deadline:
                    self.in_other_hands.add(service)
                    return None
                await asyncio.sleep(TURN_PAUSE)
            else:
                return channel

    def _connected(self) -> AbstractConnection:
        if self._connection is None:
            raise RuntimeError("enter the context first")
        return self._connection

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[AbstractChannel]:
        """What is not acknowledged at its end is back in its queue.

        By nack, which RabbitMQ 4.3 does not count as a failed delivery, as it does the closing of a channel.
        """
        channel = await self._connected().channel(publisher_confirms=True, on_return_raises=True)
        try:
            yield channel
        finally:
            if not channel.is_closed:
                underlay = await channel.get_underlay_channel()
                await underlay.basic_nack(0, multiple=True, requeue=True)
                await channel.close()

    async def _walk(
        self, channel: AbstractChannel, service: str, *, ours: bool
    ) -> AsyncIterator[tuple[DeadLetter, AbstractIncomingMessage]]:
        """Out of turn nothing: what we had in hand would hold up a move, or another reader would not see it."""
        if not ours:
            return
        queue = await channel.get_queue(dead_queue(service), ensure=False)
        while (message := await queue.get(fail=False, timeout=TIMEOUT)) is not None:
            yield _letter(service, message), message


def _letter(service: str, message: AbstractIncomingMessage) -> DeadLetter:
    came = arrival(service, Arrival(OUR_OWN, dead_queue(service), dict(message.headers), message.user_id or ""))
    headers = came.headers
    event = {
        name[len(prefix) :]: text_of(value)
        for name, value in headers.items()
        for prefix in PREFIXES
        if name.startswith(prefix)
    }
    death = died_in(suspect_queue(service), headers)
    died_at, rejected_at = moment(death.get("time")), moment(died_in(service, headers, REJECTED).get("time"))
    return DeadLetter(
        service=service,
        handle=_handle(message),
        source=event.get("source", ""),
        id=event.get("id") or message.message_id or hashlib.sha256(message.body).hexdigest()[:32],
        type=event.get("type", ""),
        purchase_id=event.get("correlationid", ""),
        reason=CRASHED if death else text_of(headers.get(names.REASON, "")),
        exception="" if death else text_of(headers.get(names.EXCEPTION, "")),
        fingerprint=f"{LIMIT}@{service}" if death else text_of(headers.get(names.FINGERPRINT, "")),
        attempts=number(headers.get(names.ATTEMPTS)),
        first_failed_at=moment(headers.get(names.FIRST_FAILED_AT)) or died_at or rejected_at,
        last_failed_at=died_at or moment(headers.get(names.LAST_FAILED_AT)) or rejected_at,
        is_cut=any(decoding.is_cut(text_of(headers.get(name, ""))) for name in (decoding.MARK, names.REASON)),
        came=came,
        body=message.body,
    )


def _handle(message: AbstractIncomingMessage) -> str:
    """The same at every look, and after this and every other restart; a renewed letter keeps the one it had."""
    given = text_of(message.headers.get(names.HANDLE, ""))
    if _HANDLE.fullmatch(given):
        return given
    told = sorted((name, repr(value)) for name, value in message.headers.items() if name not in COUNTED)
    return hashlib.sha256(repr((told, message.message_id)).encode() + message.body).hexdigest()[:12]


def _looks(message: AbstractIncomingMessage) -> int:
    return number(message.headers.get("x-delivery-count"))


def _unworn(letter: DeadLetter, message: AbstractIncomingMessage) -> aio_pika.Message:
    """The same letter, to be looked at for the first time."""
    return aio_pika.Message(
        message.body,
        headers=dict(_told(letter, message)),
        content_type=message.content_type,
        message_id=message.message_id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )


def travelling(service: str, message: AbstractIncomingMessage) -> dict[str, str]:
    """The headers of a dead letter that is put into another queue."""
    return _told(_letter(service, message), message)


def _told(letter: DeadLetter, message: AbstractIncomingMessage) -> dict[str, str]:
    """A letter's headers, with what the broker's own told of it in ours: RabbitMQ 4 takes those off a copy."""
    told = {names.HANDLE: letter.handle}
    if died_in(suspect_queue(letter.service), message.headers):
        told |= {names.REASON: letter.reason, names.FINGERPRINT: letter.fingerprint, **origin(letter.came)}
    times = {names.FIRST_FAILED_AT: letter.first_failed_at, names.LAST_FAILED_AT: letter.last_failed_at}
    told |= {name: time.isoformat() for name, time in times.items() if time is not None}
    return {**carried(message.headers), **told}


def as_it_was(letter: DeadLetter) -> dict[str, str]:
    """The headers that it had before it ever failed; where it first came from stays on it."""
    kept = {
        name: value
        for name, value in letter.came.headers.items()
        if name == names.TRACEPARENT or not name.startswith(names.RESERVED)
    }
    return {**carried(kept), **origin(letter.came)}


def _again(letter: DeadLetter, message: AbstractIncomingMessage, headers: Mapping[str, str]) -> aio_pika.Message:
    return aio_pika.Message(
        letter.body,
        headers=dict(headers),
        content_type=message.content_type,
        message_id=message.message_id,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
    )
