"""The whole stack as several processes: started together, started anew one by one, stopped together."""

import asyncio
import logging
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Final

from services.cli.parts import Orders, Part
from services.cli.ports import free_ports
from services.cli.restarting import WRONG_SETTINGS, Restarts
from shared.runtime.server import BoundSocket, bind
from shared.runtime.settings import LEAVING, RuntimeSettings
from shared.runtime.signals import StopSignals

log = logging.getLogger(__name__)

MODULE: Final = "services.cli.part"
LOOPBACK: Final = "127.0.0.1"
OVERDUE: Final = 3.0
"""Seconds beyond the bounds of its own drain, after which a process is killed."""
NOT_RUN: Final = 1


class Child:
    """One process, and the next one in its place when it ends by itself."""

    def __init__(self, orders: Orders, environment: Mapping[str, str], broker_is_there: asyncio.Event) -> None:
        self.ready = asyncio.Event()
        self._orders = orders
        self._environment = environment
        self._broker_is_there = broker_is_there
        self._process: Process | None = None
        self._stopping = asyncio.Event()

    async def keep(self) -> int:
        """Return when it was asked to stop and has ended, or when it ended and starting it again would be in vain; the
        exit code."""
        restarts, loop = Restarts(), asyncio.get_running_loop()
        while not self._stopping.is_set():
            began = loop.time()
            code = await self._live()
            restarts, pause = (restarts.ready() if self.ready.is_set() else restarts).ended(code, loop.time() - began)
            if self._stopping.is_set():
                return 0 if code == -signal.SIGTERM else code  # it had not begun, or it would have taken the signal
            fields = {"service": ", ".join(self._orders.part.services), "reason": _said(code)}
            if pause is None:
                log.error("a process ended, and the stack with it", extra=fields)
                return code
            log.warning("a process ended and is started again", extra={**fields, "seconds": pause})
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()
        return 0

    def stop(self) -> None:
        """Ask it to drain; the second time, to leave at once."""
        self._stopping.set()
        self._signal(signal.SIGTERM)

    def release(self) -> None:
        """No other process needs it any more."""
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    async def _live(self) -> int:
        """From the start to the exit code."""
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", MODULE, self._orders.written()),
            stdin=PIPE,
            stdout=PIPE,
            env=self._environment,
            pass_fds=(self._orders.listener,),
            start_new_session=True,  # Ctrl-C is the parent's business, which passes it on
        )
        if self._stopping.is_set():
            self.stop()
        letting_begin = asyncio.create_task(self._let_begin(process))
        if process.stdout is not None:
            async for _ in process.stdout:
                self.ready.set()
        letting_begin.cancel()
        return await process.wait()

    async def _let_begin(self, process: Process) -> None:
        await self._broker_is_there.wait()
        if process.stdin is not None:
            process.stdin.write(b"\n")
            with suppress(ConnectionError):  # it has ended, which is seen elsewhere
                await process.stdin.drain()

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)


class Supervisor:
    """The parent: it serves nothing, and nobody reaches a store or the port through it."""

    def __init__(self, settings: RuntimeSettings, parts: Sequence[Part], listener: BoundSocket) -> None:
        """The first of the parts serves the public port, and tells of the others there."""
        self.smtp_port = (settings.sandbox_smtp_port or free_ports(1)[0]) if settings.sandbox else None
        self._parts = parts
        self._environment = _environment(settings, listener, self.smtp_port)
        self._listeners = [listener, *(bind(LOOPBACK, 0) for _ in parts[1:])]
        self._patience = settings.drain_seconds + LEAVING + OVERDUE
        sandbox = {"SANDBOX_URL": str(settings.sandbox_url or listener.url)} if settings.sandbox else {}
        self._environment_behind = self._environment | sandbox

    async def run(self, broker: "Future[str]", on_ready: Callable[[], None]) -> int:
        """Keep them until a signal comes; the exit code. Raises what keeps the broker from starting."""
        stop, broker_is_there = StopSignals(), asyncio.Event()
        children = [self._child(number, broker_is_there) for number in range(len(self._parts))]

        async def rise() -> None:
            await asyncio.shield(asyncio.wrap_future(broker))
            broker_is_there.set()
            await asyncio.gather(*(child.ready.wait() for child in children))
            on_ready()

        with stop.listening():
            keeping = [asyncio.create_task(child.keep()) for child in children]
            rising, asked = asyncio.create_task(rise()), asyncio.create_task(stop.asked.wait())
            await asyncio.wait({rising, asked, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            if rising.done() and not rising.exception():
                await asyncio.wait({asked, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            fallen = [task for task in keeping if task.done()]
            rising.cancel()
            asked.cancel()
            await self._stop(children, keeping, stop.insisted)
        if rising.done() and not rising.cancelled():
            rising.result()
        if fallen:
            return WRONG_SETTINGS if WRONG_SETTINGS in [task.result() for task in fallen] else NOT_RUN
        return 128 + signal.SIGTERM if any(task.result() for task in keeping) else 0

    def _child(self, index: int, broker_is_there: asyncio.Event) -> Child:
        behind = {str(number): each.url for number, each in enumerate(self._listeners[1:], 2)}
        others = behind if index == 0 else {}
        orders = Orders(index + 1, self._parts[index], os.getpid(), self._listeners[index].socket.fileno(), others)
        return Child(orders, self._environment if index == 0 else self._environment_behind, broker_is_there)

    async def _stop(
        self, children: Sequence[Child], keeping: Sequence["asyncio.Task[int]"], insisted: asyncio.Event
    ) -> None:
        """All drain at once; the first serves HTTP until the others have what they asked it for."""
        for listener in self._listeners:
            listener.socket.close()
        for child in children:
            child.stop()
        releasing = asyncio.create_task(_release(children[0], keeping[1:]))
        insisting = asyncio.create_task(_insist(children, insisted))
        _, late = await asyncio.wait(keeping, timeout=self._patience)
        for child in children if late else ():
            child.kill()
        await asyncio.wait(keeping)
        insisting.cancel()
        releasing.cancel()


async def _release(first: Child, others: Sequence["asyncio.Task[int]"]) -> None:
    await asyncio.wait(others)
    first.release()


async def _insist(children: Sequence[Child], insisted: asyncio.Event) -> None:
    await insisted.wait()
    for child in children:
        child.stop()


def _environment(settings: RuntimeSettings, listener: BoundSocket, smtp_port: int | None) -> dict[str, str]:
    """This process's own, and what the command line or this start has decided."""
    decided = {
        "HOST": settings.host,
        "PUBLIC_URL": str(settings.public_url or listener.url),
        "SANDBOX": "on" if settings.sandbox else "off",
    }
    return {**os.environ, **decided, **({} if smtp_port is None else {"SANDBOX_SMTP_PORT": str(smtp_port)})}


def _said(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
