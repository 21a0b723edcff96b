"""What a partner is told of the broker."""

from pathlib import Path

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
