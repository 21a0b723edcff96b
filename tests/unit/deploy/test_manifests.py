"""Every overlay is what a cluster takes: strict schemas, names that are there, the restricted Pod Security Standard."""

import os
import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Final

import pytest

from services.cli.deploy.kubernetes.objects import ROLE, resource
from services.house import HOUSE
from services.releases.domain.files import rules_of
from shared.runtime import configuration
from shared.runtime.description import Description, owner_of
from shared.runtime.settings import RuntimeSettings, read
from tests.unit.deploy.manifests import Object, built, faults, place, pod_specs, unresolved
from tests.unit.deploy.starting import environment

OVERLAYS: Final = ("dev", "staging", "prod")
IN_PRODUCTION: Final = ("staging", "prod")


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> list[Object]:
    return built(request.param)


def test_every_field_is_one_that_the_api_server_knows(overlay: list[Object]) -> None:
    assert [fault for each in overlay for fault in faults(each)] == []


def test_a_misspelled_field_is_found() -> None:
    spec: Any = {"scaleTargetRef": {"name": "x"}, "triggers": [], "minReplicas": 1}
    wrong = {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": {"name": "x"}, "spec": spec}
    assert any("minReplicas" in each for each in faults(wrong))
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"port": 1}}
    assert any("port" in each for each in faults(service))


def test_every_name_that_is_said_is_there_and_nothing_is_scaled_twice(overlay: list[Object]) -> None:
    assert list(unresolved(overlay)) == []


def test_every_pod_keeps_to_the_restricted_standard_and_says_what_it_needs(overlay: list[Object]) -> None:
    wrong = [f"{name}: {rule}" for name, template in pod_specs(overlay) for rule in _broken_rules(template["spec"])]
    assert wrong == []


def _broken_rules(pod: Object) -> list[str]:
    security = pod.get("securityContext", {})
    rules = {
        "a token": pod.get("automountServiceAccountToken") is False,
        "root": security.get("runAsNonRoot") is True and security.get("runAsUser", 0) > 0,
        "seccomp": security.get("seccompProfile", {}).get("type") == "RuntimeDefault",
        "host": not any(pod.get(name) for name in ("hostNetwork", "hostPID", "hostIPC")),
        "hostPath": not any("hostPath" in each for each in pod.get("volumes", ())),
    }
    for each in pod["containers"]:
        own = each.get("securityContext", {})
        rules |= {
            "escalation": own.get("allowPrivilegeEscalation") is False,
            "capabilities": own.get("capabilities", {}).get("drop") == ["ALL"],
            "root file system": own.get("readOnlyRootFilesystem") is True,
            "requests": {"cpu", "memory"} <= each["resources"].get("requests", {}).keys(),
            "memory limit": "memory" in each["resources"].get("limits", {}),
            "ready and alive": {"readinessProbe", "livenessProbe"} <= each.keys(),
            "a version": ":" in each["image"] and not each["image"].endswith(":latest"),
        }
    return [name for name, kept in rules.items() if not kept]


def test_every_service_has_all_that_it_needs(overlay: list[Object]) -> None:
    kinds = ("Rollout", "ScaledObject", "PodDisruptionBudget", "NetworkPolicy", "ServiceAccount")
    there = {place(each) for each in overlay}
    assert {f"{kind}/{each.name}" for kind in kinds for each in HOUSE} <= there


@pytest.mark.parametrize("name", IN_PRODUCTION)
def test_no_secret_lies_in_a_production_overlay_and_the_sandbox_is_off(name: str) -> None:
    overlay = built(name)
    assert [place(each) for each in overlay if each["kind"] == "Secret"] == []
    (settings,) = [each["data"] for each in overlay if place(each).startswith("ConfigMap/milesaga-")]
    assert (settings["ENVIRONMENT"], settings["SANDBOX"]) == ("production", "off")


