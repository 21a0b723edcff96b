"""A service's table of handlers: a plain async function for each kind of message it takes."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from shared.contracts.envelope import Envelope, Message

Handler = Callable[[Any, Envelope], Awaitable[None]]
"""Takes a message and the envelope it came in. Returns when the message's work is saved; raises `Later` when it must
wait, anything else when it failed."""

HandlerTable = Mapping[type[Message], Handler]
