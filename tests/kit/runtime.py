"""What a process gives its services, without a process."""

import asyncio
from pathlib import Path

import httpx

from shared.bus.outbox import Publisher
from shared.bus.standing import StandingQueues
from shared.kernel.clock import Clock
from shared.kernel.ids import Ids, Uuid7Ids
from shared.kernel.meter import NoServiceMeter, ServiceMeter
from shared.kernel.randomness import Random, SystemRandom
from shared.runtime.settings import RuntimeSettings
from shared.store import open_store
from shared.store.documents import Store
from tests.kit.bus import QueuesInMind, Recorder
from tests.kit.issuer import Issuer


class TestRuntime:
    """Fulfils `Runtime`: a process of its own, with its own connections, locks and publisher; its folder and its clock
    may be shared with another one.

    Requests go by `transport`, where one is set. A MongoDB has no folders: the folder's name keeps tests apart there.
    """

    __test__ = False

    def __init__(
        self,
        home: Path,
        clock: Clock,
        *,
        sandbox: bool = True,
        sandbox_url: str = "http://sandbox.test",
        smtp_port: int = 0,
        mongodb_url: str | None = None,
    ) -> None:
        self.settings = RuntimeSettings(environment="test", milesaga_home=home, sandbox=sandbox)
        self.clock = clock
        self.ids: Ids = Uuid7Ids(clock)
        self.random: Random = SystemRandom(7)
        self.recorder = Recorder()
        self.publisher: Publisher = self.recorder
        self.standing = QueuesInMind()
        self.queues: StandingQueues = self.standing
        self.meter: ServiceMeter = NoServiceMeter()
        self.draining = asyncio.Event()
        self.issuer = Issuer(clock)
        self.authenticator = self.issuer.authenticator()
        self.transport: httpx.AsyncBaseTransport | None = None
        self.clients: list[httpx.AsyncClient] = []
        self._sandbox_url = sandbox_url
        self._smtp_port = smtp_port
        self._mongodb_url = mongodb_url

    @property
    def home(self) -> Path:
        return self.settings.milesaga_home

    def store(self, name: str) -> Store:
        if self._mongodb_url is None:
            return open_store(name, self.home)
        return open_store(f"{name}_{self.home.name}", self.home, self._mongodb_url)

    def http(self, base_url: str, timeout_seconds: float) -> httpx.AsyncClient:
        client = httpx.AsyncClient(
            base_url=base_url, timeout=timeout_seconds, transport=self.transport, trust_env=False
        )
        self.clients.append(client)
        return client

    def service_url(self, service: str) -> str:
        return f"http://{service}.test"

    def provider_url(self, provider: str) -> str:
        return f"{self._sandbox_url}/sandbox/{provider}"

    def smtp(self) -> tuple[str, int]:
        return "127.0.0.1", self._smtp_port
