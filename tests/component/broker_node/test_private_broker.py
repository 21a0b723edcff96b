"""The private RabbitMQ node, through every way in which it and its parent can end."""

import contextlib
import json
import os
import signal
import socket
import socketserver
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import aio_pika
import pytest
from aio_pika.exceptions import AMQPError

from services.cli.broker_node import BrokerError, PrivateBroker
from services.cli.broker_setup import MARK, Node
from tests.eventually import eventually, eventually_sync

pytestmark = pytest.mark.long

LOOPBACK_4 = "0100007F"  # as the kernel prints them
LOOPBACK_6 = "00000000000000000000000001000000"
PARENT = """
import sys, time
from pathlib import Path
from urllib.parse import urlsplit
from services.cli.broker_node import PrivateBroker
broker = PrivateBroker(Path(sys.argv[1]))
print(broker.start(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A folder whose path is long and holds spaces, as a user's may."""
    folder = tmp_path / "my documents" / ("long " * 40) / "milesaga"
    yield folder
    PrivateBroker(folder).kill()


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("ana's", "has an apostrophe"),
        (os.fsdecode(b"caf\xe9"), "is not UTF-8"),
        ("/".join(["x" * 200] * 16), "bytes, at most 3000"),
        ("x" * 300, "cannot be used"),
    ],
)
def test_a_path_that_the_node_cannot_bear_is_refused_at_once(tmp_path: Path, name: str, why: str) -> None:
    """Before anything is made there."""
    with pytest.raises(BrokerError, match=why) as refused:
        PrivateBroker(tmp_path / name).start()
    assert "\n" not in str(refused.value)
    assert list(tmp_path.iterdir()) == []


def test_a_path_in_another_alphabet_with_quotes_and_line_breaks_is_borne(tmp_path: Path) -> None:
    home = tmp_path / 'josé "o bom"' / "a\nb\\c$d"
    broker = PrivateBroker(home)
    try:
        broker.start()
        broker.ctl("list_queues", "name")
        assert PrivateBroker(home).start() == broker.url
    finally:
        broker.kill()


def processes_of(home: Path) -> list[int]:
    """Looked up here by other means than the node's own: every process whose environment names the folder."""
    mark = f"{MARK}={home.resolve() / 'broker'}\0".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


async def publish(url: str, queue: str, *bodies: bytes) -> None:
    connection = await aio_pika.connect(url, timeout=10)
    async with connection:
        channel = await connection.channel(publisher_confirms=True)
        await channel.declare_queue(queue, durable=True, arguments={"x-queue-type": "quorum"})
        for body in bodies:
            message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(message, routing_key=queue, mandatory=True, timeout=10)


async def take_all(url: str, queue: str, count: int) -> list[bytes]:
    connection = await aio_pika.connect(url, timeout=10)
    taken: list[bytes] = []
    async with connection:
        channel = await connection.channel()
        source = await channel.get_queue(queue, ensure=False)

        async def one_more() -> bool:
            if message := await source.get(fail=False, timeout=10):
                taken.append(message.body)
                await message.ack()
            return len(taken) >= count

        await eventually(one_more, within=20)
    return taken


def start_in_another_process(home: Path) -> tuple[subprocess.Popen[str], str]:
    """A parent that starts the node and stays; the URL it got."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(home)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    return parent, parent.stdout.readline().strip()


FREE = Node.with_free_ports


@contextlib.contextmanager
def talkative() -> Iterator[int]:
    """A port at which somebody answers whatever is said, in no protocol of a broker's."""

    class Answer(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Answer) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.05,))
        serving.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            serving.join()


def test_a_node_outlives_its_parent_and_is_adopted_by_the_next_start(home: Path) -> None:
    parent, url = start_in_another_process(home)
    parent.kill()
    parent.wait()
    before = processes_of(home)
    assert before
    broker = PrivateBroker(home)
    assert broker.start() == url
    assert broker.adopted
    assert processes_of(home) == before
    broker.stop()
    assert not processes_of(home)


def test_a_killed_node_is_replaced_under_the_same_url(home: Path) -> None:
    parent, url = start_in_another_process(home)
    for process in processes_of(home):
        with contextlib.suppress(ProcessLookupError):  # Erlang's helpers end with it
            os.kill(process, signal.SIGKILL)
    parent.kill()
    parent.wait()
    broker = PrivateBroker(home)
    assert broker.start() == url
    assert not broker.adopted


