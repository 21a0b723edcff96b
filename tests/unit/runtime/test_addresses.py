"""Where a process finds the others."""

from pathlib import Path

import pytest
from pydantic import HttpUrl

from shared.runtime.addresses import Addresses, believing, broker_url, internal_token
from shared.runtime.home import BROKER_URL, HTTP_URL, SANDBOX_URL, SMTP_URL, Home
from shared.runtime.settings import RuntimeSettings, WrongSettings

OWN = "http://127.0.0.1:8000"


def addresses(folder: Path, *here: str, settings: RuntimeSettings | None = None) -> Addresses:
    return Addresses(settings or RuntimeSettings(), Home(folder), OWN, frozenset(here))


def test_what_runs_here_is_reached_here(tmp_path: Path) -> None:
    found = addresses(tmp_path, "cart", "sandbox")
    assert found.service("cart") == OWN
    assert found.provider("sabre") == f"{OWN}/sandbox/sabre"
    assert found.issuer == f"{OWN}/sandbox/oauth"


def test_what_runs_elsewhere_is_reached_at_the_stack_over_the_same_folder(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.write(HTTP_URL, "http://127.0.0.1:9000")
    home.write(SANDBOX_URL, "http://127.0.0.1:9000")
    home.write(SMTP_URL, "smtp://127.0.0.1:2525")
    found = addresses(tmp_path, "payment")
    assert found.service("offers") == "http://127.0.0.1:9000"
    assert found.provider("stripe") == "http://127.0.0.1:9000/sandbox/stripe"
    assert found.issuer == "http://127.0.0.1:9000/sandbox/oauth"
    assert found.smtp() == ("127.0.0.1", 2525)


def test_settings_come_before_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFERS_URL", "http://offers:80/")
    Home(tmp_path).write(HTTP_URL, "http://127.0.0.1:9000")
    settings = RuntimeSettings(
        sandbox_url=HttpUrl("http://sandbox:8080"),
        sandbox_smtp_port=2526,
        oidc_issuer="https://login.example.com/",
        public_url=HttpUrl("https://api.example.com"),
    )
    found = addresses(tmp_path, "offers", settings=settings)
    assert found.service("offers") == "http://offers"
    assert found.provider("sabre") == "http://sandbox:8080/sandbox/sabre"
    assert found.smtp() == ("sandbox", 2526)
    assert found.issuer == "https://login.example.com"
    assert found.public == "https://api.example.com"


def test_the_sandbox_issues_for_the_address_at_which_services_find_it(tmp_path: Path) -> None:
    """The sandbox's own process believes the same issuer as the others."""
    settings = RuntimeSettings(sandbox_url=HttpUrl("http://sandbox:8000"), public_url=HttpUrl("http://127.0.0.1:8000"))
    for here in ("sandbox", "miles"):
        assert addresses(tmp_path, here, settings=settings).issuer == "http://sandbox:8000/sandbox/oauth"


@pytest.mark.parametrize("service", ["cart", "releases", "event_hub"])
def test_any_service_may_be_given_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    monkeypatch.setenv(f"{service.upper()}_URL", "http://elsewhere:8080")
    assert addresses(tmp_path, service).service(service) == "http://elsewhere:8080"


def test_an_address_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELEASES_URL", "elsewhere")
    with pytest.raises(WrongSettings, match=r"^RELEASES_URL: "):
        addresses(tmp_path).service("releases")


@pytest.mark.parametrize(
    ("sandbox", "host"),
    [
        ("http://[::1]:8000", "::1"),
        ("http://sandbox", "sandbox"),
        ("https://a:b@sandbox.test:8443/", "sandbox.test"),
    ],
)
def test_the_mail_server_of_a_sandbox_is_beside_it(tmp_path: Path, sandbox: str, host: str) -> None:
    settings = RuntimeSettings(sandbox_url=HttpUrl(sandbox), sandbox_smtp_port=2525)
    assert addresses(tmp_path, settings=settings).smtp() == (host, 2525)


def test_a_mail_server_of_the_newer_protocol_is_found_by_its_note(tmp_path: Path) -> None:
    Home(tmp_path).write(SMTP_URL, "smtp://[::1]:2525")
    assert addresses(tmp_path).smtp() == ("::1", 2525)


def test_where_nothing_is_known_the_public_address_must_lead_there(tmp_path: Path) -> None:
    settings = RuntimeSettings(public_url=HttpUrl("https://api.example.com"))
    found = addresses(tmp_path, "checkout", settings=settings)
    assert found.service("cart") == "https://api.example.com"


def test_without_the_sandbox_there_is_no_stand_in_and_the_issuer_must_be_given(tmp_path: Path) -> None:
    found = addresses(tmp_path, settings=RuntimeSettings(sandbox=False))
    with pytest.raises(WrongSettings, match=r"^SANDBOX: "):
        found.provider("sabre")
    with pytest.raises(WrongSettings, match=r"^SANDBOX: "):
        found.smtp()
    with pytest.raises(WrongSettings, match=r"^OIDC_ISSUER: "):
        _ = found.issuer


def test_a_mail_server_nobody_announced_is_a_missing_setting(tmp_path: Path) -> None:
    with pytest.raises(WrongSettings, match=r"^SANDBOX_SMTP_PORT: "):
        addresses(tmp_path).smtp()


def test_the_broker_is_the_given_one_else_the_running_stacks_else_a_missing_setting(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with pytest.raises(WrongSettings, match=r"^BROKER_URL: "):
        broker_url(RuntimeSettings(), home)
    home.write(BROKER_URL, "amqp://private/")
    assert broker_url(RuntimeSettings(), home) == "amqp://private/"
    assert broker_url(RuntimeSettings(broker_url="amqp://given/"), home) == "amqp://given/"


@pytest.mark.parametrize(
    ("url", "believed"),
    [
        ("amqps://ana@host/v", "amqps://ana@host/v?cafile=%2Fca%2Fa+b.pem"),
        ("amqps://host/?heartbeat=5", "amqps://host/?heartbeat=5&cafile=%2Fca%2Fa+b.pem"),
        ("amqps://host/?cafile=/other.pem", "amqps://host/?cafile=/other.pem"),
        ("amqp://host/", "amqp://host/"),
    ],
)
def test_a_brokers_url_says_which_authorities_check_it(url: str, believed: str) -> None:
    assert believing(url, Path("/ca/a b.pem")) == believed
    assert believing(url, None) == url


def test_the_internal_token_is_one_for_all_processes_of_a_folder_but_given_in_production(tmp_path: Path) -> None:
    first = internal_token(RuntimeSettings(), Home(tmp_path))
    assert len(first) >= 32
    assert internal_token(RuntimeSettings(), Home(tmp_path)) == first
    assert internal_token(RuntimeSettings(internal_token="x" * 16), Home(tmp_path)) == "x" * 16
    with pytest.raises(WrongSettings, match=r"^INTERNAL_TOKEN: "):
        internal_token(RuntimeSettings(environment="production"), Home(tmp_path))
