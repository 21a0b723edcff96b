"""What stops the start, and which variable it names."""

from pathlib import Path

import pytest

from services.payment.settings import settings
from shared.runtime.settings import WrongSettings
from tests.component.counter import Surroundings

SANDBOX = "http://127.0.0.1:8000"


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URL", "SECRET_KEY", "TIMEOUT_SECONDS", "SETTLE_SECONDS"):
        monkeypatch.delenv(f"STRIPE_{name}", raising=False)


async def test_the_sandbox_needs_no_settings(tmp_path: Path) -> None:
    found = settings(Surroundings(tmp_path, SANDBOX))
    assert str(found.url) == f"{SANDBOX}/sandbox/stripe"
    assert found.timeout_seconds == 3.0


async def test_without_the_sandbox_a_missing_key_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match="STRIPE_SECRET_KEY"):
        settings(Surroundings(tmp_path, SANDBOX, sandbox=False))


async def test_a_real_gateway_never_gets_the_sandboxs_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_URL", "https://api.stripe.com")
    with pytest.raises(WrongSettings, match="STRIPE_SECRET_KEY"):
        settings(Surroundings(tmp_path, SANDBOX))


async def test_without_the_sandbox_timeouts_are_productions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_1")
    found = settings(Surroundings(tmp_path, SANDBOX, sandbox=False))
    assert (str(found.url), found.timeout_seconds) == ("https://api.stripe.com/", 20.0)
    assert "sk_live_1" not in repr(found)


@pytest.mark.parametrize("value", ["0", "-1", "soon"])
async def test_a_wrong_timeout_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("STRIPE_TIMEOUT_SECONDS", value)
    with pytest.raises(WrongSettings, match="STRIPE_TIMEOUT_SECONDS"):
        settings(Surroundings(tmp_path, SANDBOX))
