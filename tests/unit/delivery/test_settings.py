"""Settings that are wrong are named before anything is sealed."""

import pytest

from services.delivery.settings import DeliverySettings, SandboxDeliverySettings
from shared.runtime.settings import WrongSettings, read

KEY = "k" * 32


@pytest.mark.parametrize("settings", [DeliverySettings, SandboxDeliverySettings])
@pytest.mark.parametrize(
    ("former", "expected"), [("short", "at least 32 characters"), (KEY, "another text than DELIVERY_MASTER_KEY")]
)
def test_a_former_master_key_that_is_none_is_named(
    settings: type[DeliverySettings], former: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DELIVERY_MASTER_KEY", KEY)
    monkeypatch.setenv("DELIVERY_FORMER_MASTER_KEY", former)
    with pytest.raises(WrongSettings, match=f"DELIVERY_FORMER_MASTER_KEY: .*{expected}") as wrong:
        read(settings)
    assert former not in str(wrong.value)
