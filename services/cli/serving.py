"""One process of services, from its composition to the end of its drain."""

import importlib
import signal
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from services.house import HOUSE
from shared.runtime.settings import RuntimeSettings

if TYPE_CHECKING:
    from shared.runtime.host import Compose, EmbeddedSandbox
    from shared.runtime.peers import Peers
    from shared.runtime.server import BoundSocket

SANDBOX = "sandbox"


def serve(
    settings: RuntimeSettings,
    services: Sequence[str],
    listener: "BoundSocket",
    broker_url: Callable[[], str],
    on_ready: "Callable[[EmbeddedSandbox | None], Awaitable[None]]",
    *,
    sandbox: bool,
    peers: "Peers | None" = None,
) -> int:
    """Run them until a signal comes; the exit code. `broker_url` is asked when they are imported, and may block."""
    import uvloop  # noqa: PLC0415 - `milesaga --help` needs none of it

    from shared.runtime import garbage  # noqa: PLC0415
    from shared.runtime.host import Host  # noqa: PLC0415

    outside = embedded(settings, listener) if sandbox else None
    compositions = {name: composition(name) for name in services}
    here = frozenset(compositions) | ({SANDBOX} if sandbox else frozenset())
    host = Host(settings, listener, broker_url(), house=HOUSE, here=here, sandbox=outside, peers=peers)
    garbage.settle()
    drained = uvloop.run(host.run(compositions, lambda: on_ready(outside)))
    return 0 if drained else 128 + signal.SIGTERM


def composition(name: str) -> "Compose":
    """A service's composition root. Only what runs here is imported: the others would cost memory and time."""
    compose: Compose = importlib.import_module(f"services.{name}.app").compose
    return compose


def embedded(settings: RuntimeSettings, listener: "BoundSocket") -> "EmbeddedSandbox":
    from services.sandbox.app import Sandbox  # noqa: PLC0415 - as for services
    from services.sandbox.settings import SandboxSettings  # noqa: PLC0415

    public_url = str(settings.public_url or listener.url).rstrip("/")
    return Sandbox(
        SandboxSettings(
            enabled=True,
            environment=settings.environment,
            home=settings.milesaga_home,
            host=settings.host,
            public_url=public_url,
            smtp_port=settings.sandbox_smtp_port,
        )
    )
