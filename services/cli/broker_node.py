"""A private RabbitMQ node for a laptop and for tests, from the machine's own `rabbitmq-server` package.

Everything of a node lies in `HOME/broker`: data, log, configuration, Erlang cookie, the ports it was given.
It listens on 127.0.0.1 only, under an epmd of its own, and runs as whoever calls; the system's RabbitMQ is
neither used nor touched, and several nodes stand side by side in folders of their own.

A node outlives its parent's `kill -9`. The next start over the same folder adopts it when its queues take and
give, and replaces it, on the same data, when they do not. A process is taken for ours only when its environment carries
this folder's name, so that nobody else's is ever signalled. Linux only: it reads `/proc`.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import IO, Final

import aiormq
from aiormq.abc import AbstractConnection

from services.cli.broker_setup import MARK, NODE_NAME, Node, environment, write_configuration, write_private
from shared.bus.probing import QUEUES, probe, probe_queue

ANSWERS_WITHIN: Final = 5.0  # seconds a living node has to greet, before it is taken for hung
PROBE_WITHIN: Final = 10.0
CTL_WITHIN: Final = 30.0
ROOM: Final = 100_000_000  # bytes; below half of that the node itself takes nothing
LONGEST_PATH: Final = 3_000  # of the 4,096 bytes of a path the node's own names take the rest
SHOWN_PATH: Final = 200
SILENT: Final = "silent"
DOWN: Final = frozenset({"down", "stopped", "crashed", "minority"})
# Of Debian's and of RabbitMQ's own packages; the scripts on the PATH insist on the user `rabbitmq`, these do not.
PACKAGE_SCRIPTS: Final = "/usr/lib/rabbitmq/bin"
AMQP_GREETING: Final = b"AMQP\x00\x00\x09\x01"
METHOD: Final = b"\x01"
"""The frame that answers the greeting, `Connection.Start`. Whatever else may listen there begins otherwise."""


class BrokerError(RuntimeError):
    """The private node cannot be run; the message is for the user."""


class PrivateBroker:
    """One node in `home/broker`. Every method blocks: call it through `asyncio.to_thread` in async code.

    `management` switches the management and Prometheus plugins on: 0.5 s more to start, 5 s more to stop.
    One process at a time may hold a folder; a second one gets a `BrokerError`.
    """

    def __init__(self, home: Path, *, management: bool = False) -> None:
        self.folder = home.resolve() / "broker"
        self.url_file = self.folder.parent / "broker.url"
        self.adopted = False
        self._management = management
        self._state_file = self.folder / "node.json"
        self._node: Node | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._claim: IO[str] | None = None

    @property
    def url(self) -> str:
        """The AMQP URL, the same after a restart unless somebody took the port meanwhile."""
        return self._known().url

    @property
    def management_url(self) -> str:
        """The management plugin's HTTP address, credentials included."""
        node = self._known()
        return f"http://milesaga:{node.password}@127.0.0.1:{node.management_port}"

    @property
    def prometheus_url(self) -> str:
        return f"http://127.0.0.1:{self._known().prometheus_port}/metrics"

    def start(self, timeout: float = 60.0) -> str:
        """Adopt or start the node, wait until it serves AMQP, write `broker.url`, and return the URL.

        Idempotent. Raises `BrokerError` with the end of the log when there is no answer within `timeout` seconds.
        """
        self._check_path()
        server = _binary("rabbitmq-server")
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise BrokerError(f"MILESAGA_HOME: {self.folder} cannot be used ({error.strerror})") from None
        self._take_claim()
        saved = Node.load(self._state_file)
        self.adopted = saved is not None and self._is_ours(saved.pid) and self._serves(saved)
        if saved is not None and self.adopted:
            self._node = saved
        else:
            self._sweep()
            self._replace(server, saved, time.monotonic() + timeout)
        write_private(self.url_file, self.url + "\n")
        return self.url

    def stop(self, timeout: float = 20.0) -> None:
        """Orderly shutdown; after `timeout` seconds a kill. Leaves no process. Idempotent."""
        if not self.folder.exists():
            return
        self._take_claim()
        node = self._node or Node.load(self._state_file)
        if node is not None and self._is_ours(node.pid):
            os.kill(node.pid, signal.SIGTERM)
            self.resume()  # a paused node would sleep through the request
            deadline = time.monotonic() + timeout
            while self._is_ours(node.pid) and time.monotonic() < deadline:
                time.sleep(0.02)
        self._sweep()
        self.url_file.unlink(missing_ok=True)
        self._release_claim()

    @property
    def lives(self) -> bool:
        """Whether the node's process is there; it may be hung, or refuse messages."""
        return self._is_ours(self._known().pid)

    @property
    def processes(self) -> list[int]:
        """Ids of every living process of this folder's node: launcher, Erlang, its helpers, its epmd."""
        return [pid for path in Path("/proc").glob("[0-9]*") if self._is_ours(pid := int(path.name))]

    def mend(self, timeout: float = 60.0, given_up: Callable[[], bool] = lambda: False) -> bool:
        """Replace the node, on the same data, when it refuses messages or is gone; was that so?

        One that is silent may be busy, and one whose disk is full would be no better for it: both are left alone.
        Raises `BrokerError` when the new one does not start, or `given_up` says that nobody waits for it any more.
        """
        node = self._known()
        if shutil.disk_usage(self.folder).free < ROOM or _fault(node) in (None, SILENT):
            return False
        self._sweep()
        self._replace(_binary("rabbitmq-server"), node, time.monotonic() + timeout, given_up)
        write_private(self.url_file, self.url + "\n")
        return True

    def kill(self) -> None:
        """Crash: SIGKILL to every process of the node. The data stays, `start` brings it back."""
        self._sweep()

    def pause(self) -> None:
        """Freeze the node: connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def ctl(self, *arguments: str, tool: str = "rabbitmqctl", timeout: float = 60.0) -> str:
        """Run `rabbitmqctl` (or `rabbitmq-queues`, ...) on this node and return what it prints. The node may be another
        process's."""
        node = self._node or Node.load(self._state_file)
        if node is None:
            raise BrokerError(f"no RabbitMQ node was started in {self.folder}")
        done = subprocess.run(
            [_binary(tool), "-n", NODE_NAME, "-q", *arguments],
            env=environment(self.folder, node),
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if done.returncode:
            raise BrokerError(f"{tool} {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def _check_path(self) -> None:
        """Refuse a path that RabbitMQ's scripts or Erlang cannot bear: they would hang, or misread it."""
        told = os.fsencode(self.folder)
        wrong = None
        if b"'" in told:
            wrong = "has an apostrophe"
        elif len(told) > LONGEST_PATH:
            wrong = f"has {len(told)} bytes, at most {LONGEST_PATH}"
        else:
            try:
                told.decode()
            except UnicodeDecodeError:
                wrong = "is not UTF-8"
        if wrong:
            shown = told.decode(errors="replace")[:SHOWN_PATH]
            raise BrokerError(
                f"MILESAGA_HOME: RabbitMQ cannot bear the path {shown!r}, which {wrong}: "
                "name another folder, or set BROKER_URL."
            )

    def _serves(self, node: Node) -> bool:
        """Whether a node that was found takes and gives, by every queue that it has."""
        if not _answers(node, ANSWERS_WITHIN) or _fault(node) is not None:
            return False
        self._node = node
        try:
            states = self.ctl("list_queues", "state", "--no-table-headers", timeout=CTL_WITHIN).split()
        except (BrokerError, subprocess.TimeoutExpired):
            return False
        return not set(states) & DOWN

    def _known(self) -> Node:
        if self._node is None:
            raise BrokerError("the private RabbitMQ node has not been started")
        return self._node

    def _replace(
        self, server: str, saved: Node | None, deadline: float, given_up: Callable[[], bool] = lambda: False
    ) -> None:
        """Start a new process on the data of the former one, if any."""
        password_lost = saved is None and self._data.exists()
        node = saved or replace(Node.fresh(), has_served=password_lost)
        self._node = self._launch(server, node.with_free_ports())
        try:
            self._await_answer(deadline, given_up)
        except BrokerError:
            moved = self._node.with_free_ports()
            if moved.ports == self._node.ports:
                raise
            # while it started somebody else took one
            self._node = self._launch(server, moved)
            self._await_answer(deadline, given_up)
        if password_lost:
            self.ctl("change_password", "milesaga", self._node.password)
        self._node = replace(self._node, has_served=True)
        self._node.save(self._state_file)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _launch(self, server: str, node: Node) -> Node:
        if node.pid and not node.has_served and self._data.is_dir():
            # killed during its first boot: a half-made schema hangs the next one, and holds nothing
            shutil.rmtree(self._data)
        write_configuration(self.folder, node, management=self._management)
        (self.folder / "log").mkdir(exist_ok=True)
        console = self.folder / "log" / "console.log"
        with console.open("wb") as out:
            self._child = subprocess.Popen(
                [server],
                env=environment(self.folder, node),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # Ctrl-C is the stack's business, which stops the node when all else has
            )
        node = replace(node, pid=self._child.pid)
        node.save(self._state_file)
        return node

    def _await_answer(self, deadline: float, given_up: Callable[[], bool]) -> None:
        node = self._known()
        while not _answers(node, 1.0):
            ended = not self._is_ours(node.pid)
            if ended or given_up() or time.monotonic() > deadline:
                self._sweep()
                what = "ended before it served" if ended else "gave no answer in time"
                raise BrokerError(f"The private RabbitMQ node {what}. {self._log_tail()}")
            time.sleep(0.02)

    def _log_tail(self) -> str:
        parts = []
        for name in ("console.log", "broker.log"):
            path = self.folder / "log" / name
            if path.exists() and (lines := path.read_text(errors="replace").splitlines()[-25:]):
                parts.append(f"The end of {path}:\n" + "\n".join(lines))
        return "\n".join(parts)

    def _signal(self, number: signal.Signals) -> list[int]:
        """Signal every living process of this folder's node."""
        ours = self.processes
        for pid in ours:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        return ours

    def _is_ours(self, pid: int) -> bool:
        """Whether the process lives and belongs to this folder. A dead one that nobody reaped has no environment."""
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        try:
            environment = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:  # gone, or another user's
            return False
        return f"{MARK}={self.folder}".encode() in environment.split(b"\0")

    def _sweep(self) -> None:
        """Kill whatever is left of this folder's node."""
        deadline = time.monotonic() + 10.0
        while left := self._signal(signal.SIGKILL):
            if time.monotonic() > deadline:
                raise BrokerError(f"Processes of an earlier RabbitMQ node do not end: {left}")
            time.sleep(0.01)
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _take_claim(self) -> None:
        """A POSIX record lock: it falls with the process, however that ends, and is not inherited by children."""
        if self._claim is not None:
            return
        claim = (self.folder / "lock").open("a")
        try:
            fcntl.lockf(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            claim.close()
            raise BrokerError(
                f"Another process runs the broker in {self.folder}: stop it, or set MILESAGA_HOME to another folder."
            ) from None
        self._claim = claim

    def _release_claim(self) -> None:
        if self._claim is not None:
            self._claim.close()
            self._claim = None


def _binary(tool: str) -> str:
    found = shutil.which(tool, path=PACKAGE_SCRIPTS) or shutil.which(tool)
    if found is None:
        raise BrokerError(
            "RabbitMQ is not installed: run `apt-get install rabbitmq-server`, "
            "or set BROKER_URL to the AMQP URL of a broker."
        )
    return found


def _answers(node: Node, within: float) -> bool:
    """Whether the node greets. Its listener opens last, when every queue has been recovered."""
    try:
        with socket.create_connection(("127.0.0.1", node.amqp_port), within) as connection:
            connection.sendall(AMQP_GREETING)
            return connection.recv(1) == METHOD
    except OSError:
        return False


def _fault(node: Node) -> str | None:
    """What is wrong with the node: nothing, it is silent, or the name of its refusal.

    In a thread, because whoever calls may have a loop that runs.
    """
    with ThreadPoolExecutor(1) as apart:
        try:
            apart.submit(asyncio.run, _probed(node.url)).result()
        except TimeoutError:
            return SILENT
        except Exception as error:  # noqa: BLE001 - whatever it is, the node does not take and give
            return type(error).__name__
    return None


async def _probed(url: str) -> None:
    # This loop is the probe's alone. A channel that is still being left when it ends is given up with it, and what
    # aiormq's tasks say of that is no error of anybody's.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    async with asyncio.timeout(PROBE_WITHIN):
        connection = await aiormq.connect(url)
        try:
            await _take_and_give(connection)
        finally:
            await connection.close()


async def _take_and_give(connection: AbstractConnection) -> None:
    """By one queue or another. Raises TimeoutError where all are silent, and what the node says else."""
    for number in range(QUEUES):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PROBE_WITHIN / (QUEUES + 1)):
                return await probe(connection, probe_queue("milesaga", number))
    raise TimeoutError
