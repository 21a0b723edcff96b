"""What a process keeps where."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.house import HOUSE
from shared.runtime.host import Host
from shared.runtime.server import BoundSocket, bind
from shared.runtime.settings import RuntimeSettings

BROKER = "amqp://guest:guest@127.0.0.1:5672/"


@pytest.fixture
def listener() -> Iterator[BoundSocket]:
    bound = bind("127.0.0.1", 0)
    yield bound
    bound.socket.close()


@pytest.mark.parametrize("mongodb_url", ["mongodb://127.0.0.1:27017", None])
def test_a_process_whose_store_is_mongodb_makes_no_folder_in_its_home(
    tmp_path: Path, listener: BoundSocket, mongodb_url: str | None
) -> None:
    """A container's root file system is not writable."""
    home = tmp_path / "home"
    settings = RuntimeSettings(milesaga_home=home, mongodb_url=mongodb_url, internal_token="i" * 20)
    host = Host(settings, listener, BROKER, house=HOUSE, here=frozenset({"cart"}))
    host.store("cart")
    assert home.exists() is (mongodb_url is None)
