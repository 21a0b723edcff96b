"""The peers: the same five steps on other engines, from an environment that has their packages."""

from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.bench.children import Child
from tests.bench.places import PEERS

START_WITHIN: Final = 60.0
PEER_ARGUMENTS: Final = {"taskiq": ("taskiq_peer.py", "1"), "dbos": ("dbos_peer.py",), "celery": ("celery_peer.py",)}


class Peer:
    """One peer's processes, for as long as the `with` block lasts."""

    def __init__(self, name: str, folder: Path, python: Path, broker_url: str) -> None:
        self._folder = folder
        own = (str(folder / "dbos.sqlite3"),) if name == "dbos" else ()
        self._child = Child(
            [str(python), *PEER_ARGUMENTS[name], *own],
            cwd=PEERS,
            log=folder / f"{name}.log",
            environment={"BROKER_URL": broker_url},
        )

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._child.__enter__()
        self._child.wait_until_ready(START_WITHIN)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.__exit__(kind, error, trace)

    def run(self, tag: str, count: int, in_flight: int, within: float) -> dict[str, Any]:
        return self._child.ask(f"{tag} {count} {in_flight}", within)
