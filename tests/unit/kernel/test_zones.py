"""A zone is one of the register, and the same on every machine."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import BaseModel

from shared.kernel.zones import Zone, zone_named


class Office(BaseModel):
    zone: Zone


@pytest.mark.parametrize("name", ["Europe/Lisbon", "UTC", "EST5EDT", "America/Argentina/Ushuaia"])
def test_a_zone_goes_by_its_registered_name(name: str) -> None:
    assert (
        zone_named(name) == Office.model_validate({"zone": name}).zone == zone_named(ZoneInfo(name)) == ZoneInfo(name)
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("localtime", None),
        ("posixrules", None),
        ("Factory", None),
        ("posix/Europe/Lisbon", "Europe/Lisbon"),
        ("right/Europe/Lisbon", "Europe/Lisbon"),
        ("europe/lisbon", "Europe/Lisbon"),
        ("Europe/Lisboa", "Europe/Lisbon"),
        ("America/SaoPaulo", "America/Sao_Paulo"),
        ("Europe", None),
        ("", None),
        ("../UTC", None),
        ("/etc/localtime", None),
        ("x" * 100_000, None),
        (7, None),
        (None, None),
    ],
)
def test_what_a_machine_may_take_for_another_place_is_none_and_the_nearest_name_is_told(
    name: Any, near: str | None
) -> None:
    for asked in (lambda: zone_named(name), lambda: Office.model_validate({"zone": name})):
        with pytest.raises(ValueError, match="must be the name of a zone such as Europe/Lisbon") as told:
            asked()
        assert (f"did you mean {near}?" in str(told.value)) == (near is not None)
