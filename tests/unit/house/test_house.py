"""A service is one entry: its folder, its description, the house's list."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import import_module
from inspect import isclass
from pathlib import Path

import pytest

from services.house import HOUSE
from shared.bus.topology import topology
from shared.runtime.configuration import settings_classes
from shared.runtime.description import Description, WrongHouse, house, owner_of, queues, takes_requests
from shared.runtime.settings import Settings
from shared.runtime.variables import variables

REPOSITORY = Path(__file__).parents[3]
SERVICES = REPOSITORY / "services"
NO_SERVICES = {"cli", "sandbox"}
LIGHT = {"services", "shared"}

PARCELS = Description("parcels", bindings=(("commands", "parcels.#"),))
COUNTER = Description("counter", public=("/v1/parcels",), internal=True, scales_by="requests")


def folders() -> set[str]:
    return {path.parent.name for path in SERVICES.glob("*/__init__.py")} - NO_SERVICES


def test_every_folder_is_in_the_house() -> None:
    assert {each.name for each in HOUSE} == folders()


def test_no_setting_takes_the_name_of_a_services_address() -> None:
    """`<NAME>_URL` says where a service answers, in every process."""
    addresses = {f"{each.name.upper()}_URL" for each in HOUSE}
    named = {
        variable.name
        for each in HOUSE
        for settings in settings_classes(each)
        for variable in variables(settings, each.name)
    }
    assert not named & addresses


def test_every_room_of_a_service_is_under_the_import_rules() -> None:
    """The rules name the rooms; one that they do not know would be free to import anything."""
    linter = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [each["layers"] for each in linter["contracts"] if each.get("containers") == ["services.*"]]
    rooms = set(re.findall(r"\((\w+)\)", " ".join(layers)))
    found = {
        path.relative_to(SERVICES).parts[1].removesuffix(".py")
        for path in SERVICES.glob("*/**/*.py")
        if path.relative_to(SERVICES).parts[0] in folders()
    }
    assert found - rooms == {"__init__"}


def test_the_list_costs_next_to_nothing_to_read() -> None:
    script = "import sys, json, services.house; print(json.dumps(list(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    loaded = {name for name in json.loads(found.stdout) if name.split(".")[0] in LIGHT | {"pydantic", "faststream"}}
    rooms = {f"services.{each.name}" for each in HOUSE} | {f"services.{each.name}.service" for each in HOUSE}
    light = {f"shared.runtime.{name}" for name in ("description", "judged")}
    assert loaded - rooms <= {"services", "services.house", "shared", "shared.runtime", *light}


def test_shared_names_no_service() -> None:
    names = "|".join(each.name for each in HOUSE)
    quoted = re.compile(rf"""["']({names})["']""")
    found = [
        f"{path.relative_to(REPOSITORY)}: {line.strip()}"
        for room in ("bus", "runtime", "store", "web", "worker", "outside", "saga", "kernel")
        for path in (REPOSITORY / "shared" / room).rglob("*.py")
        for line in path.read_text().splitlines()
        if quoted.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("service", HOUSE, ids=lambda each: each.name)
def test_a_description_names_all_settings_of_its_service(service: Description) -> None:
    module = import_module(f"services.{service.name}.settings")
    public = {
        f"{module.__name__}:{name}"
        for name, each in vars(module).items()
        if isclass(each)
        and issubclass(each, Settings)
        and each.__module__ == module.__name__
        and "sandbox" not in name.lower()
    }
    assert set(service.settings) == public


def test_a_dummy_is_in_the_topology_by_its_entry() -> None:
    described = topology(queues(house(*HOUSE, PARCELS, COUNTER)))
    assert {queue.name for queue in described.queues} - {queue.name for queue in topology(queues(HOUSE)).queues} == {
        "parcels",
        "parcels.suspect",
        "parcels.dead",
    }
    assert [binding.pattern for binding in described.bindings if binding.queue == "parcels"] == ["parcels.#"]


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("/v1/offers", "offers"),
        ("/v1/offers/1", "offers"),
        ("/v1/operations/checkouts", "checkout"),
        ("/v1/parcels/1", "counter"),
        ("/v1/parcelsandmore", None),
        ("/v1/hub/targets/fuel/bi/deliveries", "archive"),
        ("/v1/hub/targets/fuel/bi/deliveries/", "archive"),
        ("/v1/hub/targets/fuel/bi", "delivery"),
        ("/v1/hub/targets/fuel/bi/dead", "delivery"),
        ("/v1/hub/targets/fuel/bi/deliveriesandmore", "delivery"),
        ("/v1/hub/targets/fuel/deliveries", "delivery"),
        ("/v1/hub/targets//bi/deliveries", "delivery"),
        ("/internal/carts/1", None),
        ("/", None),
    ],
)
def test_a_public_path_leads_to_the_service_that_names_its_beginning(path: str, owner: str | None) -> None:
    assert owner_of(house(*HOUSE, COUNTER), path) == owner


@pytest.mark.parametrize(
    ("here", "takes"),
    [
        (("checkout",), True),
        (("offers", "payment"), True),
        (("payment",), False),
        (("payment", "ticketing", "sandbox"), False),
        (("sandbox",), True),
    ],
)
def test_work_is_given_by_http_where_somebody_has_public_paths(here: tuple[str, ...], takes: bool) -> None:
    assert takes_requests(HOUSE, here) is takes


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (PARCELS, "twice"),
        (Description("other", public=("/v1/parcels",), scales_by="requests"), "twice"),
        (Description("other", bindings=PARCELS.bindings, asks=("nobody",)), "asks nobody"),
        (Description("other", bindings=PARCELS.bindings, asks=("parcels",)), "no internal routes"),
        (Description("broker", bindings=PARCELS.bindings), "cannot be a service's name"),
        (Description("event-hub", bindings=PARCELS.bindings), "cannot be a service's name"),
        (Description("other", bindings=PARCELS.bindings, commands=("counter",)), "which has no queue"),
        (Description("other"), "no queue to scale by"),
        (Description("other", bindings=PARCELS.bindings, scales_by="copies"), "no copies"),
        (Description("other", internal=True, bindings=PARCELS.bindings, may_rest=True), "may not rest"),
        (Description("other", scales_by="requests", may_rest=True), "may not rest"),
        (Description("other", bindings=PARCELS.bindings, may_rest=True), "what it left unsent"),
    ],
)
def test_descriptions_that_cannot_be_true_are_refused(wrong: Description, reason: str) -> None:
    with pytest.raises(WrongHouse, match=reason):
        house(PARCELS, COUNTER, wrong)


def test_no_services_tests_import_anothers() -> None:
    """What they share is in `tests/kit`; the saga is the checkout's."""
    subjects = {each.name for each in HOUSE} | NO_SERVICES
    found = []
    for path in (REPOSITORY / "tests").rglob("*.py"):
        place = path.relative_to(REPOSITORY).parts
        imported = re.findall(r"^from tests\.\w+\.(\w+)[. ]", path.read_text(), re.MULTILINE)
        strange = {name for name in imported if name in subjects} - set(place)
        found += [f"{'/'.join(place)}: {', '.join(strange)}"] if strange else []
    assert found == []


def test_who_reaches_what_strangers_name_asks_neither_for_events_nor_for_partners() -> None:
    """Nobody inside but who says whether a grant is good, where acts are gated: whoever breaks into it is outside."""
    (outward,) = [each for each in HOUSE if each.outward]
    assert outward.name == "delivery"
    assert outward.asks == ("releases",)
    assert not outward.internal
