"""Each service in a process of its own, over one data folder and one broker, behind one address."""

import signal
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from services.cli.ports import free_ports
from services.house import HOUSE
from tests.e2e.gateway import gateway
from tests.kit.broker import start_broker
from tests.kit.stack import COMMAND_LINE, Stack

SERVICES = {each.name: each for each in HOUSE}


class House:
    """The processes, to be killed and started one by one."""

    def __init__(
        self, home: Path, url: str, broker_url: str, environment: Mapping[str, str], module: str = COMMAND_LINE
    ) -> None:
        self.home = home
        self._module = module
        self.url = url
        self.broker_url = broker_url
        self._common = dict(environment) | {
            "MILESAGA_HOME": str(home),
            "MILESAGA_URL": url,
            "PUBLIC_URL": url,
            "OIDC_ISSUER": f"{url}/sandbox/oauth",
            "SANDBOX": "on",
            "BROKER_URL": broker_url,
        }
        self.processes: dict[str, Stack] = {}
        self.processes = {name: self._process(name) for name in (*SERVICES, "sandbox")}
        self.processes = {name: self._process(name, stack.port) for name, stack in self.processes.items()}

    def _process(self, name: str, port: int | None = None) -> Stack:
        environment = self._common | self._asked_by(name)
        stack = Stack(self.home / "processes" / name, name, environment=environment, module=self._module)
        if port is not None:
            stack.port, stack.url = port, f"http://127.0.0.1:{port}"
        return stack

    def _asked_by(self, name: str) -> dict[str, str]:
        """Where the services are that this one says it asks: the public address leads to no internal route."""
        asked = SERVICES[name].asks if name in SERVICES and self.processes else ()
        return {f"{each.upper()}_URL": self.processes[each].url for each in asked}

    def start(self) -> None:
        """The sandbox first: the others read where its mail server is."""
        self.processes["sandbox"].start()
        with ThreadPoolExecutor(len(SERVICES)) as starters:
            list(starters.map(self.restart, SERVICES))

    def restart(self, name: str) -> None:
        self.processes[name].start()

    def replica(self, name: str) -> Stack:
        """One more process of a service, not started yet; whoever asks for it ends it."""
        return Stack(self.home / "processes" / f"{name}-2", name, environment=self._common | self._asked_by(name))

    def kill(self, name: str) -> None:
        self.processes[name].kill()

    def pause(self, name: str) -> None:
        """It keeps what it has in its hands, and stands still."""
        self.processes[name].process.send_signal(signal.SIGSTOP)

    def resume(self, name: str) -> None:
        """Harmless for one that runs, or has been killed."""
        self.processes[name].process.send_signal(signal.SIGCONT)

    def clean_up(self) -> None:
        for process in self.processes.values():
            process.clean_up()

    def log(self) -> str:
        return "\n".join(f"--- {name}\n{process.log()[-3000:]}" for name, process in self.processes.items())


@contextmanager
def house(home: Path, environment: Mapping[str, str], module: str = COMMAND_LINE) -> Iterator[House]:
    """All of it, up; and nothing of it left afterwards. `module` is what the services are started by."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        broker = start_broker(home)
        stack.callback(broker.kill)
        port = free_ports(1)[0]
        built = House(home, f"http://127.0.0.1:{port}", broker.url, environment, module)
        upstreams = {name: process.url for name, process in built.processes.items()}
        stack.enter_context(gateway(port, upstreams))
        stack.callback(built.clean_up)
        built.start()
        yield built