async def test_a_port_that_somebody_took_meanwhile_is_exchanged_and_the_data_kept(home: Path) -> None:
    broker = PrivateBroker(home)
    url = broker.start()
    await publish(url, "orders", b"one")
    broker.stop()
    with socket.create_server(("127.0.0.1", urlsplit(url).port or 0)):
        assert broker.start() != url
        assert await take_all(broker.url, "orders", 1) == [b"one"]


@pytest.mark.parametrize("first_boot", [True, False])
async def test_a_port_that_somebody_takes_while_it_starts_is_exchanged_and_the_data_kept(
    home: Path, monkeypatch: pytest.MonkeyPatch, first_boot: bool
) -> None:
    """Whoever has it then answers, and is not taken for the node."""
    broker = PrivateBroker(home)
    if not first_boot:
        await publish(broker.start(), "orders", b"one")
        broker.stop()
    with talkative() as port:
        looked = iter([True])

        def with_free_ports(node: Node) -> Node:
            return replace(node, amqp_port=port) if next(looked, False) else FREE(node)

        monkeypatch.setattr(Node, "with_free_ports", with_free_ports)
        url = broker.start()
        assert urlsplit(url).port != port
    await publish(url, "orders", b"two")
    assert await take_all(url, "orders", 1 if first_boot else 2) == [b"one", b"two"][first_boot:]


def test_a_node_whose_launcher_alone_was_killed_is_replaced_without_leftovers(home: Path) -> None:
    broker = PrivateBroker(home)
    broker.start()
    before = set(processes_of(home))
    launcher = json.loads((home / "broker" / "node.json").read_text())["pid"]
    os.kill(launcher, signal.SIGKILL)
    eventually_sync(lambda: launcher not in processes_of(home))
    later = PrivateBroker(home)
    later.start()
    assert not later.adopted
    assert not before & set(processes_of(home))


STOP_A_LEADER = "ra:stop_server(quorum_queues, {'%2F_orders', node()})."


async def test_a_node_one_of_whose_queues_is_down_is_replaced_and_its_messages_are_there(home: Path) -> None:
    """It greets, and names its queues as if they lived."""
    broker = PrivateBroker(home)
    url = broker.start()
    await publish(url, "orders", b"one")
    broker.ctl("eval", STOP_A_LEADER)
    later = PrivateBroker(home)
    assert later.start() == url
    assert not later.adopted
    assert await take_all(url, "orders", 1) == [b"one"]


@contextlib.contextmanager
def a_small_disk(folder: Path) -> Iterator[None]:
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120m", "none", folder], check=False).returncode:
        pytest.skip("only root may make a small disk")
    try:
        yield
    finally:
        PrivateBroker(folder).kill()
        subprocess.run(["umount", "--lazy", folder], check=True)


async def fill_until_refused(broker: PrivateBroker) -> None:
    """Without the limit by which the node stops taking in time."""
    broker.ctl("set_disk_free_limit", "1000")
    with (broker.folder / "filler").open("wb", buffering=0) as filler, contextlib.suppress(OSError):
        while True:
            filler.write(bytes(65_536))
    with pytest.raises((AMQPError, TimeoutError)):
        await publish(broker.url, "orders", *[bytes(500_000)] * 100)


@pytest.mark.parametrize("running", [False, True], ids=["found by the next start", "while it runs"])
async def test_a_node_whose_disk_was_full_is_replaced_once_there_is_room(tmp_path: Path, *, running: bool) -> None:
    with a_small_disk(home := tmp_path / "disk"):
        broker = PrivateBroker(home)
        url = broker.start()
        await publish(url, "orders", b"one")
        assert not broker.mend()
        await fill_until_refused(broker)
        assert not broker.mend(), "there is no room yet"
        (broker.folder / "filler").unlink()
        with pytest.raises((AMQPError, TimeoutError)):
            await publish(url, "orders", b"while its queues are down")
        later = broker if running else PrivateBroker(home)
        if running:
            await eventually(later.mend, within=60)
        else:
            assert later.start() == url
            assert not later.adopted
        await publish(url, "orders", b"two")
        taken = await take_all(url, "orders", 2)
        assert (taken[0], taken[-1]) == (b"one", b"two")


def test_a_hung_node_is_replaced(home: Path) -> None:
    broker = PrivateBroker(home)
    url = broker.start()
    frozen = set(processes_of(home))
    broker.pause()
    later = PrivateBroker(home)
    assert later.start() == url
    assert not later.adopted
    assert not frozen & set(processes_of(home))


