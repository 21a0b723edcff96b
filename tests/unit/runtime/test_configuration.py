"""What a process refuses to start with: everything at once, over all its services."""

import os
from pathlib import Path

import pytest

from services.house import HOUSE
from shared.runtime.configuration import check, is_loopback, settings_classes
from shared.runtime.environment import Environment
from shared.runtime.settings import RuntimeSettings, Settings, WrongSettings, read
from tests.kit.stack import REPOSITORY

OVERLAY = REPOSITORY / "deploy" / "kubernetes" / "overlays" / "prod"
PRODUCTION = {
    "ENVIRONMENT": "production",
    "BROKER_URL": "amqps://broker/",
    "MONGODB_URL": "mongodb://store/",
    "OIDC_ISSUER": "https://login.example.com",
    "INTERNAL_TOKEN": "0123456789abcdef",
    "OFFERS_SABRE_CLIENT_ID": "V1:a:b:c",
    "OFFERS_SABRE_CLIENT_SECRET": "secret-1",
    "OFFERS_SABRE_PSEUDO_CITY": "A1B2",
    "TICKETING_SABRE_CLIENT_ID": "V1:a:b:c",
    "TICKETING_SABRE_CLIENT_SECRET": "secret-2",
    "TICKETING_SABRE_PRINTER": "498BF1",
    "PAYMENT_STRIPE_SECRET_KEY": "secret-3",
    "NOTIFICATIONS_SMTP_URL": "smtps://user:secret-4@mail.example:465",
    "DELIVERY_MASTER_KEY": "secret-5-secret-5-secret-5-secret-5",
    "RELEASES_POLICY": str(OVERLAY / "release-policy.toml"),
    "RELEASES_PEOPLE": str(OVERLAY / "people.toml"),
    "RELEASES_SIGNING_KEY": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3I=",
}
REAL = {"OFFERS_SABRE_CLIENT_SECRET", "TICKETING_SABRE_CLIENT_SECRET", "PAYMENT_STRIPE_SECRET_KEY"}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})


def give(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def faults(*services: str, sandbox_asked_for: bool = False) -> set[str]:
    """The variables that are complained about."""
    chosen = [each for each in HOUSE if each.name in services or not services]
    try:
        check(read(RuntimeSettings), chosen, sandbox_asked_for=sandbox_asked_for)
    except WrongSettings as error:
        return {sentence.partition(": ")[0] for sentence in str(error).split("; ")}
    return set()


def test_a_laptop_needs_nothing() -> None:
    assert faults() == set()


def test_production_with_everything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, PRODUCTION)
    assert faults() == set()


def test_production_names_all_that_is_missing_at_once_over_all_services(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVIRONMENT", "production")
    assert faults() == PRODUCTION.keys() - {"ENVIRONMENT"}


@pytest.mark.parametrize("missing", [name for name in PRODUCTION if name != "ENVIRONMENT"])
def test_production_names_whatever_alone_is_missing(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    give(monkeypatch, PRODUCTION)
    monkeypatch.delenv(missing)
    assert faults() == {missing}


def test_one_service_in_production_needs_its_own_secrets_only(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, PRODUCTION)
    for name in PRODUCTION:
        if name.startswith(("OFFERS_", "TICKETING_", "NOTIFICATIONS_")):
            monkeypatch.delenv(name)
    assert faults("payment") == set()
    assert faults("payment", "notifications") == {"NOTIFICATIONS_SMTP_URL"}


def test_what_is_wrong_stands_beside_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, PRODUCTION | {"CART_SECONDS": "soon", "CHECKOUT_ASKS": "0", "PAYMENT_STRIPE_URL": "stripe"})
    monkeypatch.delenv("MONGODB_URL")
    assert faults() == {"MONGODB_URL", "CART_SECONDS", "CHECKOUT_ASKS", "PAYMENT_STRIPE_URL"}


def test_without_the_sandbox_real_providers_and_an_issuer_are_needed_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX", "off")
    wanted = PRODUCTION.keys() - {"ENVIRONMENT", "BROKER_URL", "MONGODB_URL", "INTERNAL_TOKEN"}
    assert faults() == wanted


SERIOUS = {name: PRODUCTION[name] for name in ("OIDC_ISSUER", *sorted(REAL))} | {
    "HOST": "0.0.0.0",
    "STRIPE_SECRET_KEY": "former",
}


@pytest.mark.parametrize("given", SERIOUS)
def test_the_sandbox_is_not_on_by_itself_where_something_says_that_this_is_no_laptop(
    monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setenv(given, SERIOUS[given])
    assert faults() == {"SANDBOX"}
    with pytest.raises(WrongSettings, match=given) as caught:
        check(read(RuntimeSettings), HOUSE, sandbox_asked_for=False)
    assert "secret-" not in str(caught.value)
    assert faults(sandbox_asked_for=True) == set()
    monkeypatch.setenv("SANDBOX", "on")
    assert faults() == set()


@pytest.mark.parametrize("name", sorted(REAL))
def test_a_secrets_file_says_so_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / "secret").write_text("s3cret")
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    assert faults() == {"SANDBOX"}
    monkeypatch.setenv("SANDBOX", "on")
    assert faults() == set()


def test_secrets_of_services_that_run_elsewhere_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYMENT_STRIPE_SECRET_KEY", "secret-3")
    assert faults("cart") == set()
    assert faults("cart", "payment") == {"SANDBOX"}


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.5", False),
        ("api.example.com", False),
    ],
)
def test_an_address_of_this_machine_alone_is_told_from_others(host: str, near: bool) -> None:
    assert is_loopback(host) is near


def test_every_secret_of_every_service_may_come_from_a_file_of_no_other_settings_name() -> None:
    own = [each for service in HOUSE for each in settings_classes(service)]
    classes: list[type[Settings]] = [RuntimeSettings, *own]
    names = [Environment(each).name(name) for each in classes for name in each.model_fields]
    assert len(names) == len(set(names))
    assert {f"{name}_FILE" for name in names} & set(names) == set()
