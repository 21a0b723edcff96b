"""What a partner is told of the broker, and by which way its users come there."""

from pathlib import Path

import httpx
import pytest

from services.cli.administration import BrokerAdministration
from services.cli.users import BrokerUsers
from shared.runtime.settings import RuntimeSettings
from tests.kit.tls import Authority


def test_a_partners_url_names_none_of_our_files(tmp_path: Path) -> None:
    settings = RuntimeSettings(
        milesaga_home=tmp_path,
        broker_url="amqps://admin:secret@broker:5671/v?heartbeat=5",
        broker_ca_file=Authority(tmp_path / "ours").file,
    )
    assert BrokerUsers(settings).url_of("acme", "word") == "amqps://acme:word@broker:5671/v?heartbeat=5"


@pytest.mark.parametrize(
    ("given", "by_its_tools"),
    [
        ("amqp://my-shop:word@127.0.0.1:28349/", ["list_bindings"]),
        (None, ["list_bindings"]),
        ("amqp://guest:guest@127.0.0.1:9/", []),
    ],
)
def test_a_partners_url_left_in_the_environment_still_means_the_private_broker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str | None, by_its_tools: list[str]
) -> None:
    """A reader of the README exports it for the examples, and adds another partner afterwards."""
    (tmp_path / "broker.url").write_text("amqp://milesaga:secret@127.0.0.1:28349/\n")
    asked: list[str] = []

    def tool(_: BrokerAdministration, *words: str) -> str:
        asked.append(words[0])
        return "[]"

    monkeypatch.setattr(BrokerAdministration, "_ctl", tool)
    monkeypatch.setattr(BrokerAdministration, "_manage", lambda *_: httpx.Response(200, json=[]))
    BrokerAdministration(RuntimeSettings(milesaga_home=tmp_path, broker_url=given)).bindings()
    assert asked == by_its_tools