def test_a_node_killed_while_it_boots_for_the_first_time_starts_afterwards(home: Path) -> None:
    parent = subprocess.Popen([sys.executable, "-c", PARENT, str(home)], stdout=subprocess.DEVNULL)
    data = home / "broker" / "data"
    eventually_sync(lambda: list(data.glob("*/schema.DAT")) + list(data.glob("*/coordination/*/*.wal")), within=30)
    parent.kill()
    parent.wait()
    broker = PrivateBroker(home)
    broker.kill()
    assert broker.start().startswith("amqp://milesaga:")
    assert "Success" in broker.ctl("authenticate_user", "milesaga", urlsplit(broker.url).password or "")


async def test_confirmed_messages_survive_a_kill(home: Path) -> None:
    broker = PrivateBroker(home)
    await publish(broker.start(), "orders")
    # A quorum queue's declaration reaches the disk within a second; a lone node killed before that forgets it.
    declared = time.monotonic()
    await eventually(lambda: time.monotonic() - declared > 1.0)
    bodies = [b"purchase %d" % number for number in range(50)]
    await publish(broker.url, "orders", *bodies)
    broker.kill()
    assert await take_all(broker.start(), "orders", 50) == bodies


async def test_messages_survive_a_stop_and_a_lost_state_file(home: Path) -> None:
    broker = PrivateBroker(home)
    await publish(broker.start(), "orders", b"one")
    broker.stop()
    (home / "broker" / "node.json").unlink()
    assert await take_all(PrivateBroker(home).start(), "orders", 1) == [b"one"]


async def test_two_nodes_stand_side_by_side(home: Path, tmp_path: Path) -> None:
    one, two = PrivateBroker(home), PrivateBroker(tmp_path / "neighbour")
    try:
        assert one.start() != two.start()
        await publish(one.url, "orders", b"of the first")
        await publish(two.url, "orders", b"of the second")
        neighbours = processes_of(tmp_path / "neighbour")
        one.kill()
        assert processes_of(tmp_path / "neighbour") == neighbours
        assert await take_all(two.url, "orders", 1) == [b"of the second"]
    finally:
        two.kill()


def test_a_second_process_over_the_same_folder_is_refused_and_disturbs_nothing(home: Path) -> None:
    parent, _ = start_in_another_process(home)
    before = processes_of(home)
    second = PrivateBroker(home)
    with pytest.raises(BrokerError, match="Another process runs the broker"):
        second.start()
    with pytest.raises(BrokerError, match="Another process runs the broker"):
        second.stop()
    assert processes_of(home) == before
    parent.kill()
    parent.wait()


def test_the_url_file_is_private_and_goes_with_the_node(home: Path) -> None:
    broker = PrivateBroker(home)
    url = broker.start()
    file = home / "broker.url"
    assert file.read_text().strip() == url
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    broker.stop()
    assert not file.exists()


def test_a_stop_of_a_paused_node_is_orderly(home: Path) -> None:
    broker = PrivateBroker(home)
    broker.start()
    broker.pause()
    broker.stop()
    assert not processes_of(home)
    assert "msg_store_persistent' is stopped" in (home / "broker" / "log" / "broker.log").read_text()


def test_it_listens_on_loopback_only(home: Path) -> None:
    broker = PrivateBroker(home)
    broker.start()
    inodes = set()
    for process in processes_of(home):
        for link in Path(f"/proc/{process}/fd").iterdir():
            target = str(link.readlink()) if link.is_symlink() else ""
            if target.startswith("socket:["):
                inodes.add(target[8:-1])
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    rows += [line.split() for line in Path("/proc/net/tcp6").read_text().splitlines()[1:]]
    listening = {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}
    assert listening == {LOOPBACK_4, LOOPBACK_6}  # epmd adds ::1 by itself


def test_a_node_that_cannot_start_says_why(home: Path) -> None:
    broker = PrivateBroker(home)
    (home / "broker").mkdir(parents=True)
    (home / "broker" / "data").write_text("in the way")
    with pytest.raises(BrokerError, match=r"(?s)ended before it served.*console\.log"):
        broker.start()
    assert not processes_of(home)


def test_a_missing_rabbitmq_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr("services.cli.broker_node.PACKAGE_SCRIPTS", "/nonexistent")
    with pytest.raises(BrokerError, match="apt-get install rabbitmq-server"):
        PrivateBroker(home).start()
