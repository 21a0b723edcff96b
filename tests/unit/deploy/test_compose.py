"""What runs the house by Compose: made from the list of services, and what it promises of each container."""

import os
import re
import shutil
import subprocess
from typing import Any, Final

import pytest
import yaml

from services.cli.deploy.compose import HINT, tree
from services.cli.deploy.compose.secrets import missing, variables
from services.cli.deploy.tree import REPOSITORY, differing
from services.house import HOUSE
from shared.runtime.description import Description

COMPOSE: Final = "docker-compose.yml"
USERS: Final = "deploy/mongodb/users.js"
GATEWAY: Final = "deploy/gateway/nginx.conf"
THANKS: Final = Description(
    name="thanks", bindings=(("events", "checkout.completed.v1"),), public=("/v1/thanks",), asks=("cart",)
)


def containers(text: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
    return found


def routes(text: str) -> set[tuple[str, str]]:
    """Who answers below which path."""
    return set(re.findall(r"location (\S+)/ \{\s+set \$service (\w+);", text))


MADE: Final = tree(HOUSE)
CONTAINERS: Final = containers(MADE[COMPOSE])
OURS: Final = {name: each for name, each in CONTAINERS.items() if each["image"].startswith("milesaga:")}


def test_what_is_committed_is_what_the_list_of_services_makes() -> None:
    assert differing(MADE) == [], "run `make manifests`"


def test_every_service_runs_in_a_container_of_its_own_under_its_own_broker_user() -> None:
    for name in [*(each.name for each in HOUSE), "sandbox"]:
        assert OURS[name]["command"] == ["run", name]
        assert OURS[name]["environment"]["BROKER_URL"].startswith(f"amqp://{name}:${{{name.upper()}_BROKER_PASSWORD:?")
    for name in (each.name for each in HOUSE):
        assert OURS[name]["environment"]["MONGODB_URL"] == (
            f"mongodb://{name}:${{{name.upper()}_MONGODB_PASSWORD:?{HINT}}}@mongodb:27017/?authSource=admin"
        )
    assert OURS["checkout"]["environment"]["CART_URL"] == "http://cart:8000"
    assert OURS["cart"]["environment"]["OFFERS_URL"] == "http://offers:8000"
    assert "CART_URL" not in OURS["payment"]["environment"], "nobody is told of what it does not ask"


def test_nobody_but_who_makes_the_stores_users_is_told_the_password_that_opens_all_of_them() -> None:
    told = {name for name, each in CONTAINERS.items() if "${MONGODB_PASSWORD" in str(each)}
    assert told == {"mongodb", "mongodb-users"}
    for name in OURS:
        others = {each.name.upper() for each in HOUSE} - {name.upper()}
        assert not any(f"{other}_MONGODB_PASSWORD" in str(OURS[name]) for other in others), name


def test_every_service_has_a_user_of_the_store_who_has_rights_on_its_own_database_alone() -> None:
    made = MADE[USERS]
    listed = dict(re.findall(r"^  (\w+): \"(\w+)\",$", made, re.MULTILINE))
    assert listed == {each.name: f"milesaga_{each.name}" for each in HOUSE}
    assert re.findall(r"role: \"(\w+)\", db: (\w+)", made) == [("readWrite", "database")]
    assert CONTAINERS["mongodb-users"]["volumes"] == [f"./{USERS}:/users.js:ro"]
    assert '  thanks: "milesaga_thanks",' in tree((*HOUSE, THANKS))[USERS]


def test_a_further_service_is_everywhere_by_its_entry_alone() -> None:
    made = tree((*HOUSE, THANKS))
    thanks = containers(made[COMPOSE])["thanks"]
    assert thanks["command"] == ["run", "thanks"]
    assert thanks["environment"]["CART_URL"] == "http://cart:8000"
    assert "THANKS_BROKER_PASSWORD" in containers(made[COMPOSE])["topology"]["environment"]
    assert containers(made[COMPOSE])["gateway"]["depends_on"]["thanks"] == {"condition": "service_healthy"}
    assert ("/v1/thanks", "thanks") in routes(made[GATEWAY])
    assert (
        "thanks"
        in yaml.safe_load(made["deploy/prometheus/prometheus.yml"])["scrape_configs"][0]["dns_sd_configs"][0]["names"]
    )
    assert "THANKS_BROKER_PASSWORD=" in missing((*HOUSE, THANKS), "")
    assert "THANKS_MONGODB_PASSWORD=" in missing((*HOUSE, THANKS), "")


def test_the_gateway_leads_to_public_paths_and_nowhere_else() -> None:
    assert routes(MADE[GATEWAY]) == {
        ("/v1/offers", "offers"),
        ("/v1/carts", "cart"),
        ("/v1/checkouts", "checkout"),
        ("/v1/operations", "checkout"),
        ("/v1/miles", "miles"),
        ("/v1/events", "hub"),
        *((f"/v1/hub/{of}", "hub") for of in ("accepted", "buses", "match", "partners", "routing", "types")),
        ("/v1/hub/archive", "archive"),
        ("/v1/hub/sealing", "delivery"),
        ("/v1/hub/targets", "delivery"),
        ("/v1/releases", "releases"),
        ("/v1/webhooks/chat", "releases"),
        ("/v1/hub/backtests", "archive"),
        ("/v1/hub/feed", "archive"),
        ("/v1/hub/replays", "archive"),
        ("/sandbox", "sandbox"),
    }
    patterns = re.findall(r"location ~ (\S+) \{\s+set \$service (\w+);", MADE[GATEWAY])
    assert ("^/v1/hub/targets/[^/]+/[^/]+/deliveries(/|$)", "archive") in patterns
    assert set(re.findall(r"location = (\S+) \{", MADE[GATEWAY])) == {
        "/",
        "/favicon.ico",
        "/healthz",
        *(path for path, _ in routes(MADE[GATEWAY])),
    }


def test_the_gateway_sends_nobody_to_the_port_that_only_it_knows() -> None:
    listening = re.findall(r"listen (\d+)", MADE[GATEWAY])
    assert CONTAINERS["gateway"]["ports"] == [f"127.0.0.1:${{MILESAGA_PORT:-8000}}:{port}" for port in listening]
    assert "absolute_redirect off;" in MADE[GATEWAY]


def test_things_start_when_what_they_need_is_well() -> None:
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    for name in [*(each.name for each in HOUSE), "sandbox"]:
        assert CONTAINERS[name]["depends_on"] == {
            "rabbitmq": healthy,
            "mongodb": healthy,
            "mongodb-users": done,
            "topology": done,
        }
    assert CONTAINERS["mongodb-users"]["depends_on"] == {"mongodb": healthy}
    assert CONTAINERS["topology"]["depends_on"] == {"rabbitmq": healthy}
    assert {name for name, how in CONTAINERS["gateway"]["depends_on"].items() if how == healthy} == {
        *(each.name for each in HOUSE),
        "sandbox",
        "documents",
    }


def test_what_ends_is_tried_again_when_it_fails_and_not_when_it_is_done() -> None:
    """The others depend on its success: one slow answer of the broker's must not end the start of all."""
    ending = {name for name, each in OURS.items() if each.get("healthcheck") == {"disable": True}}
    assert ending == {"topology", "partner"}
    assert {CONTAINERS[name]["restart"] for name in (*ending, "mongodb-users")} == {"on-failure:5"}


def test_our_containers_may_write_nothing_but_their_volume_and_hold_no_privilege() -> None:
    assert len(OURS) == len(HOUSE) + 4  # the sandbox, the documents, and two that end
    for name, each in {**OURS, **{other: CONTAINERS[other] for other in ("gateway", "mongodb-users")}}.items():
        assert (each["read_only"], each["cap_drop"]) == (True, ["ALL"]), name
        assert each["security_opt"] == ["no-new-privileges:true"], name
        assert each["mem_limit"], name
    for service in HOUSE:
        own = [f"{service.name}:/var/lib/milesaga"] if service.keeps else []
        volumes = CONTAINERS[service.name].get("volumes", [])
        assert [volume for volume in volumes if not volume.endswith(":ro")] == own, service.name


def test_only_this_machine_reaches_what_is_published() -> None:
    published = [port for each in CONTAINERS.values() for port in each.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)
    assert not any("ports" in each for each in OURS.values())


def test_of_our_containers_only_who_brings_webhooks_reaches_anything_outside_of_the_stack() -> None:
    networks = yaml.safe_load(MADE[COMPOSE])["networks"]
    assert {name for name, each in networks.items() if each.get("internal")} == {"inside"}
    assert {name: each["networks"] for name, each in OURS.items() if each["networks"] != ["inside"]} == {
        "delivery": ["inside", "delivery"]
    }
    assert [name for name, each in CONTAINERS.items() if "delivery" in each.get("networks", ())] == ["delivery"]


def test_images_are_pinned_to_a_version() -> None:
    for name, each in CONTAINERS.items():
        assert re.search(r":(\$\{MILESAGA_VERSION:-)?v?\d+\.\d+\.\d+(-\w+)?\}?$", each["image"]), name


def test_the_core_needs_no_profile_and_full_adds_what_shows_it() -> None:
    full = {name for name, each in CONTAINERS.items() if each.get("profiles") == ["full"]}
    assert full == {"prometheus", "grafana", "otel", "jaeger"}
    assert not any(each.get("profiles") for name, each in CONTAINERS.items() if name not in full)


def test_what_is_mounted_from_the_repository_is_there() -> None:
    for name, each in CONTAINERS.items():
        for volume in each.get("volumes", ()):
            place = re.sub(r"^\$\{\w+:-([^}]*)\}", r"\1", volume)
            if place.startswith("./"):
                assert (REPOSITORY / place.split(":")[0]).exists(), (name, volume)


def test_files_that_people_write_are_mounted_and_others_can_be_named() -> None:
    told = [each for each in HOUSE if each.files]
    assert "releases" in {each.name for each in told}
    for each in told:
        folder = f"./services/{each.name}/laptop"
        mount = f"${{{each.name.upper()}_FILES:-{folder}}}:/etc/milesaga/{each.name}:ro"
        assert mount in OURS[each.name]["volumes"]
        for variable, file in each.files:
            assert OURS[each.name]["environment"][variable] == f"/etc/milesaga/{each.name}/{file}"
            assert (REPOSITORY / folder / file).is_file()


def test_the_outside_world_reaches_those_whom_it_calls_back() -> None:
    told = OURS["sandbox"]["environment"]
    assert {name: told[name] for name in ("MILES_URL", "RELEASES_URL")} == {
        "MILES_URL": "http://miles:8000",
        "RELEASES_URL": "http://releases:8000",
    }


def test_every_secret_is_asked_for_by_name_made_at_random_and_made_once() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+):\?", MADE[COMPOSE]))
    assert asked == set(variables(HOUSE))
    lines = missing(HOUSE, "").splitlines()
    values = [line.partition("=")[2] for line in lines]
    assert len(set(values)) == len(values) == len(asked)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{32}", value) for value in values), "no quotes, in no URL either"
    assert missing(HOUSE, "\n".join(lines)) == ""
    assert missing(HOUSE, "\n".join(lines[1:])).startswith("\nINTERNAL_TOKEN="), "the last line had no end"
    assert missing(HOUSE, "".join(f"export {line}\n" for line in lines)) == ""
    assert ".env" in (REPOSITORY / ".gitignore").read_text().split()
    tracked = subprocess.run(["git", "ls-files", ".env"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert tracked.stdout == "", "what was committed before it was ignored is committed still"


@pytest.mark.skipif(shutil.which("docker") is None, reason="no docker")
def test_compose_itself_takes_the_file() -> None:
    if subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose")
    secrets = dict.fromkeys(variables(HOUSE), "given")
    done = subprocess.run(
        ["docker", "compose", "--env-file", os.devnull, "--profile", "full", "config", "--quiet"],
        cwd=REPOSITORY,
        env={**os.environ, **secrets},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    without = subprocess.run(
        ["docker", "compose", "--env-file", os.devnull, "config", "--quiet"],
        cwd=REPOSITORY,
        env={**os.environ, **secrets, "INTERNAL_TOKEN": ""},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert without.returncode
    assert "INTERNAL_TOKEN" in without.stderr
