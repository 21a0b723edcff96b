"""What stops the start, and which variable it names."""

from pathlib import Path

import pytest

from services.ticketing.settings import settings
from shared.runtime.settings import WrongSettings
from tests.component.counter import Surroundings

SANDBOX = "http://127.0.0.1:8000"
CREDENTIALS = {"SABRE_CLIENT_ID": "V1:a:b:c", "SABRE_CLIENT_SECRET": "secret-1", "SABRE_PRINTER": "498BF1"}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CREDENTIALS, "SABRE_URL", "SABRE_TIMEOUT_SECONDS", "SABRE_SETTLE_SECONDS", "SABRE_REREAD_SECONDS"):
        monkeypatch.delenv(name, raising=False)


async def test_the_sandbox_needs_no_settings(tmp_path: Path) -> None:
    found = settings(Surroundings(tmp_path, SANDBOX))
    assert str(found.url) == f"{SANDBOX}/sandbox/sabre"
    assert found.timeout_seconds == 3.0


@pytest.mark.parametrize("missing", CREDENTIALS)
@pytest.mark.parametrize("sandbox", [True, False])
async def test_a_real_gds_needs_our_own_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, sandbox: bool
) -> None:
    monkeypatch.setenv("SABRE_URL", "https://api.platform.sabre.com")
    for name, value in CREDENTIALS.items():
        if name != missing:
            monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings, match=missing):
        settings(Surroundings(tmp_path, SANDBOX, sandbox=sandbox))


async def test_without_the_sandbox_timeouts_are_productions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    found = settings(Surroundings(tmp_path, SANDBOX, sandbox=False))
    assert (str(found.url), found.timeout_seconds) == ("https://api.platform.sabre.com/", 30.0)
    assert "secret-1" not in repr(found)


async def test_a_country_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABRE_COUNTRY", "Brazil")
    with pytest.raises(WrongSettings, match="SABRE_COUNTRY"):
        settings(Surroundings(tmp_path, SANDBOX))
