"""Names are looked up, each by a thread of its own.

An event loop has a few threads for that, which everybody shares: one name whose servers keep silent would hold them all
for as long as a resolver has patience, and with them every request that needs a connection, to whomever.
"""

import asyncio
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from socket import SOCK_STREAM, getaddrinfo
from threading import Thread
from typing import Final

from aiohappyeyeballs import AddrInfoType

from shared.kernel.locks import KeyedPlaces

AT_ONCE: Final = 256
"""Names."""
PART: Final = AT_ONCE // 8
"""Of them at most for one party, whose other names wait: it may name any number of hosts, none of which answers."""

Name = tuple[str, int, str | None]
"""Host, port, and who asks: nobody waits behind another one's names, though they be his own."""


class LookUps:
    """Of one process. A name is looked up once at a time, however many ask for it, so that one which hangs holds one
    thread; the threads are such as do not keep a process from ending."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._parts = KeyedPlaces(PART)
        self._under_way: dict[Name, asyncio.Task[Sequence[AddrInfoType]]] = {}

    async def addresses(self, host: str, port: int, whose: str | None = None) -> Sequence[AddrInfoType]:
        """What the name stands for now. `whose` is the party that asks, of which there may be many; None: it is us.
        Raises OSError, ValueError."""
        name = host, port, whose
        asked = self._under_way.get(name)
        if asked is None:
            asked = self._under_way[name] = asyncio.create_task(self._look_up(name))
            asked.add_done_callback(lambda ended: self._ended(name, ended))
        return await asyncio.shield(asked)  # who is tired of waiting leaves the others theirs

    async def _look_up(self, name: Name) -> Sequence[AddrInfoType]:
        *_, whose = name
        async with self._parts.of(whose) if whose is not None else nullcontext(), self._places:
            loop = asyncio.get_running_loop()
            found: asyncio.Future[Sequence[AddrInfoType]] = loop.create_future()
            Thread(target=_tell, args=(name, loop, found), name="names", daemon=True).start()
            return await found

    def _ended(self, name: Name, asked: asyncio.Task[Sequence[AddrInfoType]]) -> None:
        del self._under_way[name]
        if not asked.cancelled():
            asked.exception()  # it may be that nobody waits for it any more


def _tell(name: Name, loop: asyncio.AbstractEventLoop, found: "asyncio.Future[Sequence[AddrInfoType]]") -> None:
    def settle() -> None:
        if found.done():
            return
        if error is None:
            found.set_result(addresses)
        else:
            found.set_exception(error)

    host, port, _ = name
    addresses: Sequence[AddrInfoType] = ()
    error: Exception | None = None
    try:
        addresses = getaddrinfo(host, port, type=SOCK_STREAM)
    except (OSError, ValueError) as refused:
        error = refused
    with suppress(RuntimeError):  # the process ends, and its loop is closed
        loop.call_soon_threadsafe(settle)
