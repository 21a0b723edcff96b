"""Settings of every process, as the environment gives them."""

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from shared.runtime.settings import RuntimeSettings, Settings, WrongSettings, read


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
    class Prefixed(Settings):
        model_config = SettingsConfigDict(env_prefix="stripe_")
        key: str
        stripe_key: str
        other: str = Field(validation_alias="STRIPE_OTHER")

    with pytest.raises(WrongSettings) as caught:
        read(Prefixed)
    assert str(caught.value) == ("STRIPE_KEY: is required; STRIPE_STRIPE_KEY: is required; STRIPE_OTHER: is required")


class Renamed(Settings):
    model_config = SettingsConfigDict(env_prefix="SHOP_CARD_")
    formerly: ClassVar = {"seconds": "CARD_SECONDS", "brands": "BRANDS"}
    seconds: float = Field(default=3.0, gt=0)
    brands: tuple[str, ...] = ()


def test_a_former_name_still_counts_with_one_warning_that_tells_the_new_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CARD_SECONDS", "5")
    monkeypatch.setenv("BRANDS", '["visa", "elo"]')
    found = read(Renamed)
    assert (found.seconds, found.brands) == (5.0, ("visa", "elo"))
    told = [(record.__dict__["variable"], record.__dict__["renamed"]) for record in caplog.records]
    assert told == [("CARD_SECONDS", "SHOP_CARD_SECONDS"), ("BRANDS", "SHOP_CARD_BRANDS")]


class RenamedTwice(Settings):
    model_config = SettingsConfigDict(env_prefix="SHOP_CARD_")
    formerly: ClassVar = {"seconds": ("SHOP_SECONDS", "SECONDS")}
    seconds: float = 3.0


def test_of_two_former_names_the_later_one_counts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SECONDS", "5")
    assert read(RenamedTwice).seconds == 5.0
    monkeypatch.setenv("SHOP_SECONDS", "7")
    assert read(RenamedTwice).seconds == 7.0
    assert [record.__dict__["variable"] for record in caplog.records] == ["SECONDS", "SHOP_SECONDS"]


def test_the_new_name_counts_where_both_are_set(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CARD_SECONDS", "5")
    monkeypatch.setenv("SHOP_CARD_SECONDS", "7")
    assert read(Renamed).seconds == 7.0
    assert not caplog.records


@pytest.mark.parametrize("name", ["CARD_SECONDS", "SHOP_CARD_SECONDS"])
def test_a_wrong_value_names_the_variable_that_was_set(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "soon")
    with pytest.raises(WrongSettings, match=f"^{name}: "):
        read(Renamed)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        read(Renamed).seconds = 1.0


def test_secrets_stay_out_of_the_settings_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BROKER_URL", "amqp://user:password@host/")
    monkeypatch.setenv("INTERNAL_TOKEN", "0123456789abcdef")
    text = repr(read(RuntimeSettings))
    assert "password" not in text
    assert "0123456789abcdef" not in text


class Keys(Settings):
    model_config = SettingsConfigDict(env_prefix="SHOP_")
    formerly: ClassVar = {"key": "KEY"}
    key: SecretStr = Field(min_length=4)
    url: str | None = Field(default=None, pattern="^x://", repr=False)
    token: SecretStr | None = None
    name: str = "shop"


def test_a_secret_comes_from_a_file_without_the_newline_at_its_end(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("s3cret \n")
    (tmp_path / "url").write_text("x://ana:s3cret@shop\r\n")
    monkeypatch.setenv("SHOP_KEY_FILE", str(tmp_path / "key"))
    monkeypatch.setenv("shop_url_file", str(tmp_path / "url"))
    found = read(Keys)
    assert (found.key.get_secret_value(), found.url, found.token) == ("s3cret ", "x://ana:s3cret@shop", None)


def test_only_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "name").write_text("elsewhere")
    monkeypatch.setenv("SHOP_KEY", "s3cret")
    monkeypatch.setenv("SHOP_NAME_FILE", str(tmp_path / "name"))
    assert read(Keys).name == "shop"


def test_a_file_comes_before_a_former_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("of the file")
    monkeypatch.setenv("KEY", "of the former name")
    monkeypatch.setenv("SHOP_KEY_FILE", str(tmp_path / "key"))
    assert read(Keys).key.get_secret_value() == "of the file"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"\xff\xfe", "is no text in UTF-8"),
        (b"x" * 70_000, "is longer than 65536 bytes"),
    ],
)
def test_a_secrets_file_that_cannot_be_used_is_named_with_the_reason_and_no_content(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("SHOP_KEY_FILE", str(file))
    with pytest.raises(WrongSettings) as caught:
        read(Keys)
    assert str(caught.value) == f"SHOP_KEY_FILE: {file} {said}"


def test_a_folder_is_no_secrets_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SHOP_KEY", "s3cret")
    monkeypatch.setenv("SHOP_TOKEN_FILE", str(tmp_path))
    with pytest.raises(WrongSettings, match=r"^SHOP_TOKEN_FILE: .* cannot be read \(Is a directory\)$"):
        read(Keys)


def test_every_file_and_every_other_fault_is_named_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("http://ana:s3cret@shop")
    monkeypatch.setenv("SHOP_KEY_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SHOP_URL_FILE", str(tmp_path / "url"))
    with pytest.raises(WrongSettings) as caught:
        read(Keys)
    first, second = str(caught.value).split("; ")
    assert first.startswith("SHOP_KEY_FILE: ")
    assert second.startswith("SHOP_URL_FILE: must match")
    assert "s3cret" not in str(caught.value)


def test_a_secret_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret")
    monkeypatch.setenv("SHOP_KEY", "another")
    monkeypatch.setenv("SHOP_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(WrongSettings, match=r"^SHOP_KEY: given twice, by SHOP_KEY_FILE too$"):
        read(Keys)


@pytest.mark.parametrize("name", ["BROKER_CA_FILE", "MONGODB_CA_FILE", "HTTPS_CA_FILE"])
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_authorities_that_are_none_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv(name, str(file))
    with pytest.raises(WrongSettings, match=f"^{name}: {file} "):
        read(RuntimeSettings)
