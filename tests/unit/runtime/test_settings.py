"""Settings of every process, as the environment gives them."""

import pytest
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.runtime.settings import RuntimeSettings, WrongSettings, read


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in RuntimeSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)


def test_a_laptop_needs_no_settings() -> None:
    settings = read(RuntimeSettings)
    assert (settings.host, settings.port, settings.sandbox) == ("127.0.0.1", 8000, True)


def test_the_sandbox_is_off_in_production_unless_asked_for_which_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert read(RuntimeSettings).sandbox is False
    monkeypatch.setenv("SANDBOX", "on")
    with pytest.raises(WrongSettings, match=r"^SANDBOX: must be off where ENVIRONMENT=production$"):
        read(RuntimeSettings)


def test_every_wrong_variable_is_named_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "70000")
    monkeypatch.setenv("MONGODB_URL", "postgres://db")
    with pytest.raises(WrongSettings) as caught:
        read(RuntimeSettings)
    text = str(caught.value)
    assert text.startswith("MONGODB_URL: ")
    assert "; PORT: " in text
    assert "\n" not in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "abc"),
        ("ENVIRONMENT", "staging"),
        ("MONGODB_URL", "foo"),
        ("BROKER_URL", "http://x"),
        ("OIDC_ISSUER", "nope"),
    ],
)
def test_only_the_variable_that_is_wrong_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSettings) as caught:
        read(RuntimeSettings)
    assert str(caught.value).startswith(f"{name}: ")
    assert "; " not in str(caught.value)


def test_a_prefix_is_part_of_the_variables_name() -> None:
    class Prefixed(BaseSettings):
        model_config = SettingsConfigDict(env_prefix="stripe_")
        key: str
        other: str = Field(validation_alias="STRIPE_OTHER")

    with pytest.raises(WrongSettings) as caught:
        read(Prefixed)
    assert str(caught.value) == "STRIPE_KEY: Field required; STRIPE_OTHER: Field required"


def test_secrets_stay_out_of_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "amqp://user:password@host/")
    monkeypatch.setenv("INTERNAL_TOKEN", "0123456789abcdef")
    text = repr(read(RuntimeSettings))
    assert "password" not in text
    assert "0123456789abcdef" not in text
