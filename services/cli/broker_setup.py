"""What a private RabbitMQ node is told: ports, password, configuration, environment. See `broker_node`."""

import json
import os
import secrets
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final, Self

from services.cli.ports import free_ports, is_free

NODE_NAME: Final = "milesaga@localhost"  # the data folder is named after it: another name is another, empty node
MARK: Final = "MILESAGA_BROKER_FOLDER"  # stands in the environment of every process of a node

# RabbitMQ turns busy-waiting off. On small virtual machines waking an idle core then costs more than the work:
# a start takes 5 s instead of 2 s. The shortest busy-wait cures that and is not seen in an idle node's CPU.
ERLANG_ARGUMENTS: Final = (
    "-kernel inet_dist_use_interface {127,0,0,1} +sbwt very_short +sbwtdcpu very_short +sbwtdio very_short"
)

CONFIGURATION: Final = """\
listeners.tcp.1 = 127.0.0.1:{amqp_port}
default_user = milesaga
default_pass = {password}
log.file.level = info
log.file.rotation.size = 10485760
log.file.rotation.count = 3
disk_free_limit.absolute = 50MB
# the write-ahead log of the quorum queues is read again at each start and kept in memory until it is full
raft.wal_max_size_bytes = 67108864
# four times what any service reads: nothing larger comes in to fill its memory
max_message_size = 4194304
"""

MANAGEMENT: Final = """\
management.tcp.ip = 127.0.0.1
management.tcp.port = {management_port}
prometheus.tcp.ip = 127.0.0.1
prometheus.tcp.port = {prometheus_port}
"""


@dataclass(frozen=True)
class Node:
    """What a later process must know of a node to find it again."""

    amqp_port: int
    dist_port: int
    epmd_port: int
    management_port: int
    prometheus_port: int
    password: str
    pid: int = 0  # of the launcher: a shell that waits for Erlang
    has_served: bool = False

    @classmethod
    def fresh(cls) -> Self:
        amqp, dist, epmd, management, prometheus = free_ports(5)
        return cls(amqp, dist, epmd, management, prometheus, secrets.token_hex(16))

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """None when there was no node yet, or a power cut left half a file."""
        try:
            return cls(**json.loads(path.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None

    def save(self, path: Path) -> None:
        write_private(path, json.dumps(asdict(self)))

    def with_free_ports(self, patience: float = 1.0) -> "Node":
        """The same ports, so that the URL stays, unless somebody else has one of them.

        The kernel closes a killed process's sockets a moment after it has gone from sight.
        """
        deadline = time.monotonic() + patience
        while not all(map(is_free, self.ports)):
            if time.monotonic() > deadline:
                return replace(Node.fresh(), password=self.password, pid=self.pid, has_served=self.has_served)
            time.sleep(0.01)
        return self

    @property
    def ports(self) -> tuple[int, ...]:
        return self.amqp_port, self.dist_port, self.epmd_port, self.management_port, self.prometheus_port

    @property
    def url(self) -> str:
        return f"amqp://milesaga:{self.password}@127.0.0.1:{self.amqp_port}/"


def write_configuration(folder: Path, node: Node, *, management: bool) -> None:
    text = CONFIGURATION + (MANAGEMENT if management else "")
    plugins = "rabbitmq_management,rabbitmq_prometheus" if management else ""
    write_private(folder / "rabbitmq.conf", text.format_map(asdict(node)))
    write_private(folder / "enabled_plugins", f"[{plugins}].\n")
    write_private(folder / "advanced.config", "[].\n")
    cookie = folder / ".erlang.cookie"
    if not cookie.exists():
        write_private(cookie, secrets.token_hex(20))


def environment(folder: Path, node: Node) -> dict[str, str]:
    """Nothing is inherited: a variable meant for the system's broker must not reach this one."""
    return {
        MARK: str(folder),
        "PATH": os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(folder),  # .erlang.cookie
        "ERL_EPMD_PORT": str(node.epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_MAX_PORTS": "8192",
        "RABBITMQ_NODENAME": NODE_NAME,
        "RABBITMQ_DIST_PORT": str(node.dist_port),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_CONFIG_FILES": str(folder / "conf.d"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_LOGS": str(folder / "log" / "broker.log"),
        "RABBITMQ_PID_FILE": str(folder / "pid"),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG_ARGUMENTS,
    }


def write_private(path: Path, text: str) -> None:
    """Readable by this user only, and whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
    draft.replace(path)
