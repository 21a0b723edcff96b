"""What the services' own settings are called."""

from importlib import import_module
from inspect import isclass
from pathlib import Path

import pytest

from services.notifications.settings import NotificationsSettings
from services.offers.settings import OffersSettings
from shared.runtime.settings import Settings, read

SERVICES = sorted(path.parent.name for path in (Path(__file__).parents[3] / "services").glob("*/settings.py"))


@pytest.mark.parametrize("service", [name for name in SERVICES if name != "sandbox"])
def test_a_setting_begins_with_its_services_name(service: str) -> None:
    module = import_module(f"services.{service}.settings")
    own = [
        each
        for each in vars(module).values()
        if isclass(each) and issubclass(each, Settings) and each.__module__ == module.__name__
    ]
    prefixes = {str(each.model_config.get("env_prefix")) for each in own}
    assert prefixes
    assert {prefix for prefix in prefixes if not prefix.startswith(f"{service.upper()}_")} == set()


@pytest.mark.parametrize(
    ("settings", "former", "field", "value"),
    [
        (OffersSettings, "OFFER_SECONDS", "seconds", 71),
        (OffersSettings, "OFFER_KEPT_SECONDS", "kept_seconds", 72),
        (OffersSettings, "OFFERS_PER_SEARCH", "per_search", 7),
        (OffersSettings, "OFFER_SEATS_PER_SEGMENT", "seats_per_segment", 73),
        (OffersSettings, "SEARCH_CACHE_SECONDS", "search_cache_seconds", 4.5),
        (OffersSettings, "MILES_PER_HUNDRED", "miles_per_hundred", 74),
        (NotificationsSettings, "MAIL_FROM", "sender", "Ana <ana@example.org>"),
        (NotificationsSettings, "MAIL_ISSUER", "issuer", "Ana Viagens"),
    ],
)
def test_what_was_set_before_the_names_changed_still_counts(
    monkeypatch: pytest.MonkeyPatch, settings: type[Settings], former: str, field: str, value: object
) -> None:
    monkeypatch.setenv(former, str(value))
    assert getattr(read(settings), field) == value
