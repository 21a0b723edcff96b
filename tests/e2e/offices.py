"""Releases in processes of their own beside the sandbox, over one broker and one store: to be killed one by one."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Lock

from services.cli.client import Api, Json, sandbox_token
from services.cli.release.access import ROOT, SCOPES
from shared.ledgerlog.notes import VerifierKey
from tests.kit.broker import start_broker
from tests.kit.stack import Stack

SERVICE = "releases"


class Office:
    """The replicas, and people's tokens."""

    def __init__(self, home: Path, broker_url: str, environment: Mapping[str, str], replicas: int) -> None:
        self.broker_url = broker_url
        self.anchors = home / "anchors"
        self.anchors.mkdir(parents=True)
        common = dict(environment) | {"MILESAGA_HOME": str(home), "SANDBOX": "on", "BROKER_URL": broker_url}
        self.sandbox = Stack(home / "processes" / "sandbox", "sandbox", environment=common)
        url = self.sandbox.url
        common |= {"OIDC_ISSUER": f"{url}/sandbox/oauth", "SANDBOX_URL": url, "RELEASES_ANCHOR_DIR": str(self.anchors)}
        self.replicas = [
            Stack(home / "processes" / f"{SERVICE}-{number}", SERVICE, environment=common) for number in range(replicas)
        ]
        self._tokens: dict[str, str] = {}
        self._lock = Lock()

    def start(self) -> None:
        """The sandbox first: the others read where its mail server is."""
        self.sandbox.start()
        with ThreadPoolExecutor(len(self.replicas)) as starters:
            list(starters.map(Stack.start, self.replicas))

    def clean_up(self) -> None:
        for each in (*self.replicas, self.sandbox):
            each.clean_up()

    def person(self, name: str, replica: int) -> Api:
        """Somebody with a token of his own, before one of the processes."""
        with self._lock:
            if name not in self._tokens:
                self._tokens[name] = sandbox_token(self.sandbox.url, SCOPES, name)
        return Api(self.replicas[replica % len(self.replicas)].url, self._tokens[name])

    def bundle(self) -> tuple[list[bytes], VerifierKey]:
        """The whole log as an auditor exports it, and the key by which he checks it."""
        with self.person("sre", 0) as api:
            key = VerifierKey.read(api.get(f"{ROOT}/log/checkpoint")["key"])
            return api.request("GET", f"{ROOT}/log/bundle").content.splitlines(keepends=True), key

    def shown(self, request: str) -> Json:
        with self.person("sre", 0) as api:
            return api.get(f"{ROOT}/requests/{request}")


@contextmanager
def office(home: Path, environment: Mapping[str, str], replicas: int) -> Iterator[Office]:
    """All of it, up; and nothing of it left afterwards."""
    home.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        broker = start_broker(home)
        stack.callback(broker.kill)
        built = Office(home, broker.url, environment, replicas)
        stack.callback(built.clean_up)
        built.start()
        yield built
