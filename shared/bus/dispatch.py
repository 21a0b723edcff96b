"""A service's table of handlers, and how a delivery finds its way to one of them."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

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

_VERSIONED = re.compile(r"(?P<name>.+)\.v(?P<version>[1-9][0-9]{0,5})")


class Dispatcher:
    """Reads a delivery and calls the handler of its type."""

    def __init__(self, table: HandlerTable) -> None:
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
        if refused := arrival.headers.get(MARK):
            raise Unreadable(text_of(refused))
        if len(body) > LARGEST_BODY:
            raise Unreadable(f"the body has {len(body)} bytes, {LARGEST_BODY} are read")
        envelope, contract, handler = self._find(arrival)
        try:
            message = contract.model_validate_json(body)
        except ValidationError as error:
            raise Unreadable(_describe(error)) from None
        await handler(message, envelope)

    def _find(self, arrival: Arrival) -> tuple[Envelope, type[Message], Handler]:
        try:
            envelope = replace(Envelope.of(arrival.headers), sender=arrival.sender)
        except ValueError as error:
            raise Unreadable(str(error)) from error
        found = self._by_type.get(envelope.type)
        name, version = _split(envelope.type)
        newest, known = self._newest.get(name, (version, None))
        contract = found[0] if found else known if version > newest else None
        if contract is None:
            raise Unreadable(f"unknown type {envelope.type[:100]!r}")
        if (arrival.exchange, arrival.routing_key) != (contract.exchange, envelope.type):
            raise Unreadable(
                f"{envelope.type[:100]} came by {arrival.way}: "
                f"it is taken from {contract.exchange!r} alone, under its own name"
            )
        if found is None:
            raise Later(f"{envelope.type[:100]} is newer than v{newest}, which this process knows")
        return envelope, *found


def _split(type_name: str) -> tuple[str, int]:
    match = _VERSIONED.fullmatch(type_name)
    return (match["name"], int(match["version"])) if match else (type_name, 0)


def _describe(error: ValidationError) -> str:
    """Which fields are wrong and how, without their values."""
    faults = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"/{'/'.join(str(place) for place in fault['loc'])}: {fault['msg']}" for fault in faults[:5])