@pytest.mark.parametrize("name", IN_PRODUCTION)
@pytest.mark.parametrize("service", HOUSE, ids=lambda each: each.name)
def test_every_service_would_start_with_what_its_overlay_gives_it(
    name: str, service: Description, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = environment(built(name), resource(service.name), tmp_path)
    assert _faults(given, service, monkeypatch) == []
    for variable, file in service.files:
        assert Path(given[variable]).name == file
        without = {key: value for key, value in given.items() if key != variable}
        assert any(each.startswith(variable) for each in _faults(without, service, monkeypatch))


def _faults(given: Mapping[str, str], service: Description, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    for variable in os.environ:
        monkeypatch.delenv(variable)
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)
    return configuration.faults(read(RuntimeSettings), [service], sandbox_asked_for=False)


def test_other_words_in_a_file_are_a_new_version_of_who_reads_it() -> None:
    """A Rollout sees only the name of what it mounts."""
    names = {}
    for name in IN_PRODUCTION:
        (pod,) = [template["spec"] for where, template in pod_specs(built(name)) if where == "Rollout/releases"]
        (names[name],) = [each["configMap"]["name"] for each in pod["volumes"] if each["name"] == "files"]
        assert re.fullmatch(r"releases-files-[a-z0-9]{10}", names[name])
    assert names["staging"] != names["prod"]


def test_a_laptops_policy_decides_nothing_in_production() -> None:
    for name in IN_PRODUCTION:
        (files,) = [each["data"] for each in built(name) if place(each).startswith("ConfigMap/releases-files-")]
        rules = rules_of(files["release-policy.toml"].encode(), files["people.toml"].encode())
        assert rules.policy.rule_for("deploy", "production" if name == "prod" else "staging", "milesaga")
        assert not {"deployer", "sre", "owner"} & {subject for each in rules.people.person for subject in each.subjects}


@pytest.mark.parametrize("name", IN_PRODUCTION)
def test_who_may_call_the_internet_is_whoever_has_providers_or_brings_webhooks(name: str) -> None:
    """And nobody the whole of it: neither neighbors nor the cloud's own metadata are outside."""
    anywhere = {each.name: list(_blocks(built(name), each, "0.0.0.0/0")) for each in HOUSE}
    assert {service for service, found in anywhere.items() if found} == {
        "offers", "ticketing", "payment", "notifications", "releases", "delivery"
    }  # fmt: skip
    for block in (each for found in anywhere.values() for each in found):
        assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(block["except"])


@pytest.mark.parametrize("name", IN_PRODUCTION)
def test_who_checks_tokens_reaches_their_issuer_at_its_addresses(name: str) -> None:
    overlay = built(name)
    (policy,) = [each for each in overlay if place(each) == "NetworkPolicy/issuer"]
    (issuer,) = [each["ipBlock"]["cidr"] for each in policy["spec"]["egress"][0]["to"]]
    assert ip_network(issuer).num_addresses < 256
    for service in HOUSE:
        assert bool(list(_blocks(overlay, service, issuer))) == bool(service.public), service.name


def test_the_hub_calls_nobody_outside_and_delivery_nobody_inside_but_whom_it_asks(
    overlay: list[Object],
) -> None:
    reached = {name: set(_pods(overlay, name)) for name in ("hub", "delivery")}
    beside = {"role=outside"} if "Deployment/gateway" in {place(each) for each in overlay} else set[str]()
    assert reached["hub"] == {"role=broker", "role=store", "archive", "releases"} | beside
    assert reached["delivery"] == {"role=broker", "role=store", "releases"} | beside


@pytest.mark.parametrize("name", IN_PRODUCTION)
def test_whoever_delivery_asks_nothing_admits_nothing_of_it(name: str) -> None:
    admitting = {
        each["metadata"]["name"]
        for each in built(name)
        if each["kind"] == "NetworkPolicy"
        for rule in each["spec"].get("ingress", ())
        for comer in rule["from"]
        if comer.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/name") == "delivery"
    }
    assert admitting == {"releases"}


WORDS: Final = (
    *(
        "v1",
        "hub",
        "events",
        "targets",
        "archive",
        "feed",
        "offers",
        "fuel",
        "coles-bi",
        "dead",
        "keys",
        "redrive",
        "1",
    ),
    *("deliveries", "deliverie", "deliveriesandmore", "delivered", "d", "xdeliveries", "Deliveries"),
)


def _paths(seed: int) -> Iterator[str]:
    """Those that mean something, and what a client may make of them."""
    yield from ("/v1/hub/targets", "/v1/hub/targets/", "/v1/hub/targets/fuel/coles-bi/deliveries/", "/v1/hub", "/")
    chance = random.Random(seed)
    begins = [beginning for each in HOUSE for beginning in each.public] + ["/v1/hub", ""]
    for _ in range(3_000):
        begun = chance.choice(begins).replace("*", chance.choice(WORDS))
        yield begun + "".join(f"/{chance.choice(WORDS)}" for _ in range(chance.randrange(5))) or "/"


@pytest.mark.parametrize("name", IN_PRODUCTION)
def test_a_path_leads_to_its_service_whatever_a_gateway_tries_first(name: str) -> None:
    """A gateway may try regular expressions before beginnings or after them, and match them to the end or not."""
    (route,) = [each for each in built(name) if each["kind"] == "HTTPRoute"]
    answering = [
        (match["path"]["type"], match["path"]["value"], rule["backendRefs"][0]["name"])
        for rule in route["spec"]["rules"]
        for match in rule["matches"]
    ]
    found: Counter[str | None] = Counter()
    for path in _paths(1):
        begun = [
            (len(value), service)
            for kind, value, service in answering
            if kind == "PathPrefix" and f"{path}/".startswith(f"{value}/")
        ]
        expressed = [
            (value, service)
            for kind, value, service in answering
            if kind == "RegularExpression" and re.match(value, path)
        ]
        assert len(expressed) + bool(begun) <= 1, path
        assert all(re.fullmatch(value, path) for value, _ in expressed)
        answers = [*(service for _, service in expressed), *(service for _, service in sorted(begun)[-1:])]
        owner = owner_of(HOUSE, path)
        assert answers == ([resource(owner)] if owner else []), path
        found[owner] += 1
    assert min(found[service] for service in ("hub", "archive", "delivery", None)) > 50


def _egress(overlay: list[Object], service: str) -> Iterator[Object]:
    """Everything that some policy lets a service's pods reach."""
    (pod,) = [template for where, template in pod_specs(overlay) if where == f"Rollout/{service}"]
    for each in overlay:
        if each["kind"] == "NetworkPolicy" and _selects(each["spec"]["podSelector"], pod["metadata"]["labels"]):
            yield from each["spec"].get("egress", ())


def _selects(selector: Object, labels: Mapping[str, str]) -> bool:
    same = all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())
    listed = [
        (labels.get(each["key"]) in each["values"]) == (each["operator"] == "In")
        for each in selector.get("matchExpressions", ())
    ]
    return same and all(listed)


def _blocks(overlay: list[Object], service: Description, cidr: str) -> Iterator[Object]:
    for rule in _egress(overlay, resource(service.name)):
        assert "ports" in rule
        yield from (to["ipBlock"] for to in rule.get("to", ()) if to.get("ipBlock", {}).get("cidr") == cidr)


def _pods(overlay: list[Object], service: str) -> Iterator[str]:
    """Services by their names, others by their role; a rule for whoever there is may be about names alone."""
    for rule in _egress(overlay, service):
        assert "to" in rule or {each["port"] for each in rule["ports"]} == {53}
        for selector in (to["podSelector"]["matchLabels"] for to in rule.get("to", ()) if "podSelector" in to):
            yield selector.get("app.kubernetes.io/name") or f"role={selector[ROLE]}"
