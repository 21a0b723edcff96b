"""What stops the start, and which variable it names."""

from pathlib import Path

import pytest

from services.offers.settings import sabre_settings
from shared.runtime.settings import WrongSettings
from tests.component.counter import Surroundings

SANDBOX = "http://127.0.0.1:8000"
CREDENTIALS = {"SABRE_CLIENT_ID": "V1:a:b:c", "SABRE_CLIENT_SECRET": "secret-1", "SABRE_PSEUDO_CITY": "A1B2"}


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*CREDENTIALS, "SABRE_URL", "SABRE_TIMEOUT_SECONDS"):
        monkeypatch.delenv(name, raising=False)


async def test_the_sandbox_needs_no_settings(tmp_path: Path) -> None:
    assert str(sabre_settings(Surroundings(tmp_path, SANDBOX)).url) == f"{SANDBOX}/sandbox/sabre"


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
        sabre_settings(Surroundings(tmp_path, SANDBOX, sandbox=sandbox))


async def test_without_the_sandbox_sabre_itself_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    found = sabre_settings(Surroundings(tmp_path, SANDBOX, sandbox=False))
    assert str(found.url) == "https://api.platform.sabre.com/"
    assert "secret-1" not in repr(found)


async def test_a_pseudo_city_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABRE_PSEUDO_CITY", "our agency")
    with pytest.raises(WrongSettings, match="SABRE_PSEUDO_CITY"):
        sabre_settings(Surroundings(tmp_path, SANDBOX))
