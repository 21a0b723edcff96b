import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from services.sandbox.settings import SandboxSettings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in SandboxSettings.model_fields.values():
        monkeypatch.delenv(str(field.validation_alias), raising=False)


@pytest.mark.parametrize("environment", ["production", "Production", " PRODUCTION "])
def test_the_sandbox_never_runs_in_production(environment: str) -> None:
    with pytest.raises(ValidationError, match="ENVIRONMENT=production"):
        SandboxSettings(enabled=True, environment=environment)


def test_the_sandbox_runs_only_when_it_is_switched_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="SANDBOX must be on"):
        SandboxSettings()
    monkeypatch.setenv("SANDBOX", "on")
    assert SandboxSettings().enabled


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SANDBOX": "on",
        "MILESAGA_HOME": "/data/m",
        "PUBLIC_URL": "https://miles.example/",
        "SANDBOX_SMTP_PORT": "2525",
        "SANDBOX_BEGINS_AT": "2026-11-21T09:00:00-03:00",
    }.items():
        monkeypatch.setenv(name, value)
    settings = SandboxSettings()
    assert settings.folder == Path("/data/m/sandbox")
    assert settings.issuer == "https://miles.example/sandbox/oauth"
    assert settings.smtp_port == 2525
    assert settings.begins_at == datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_tokens_are_issued_where_services_find_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """In containers the address that clients use leads services nowhere."""
    for name, value in {
        "SANDBOX": "on",
        "PUBLIC_URL": "http://127.0.0.1:8000",
        "SANDBOX_URL": "http://sandbox:8000/",
        "MILES_URL": "http://miles:8000",
    }.items():
        monkeypatch.setenv(name, value)
    settings = SandboxSettings()
    assert settings.issuer == "http://sandbox:8000/sandbox/oauth"
    assert settings.miles_url == "http://miles:8000"


@pytest.mark.parametrize(
    ("name", "value"), [("SANDBOX_SMTP_PORT", "mail"), ("SANDBOX_BEGINS_AT", "2026-11-21T12:00:00")]
)
def test_a_wrong_setting_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name):
        SandboxSettings(enabled=True)


def test_the_sandbox_imports_neither_the_other_services_nor_what_they_share() -> None:
    code = (
        "import sys, services.sandbox.app;"
        "ours = [name for name in sys.modules if name.split('.')[0] == 'shared' or"
        " (name.startswith('services.') and not name.startswith('services.sandbox'))];"
        "heavy = [name for name in ('httpx', 'airportsdata') if name in sys.modules];"
        "print(ours + heavy)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, env=dict(os.environ)
    )
    assert said.stdout.strip() == "[]"
