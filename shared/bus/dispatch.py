"""A service's table of handlers, and how a delivery finds its way to one of them."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from pydantic import ValidationError

from shared.bus.arrival import Arrival
from shared.bus.decoding import LARGEST_BODY, MARK
from shared.bus.retry import Unreadable
from shared.contracts.cloudevents import Envelope, text_of
from shared.contracts.messages import Message
from shared.kernel.errors import Later

Handler = Callable[[Any, Envelope], Awaitable[None]]
"""Takes a message and the envelope it came in. Returns when the message's work is saved; raises `Later` when it must
wait, anything else when it failed."""

HandlerTable = Mapping[type[Message], Handler]

Misread = Callable[[Arrival, bytes, str], Awaitable[None]]
"""Takes a message of its type that could not be read, and why, before it goes to the dead letters. What it raises keeps
the message from going there for now."""

Taker = Callable[[Arrival, bytes], Awaitable[None]]
"""Takes whatever comes by an exchange, of any type, as it came. Raises as a handler does, and `Unreadable`."""
NO_TAKERS: Final[Mapping[str, Taker]] = {}

NOBODY_TOLD: Final[Mapping[type[Message], Misread]] = {}

_VERSIONED = re.compile(r"(?P<name>.+)\.v(?P<version>[1-9][0-9]{0,5})")


class Dispatcher:
    """Reads a delivery and calls the handler of its type."""

    def __init__(
        self,
        table: HandlerTable,
        misread: Mapping[type[Message], Misread] = NOBODY_TOLD,
        takers: Mapping[str, Taker] = NO_TAKERS,
    ) -> None:
        """`takers` by exchange: what comes by one of these is theirs, whatever the table says."""
        self._misread = misread
        self._takers = takers
        self._by_type = {contract.type: (contract, handler) for contract, handler in table.items()}
        self._newest: dict[str, tuple[int, type[Message]]] = {}
        for type_name, (contract, _) in self._by_type.items():
            name, version = _split(type_name)
            if version >= self._newest.get(name, (0, contract))[0]:
                self._newest[name] = version, contract

    async def dispatch(self, arrival: Arrival, body: bytes) -> None:
        """Handle one delivery.

        Raises `Unreadable` for what is none of ours, not whole or came by another way than its contract names, `Later`
        for a newer version of a known message, and whatever the handler raises.
        """
        if (taker := self._takers.get(arrival.exchange)) is not None:
            _must_be_whole(arrival, body)
            await taker(arrival, body)
            return
        try:
            envelope, handler, message = self._read(arrival, body)
        except Unreadable as error:
            await self._tell(arrival, body, error)
            raise
        await handler(message, envelope)

    def _read(self, arrival: Arrival, body: bytes) -> tuple[Envelope, Handler, Message]:
        _must_be_whole(arrival, body)
        envelope, contract, handler = self._find(arrival)
        try:
            return envelope, handler, contract.read(body)
        except ValidationError as error:
            raise Unreadable(_describe(error)) from None

    async def _tell(self, arrival: Arrival, body: bytes, error: Unreadable) -> None:
        """By the way it came, which is a fact where its headers are not."""
        contract, _ = self._by_type.get(arrival.routing_key, (None, None))
        if contract is not None and contract in self._misread and arrival.exchange == contract.exchange:
            await self._misread[contract](arrival, body, str(error))

    def _find(self, arrival: Arrival) -> tuple[Envelope, type[Message], Handler]:
        try:
            envelope = Envelope.of(arrival.headers, sender=arrival.sender)
        except ValueError as error:
            raise Unreadable(str(error)) from error
        found = self._by_type.get(envelope.type)
        contract = found[0] if found else self._older(envelope.type)
        if (arrival.exchange, arrival.routing_key) != (contract.exchange, envelope.type):
            raise Unreadable(
                f"{envelope.type[:100]} came by {arrival.way}: "
                f"it is taken from {contract.exchange!r} alone, under its own name"
            )
        if found is None:
            raise Later(f"{envelope.type[:100]} is newer than {contract.type}, which this process knows")
        return envelope, *found

    def _older(self, type_name: str) -> type[Message]:
        """The newest version that is known of a type that is newer still."""
        name, version = _split(type_name)
        newest, contract = self._newest.get(name, (version, None))
        if contract is None or version <= newest:
            raise Unreadable(f"unknown type {type_name[:100]!r}")
        return contract


def _split(type_name: str) -> tuple[str, int]:
    match = _VERSIONED.fullmatch(type_name)
    return (match["name"], int(match["version"])) if match else (type_name, 0)


def _describe(error: ValidationError) -> str:
    """Which fields are wrong and how, without their values."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"/{'/'.join(str(place) for place in fault['loc'])}: {fault['msg']}" for fault in faults[:5])


def _must_be_whole(arrival: Arrival, body: bytes) -> None:
    """Raises Unreadable."""
    if refused := arrival.headers.get(MARK):
        raise Unreadable(text_of(refused))
    if len(body) > LARGEST_BODY:
        raise Unreadable(f"the body has {len(body)} bytes, {LARGEST_BODY} are read")
