"""Each provider's settings: what stops the start, which variable it names, and what the sandbox stands in for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from services.offers.settings import sabre_settings
from services.payment.settings import settings as stripe_settings
from services.ticketing.settings import settings as ticketing_settings
from shared.runtime.providers import Provider
from shared.runtime.service import Runtime
from shared.runtime.settings import WrongSettings
from tests.kit.counter import Surroundings

SANDBOX = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Case:
    """One service's provider: what it must be given, and what it then is."""

    read: Callable[[Runtime], Provider]
    prefix: str
    former: str
    url: str
    timeout: float
    required: dict[str, str]
    wrong: tuple[str, str] = ("TIMEOUT_SECONDS", "soon")
    names: tuple[str, ...] = field(default=("URL", "TIMEOUT_SECONDS", "CALLS_AT_ONCE", "CALLS_PER_SECOND"))

    @property
    def provider(self) -> str:
        return self.prefix.split("_")[1].lower()


SABRE = {"CLIENT_ID": "V1:a:b:c", "CLIENT_SECRET": "secret-1"}
CASES = [
    Case(
        ticketing_settings,
        "TICKETING_SABRE_",
        "SABRE_",
        "https://api.platform.sabre.com/",
        30.0,
        SABRE | {"PRINTER": "498BF1"},
        ("COUNTRY", "Brazil"),
    ),
    Case(
        sabre_settings,
        "OFFERS_SABRE_",
        "SABRE_",
        "https://api.platform.sabre.com/",
        3.0,
        SABRE | {"PSEUDO_CITY": "A1B2"},
        ("PSEUDO_CITY", "our agency"),
    ),
    Case(
        stripe_settings,
        "PAYMENT_STRIPE_",
        "STRIPE_",
        "https://api.stripe.com/",
        20.0,
        {"SECRET_KEY": "secret-1"},
        ("SETTLE_SECONDS", "-1"),
    ),
]
every_provider = pytest.mark.parametrize("case", CASES, ids=lambda case: case.prefix)
MISSING = [(case, name) for case in CASES for name in case.required]


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for case in CASES:
        for name in (*case.required, *case.names, "COUNTRY", "SETTLE_SECONDS", "REREAD_SECONDS"):
            monkeypatch.delenv(case.prefix + name, raising=False)
            monkeypatch.delenv(case.former + name, raising=False)


def give(monkeypatch: pytest.MonkeyPatch, prefix: str, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(prefix + name, value)


@every_provider
def test_the_sandbox_needs_no_settings(tmp_path: Path, case: Case) -> None:
    found = case.read(Surroundings(tmp_path, SANDBOX))
    assert str(found.url) == f"{SANDBOX}/sandbox/{case.provider}"
    assert (found.timeout_seconds, found.breaker_seconds) == (3.0, 1.0)


@pytest.mark.parametrize("sandbox", [True, False])
@pytest.mark.parametrize(("case", "missing"), MISSING, ids=lambda part: getattr(part, "prefix", part))
def test_a_real_provider_needs_our_own_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case, missing: str, sandbox: bool
) -> None:
    give(monkeypatch, case.prefix, {"URL": case.url} | case.required)
    monkeypatch.delenv(case.prefix + missing)
    with pytest.raises(WrongSettings, match=case.prefix + missing):
        case.read(Surroundings(tmp_path, SANDBOX, sandbox=sandbox))


@every_provider
def test_without_the_sandbox_the_provider_itself_is_asked_with_productions_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case
) -> None:
    give(monkeypatch, case.prefix, case.required)
    found = case.read(Surroundings(tmp_path, SANDBOX, sandbox=False))
    assert (str(found.url), found.timeout_seconds, found.breaker_seconds) == (case.url, case.timeout, 10.0)
    assert "secret-1" not in repr(found)


@every_provider
def test_former_names_are_still_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    give(monkeypatch, case.former, case.required | {"URL": "https://elsewhere.example", "TIMEOUT_SECONDS": "7"})
    found = case.read(Surroundings(tmp_path, SANDBOX, sandbox=False))
    assert (str(found.url), found.timeout_seconds) == ("https://elsewhere.example/", 7.0)


def test_what_two_services_meant_by_one_name_can_be_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABRE_TIMEOUT_SECONDS", "7")
    monkeypatch.setenv("TICKETING_SABRE_TIMEOUT_SECONDS", "9")
    around = Surroundings(tmp_path, SANDBOX)
    assert (sabre_settings(around).timeout_seconds, ticketing_settings(around).timeout_seconds) == (7.0, 9.0)


@every_provider
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TIMEOUT_SECONDS", "0"),
        ("TIMEOUT_SECONDS", "-1"),
        ("TIMEOUT_SECONDS", "soon"),
        ("CALLS_AT_ONCE", "0"),
        ("CALLS_PER_SECOND", "0"),
        ("BREAKER_FAILURES", "0"),
        ("BREAKER_SECONDS", "nan"),
        ("URL", "sabre"),
        ("", ""),
    ],
)
def test_a_wrong_one_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case, name: str, value: str
) -> None:
    name, value = (name, value) if name else case.wrong
    monkeypatch.setenv(case.prefix + name, value)
    with pytest.raises(WrongSettings, match=f"^{case.prefix}{name}: "):
        case.read(Surroundings(tmp_path, SANDBOX))
