"""Real RabbitMQ for tests: one private node for the whole session, a virtual host of its own for each test."""

import json
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from services.cli.broker_node import PrivateBroker

BATCH = 16  # rabbitmqctl takes 0.4 s however many virtual hosts it makes


class VirtualHosts:
    """Hands out empty virtual hosts of one node and removes used ones, in batches."""

    def __init__(self, broker: PrivateBroker) -> None:
        self.broker = broker
        self._ready: list[str] = []
        self._used: list[str] = []
        self._count = 0

    def take(self) -> str:
        """The AMQP URL of an empty virtual host."""
        if not self._ready:
            self._remove_used()
            self._make()
        name = self._ready.pop(0)
        return with_virtual_host(self.broker.url, name)

    def give_back(self, url: str) -> None:
        self._used.append(urlsplit(url).path.removeprefix("/"))

    def _make(self) -> None:
        self._ready = [f"test-{number}" for number in range(self._count, self._count + BATCH)]
        self._count += BATCH
        user = urlsplit(self.broker.url).username
        everything = {"user": user, "configure": ".*", "write": ".*", "read": ".*"}
        definitions = {
            "vhosts": [{"name": name} for name in self._ready],
            "permissions": [{"vhost": name, **everything} for name in self._ready],
        }
        file = self.broker.folder / "virtual-hosts.json"
        file.write_text(json.dumps(definitions))
        self.broker.ctl("import_definitions", str(file))

    def _remove_used(self) -> None:
        if self._used:
            names = ",".join(f'<<"{name}">>' for name in self._used)
            self.broker.ctl("eval", f'[rabbit_vhost:delete(Name, <<"tests">>) || Name <- [{names}]].')
            self._used = []


def with_virtual_host(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def start_broker(home: Path, *, management: bool = False) -> PrivateBroker:
    broker = PrivateBroker(home, management=management)
    broker.start()
    return broker


def remember_queues(broker: PrivateBroker) -> None:
    """Have the node write down now what it writes every half second: which queues have which logs.

    A lone node that is killed before finds a quorum queue again, and not the log with its confirmed messages.
    """
    broker.ctl("eval", "[ok = dets:sync(Table) || Table <- dets:all()].")
