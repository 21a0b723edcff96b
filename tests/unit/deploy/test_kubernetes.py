"""The manifests say what the services say of themselves."""

import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from services.cli.deploy.kubernetes import canary, figures, objects_of, scaling, tree
from services.cli.deploy.kubernetes.secrets import settings_of
from services.cli.deploy.tree import differing
from services.house import HOUSE
from shared.runtime.description import Description, house
from tests.kit.promql import alerts, declared, named, program, wrong_labels

OTHER = Description(
    "parcel_desk", bindings=(("commands", "parcel_desk.#"),), may_rest=True, documents=("parcels", "vans")
)
ASKING = Description("asking", public=("/v1/asking",), asks=("asked",), scales_by="requests")
BRINGING = Description("bringing", bindings=(("commands", "bringing.#"),), reads=("target",), scales_by="copies")
ASKED = Description("asked", internal=True, scales_by="requests")


def of_kind(kind: str, description: Description, *others: Description) -> Any:
    found = [each for each in objects_of(description, house(description, *others)) if each["kind"] == kind]
    assert found, kind
    return found[0]


def test_what_is_committed_is_what_is_made() -> None:
    assert differing(tree(HOUSE)) == [], "run `make manifests`"


@pytest.mark.parametrize("description", HOUSE, ids=lambda each: each.name)
def test_a_pod_is_given_longer_to_drain_than_its_longest_call_may_take(description: Description) -> None:
    timeouts = [
        each.model_fields["timeout_seconds"].default
        for each in settings_of(description)
        if each.model_fields.get("timeout_seconds")
    ]
    longest = 2 * max([0.0, *timeouts])  # a call's requests together get twice one's time
    assert timedelta(seconds=longest) < timedelta(seconds=figures.DRAIN_SECONDS)
    pod = of_kind("Rollout", description, *(each for each in HOUSE if each is not description))
    grace = pod["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > figures.ROUTE_SECONDS + figures.DRAIN_SECONDS + figures.LEAVING_SECONDS


def test_a_service_that_may_rest_is_woken_by_its_queue_its_suspects_and_what_a_crash_left() -> None:
    spec = of_kind("ScaledObject", OTHER)["spec"]
    assert spec["minReplicaCount"] == 0
    queues = [each["metadata"]["queueName"] for each in spec["triggers"] if each["type"] == "rabbitmq"]
    assert set(queues) == {"parcel_desk", "parcel_desk.suspect"}
    unsent = [each["metadata"] for each in spec["triggers"] if each["type"] == "mongodb"]
    assert [(each["dbName"], each["collection"]) for each in unsent] == [
        ("milesaga_parcel_desk", "parcels"),
        ("milesaga_parcel_desk", "vans"),
    ]


def test_a_service_that_answers_requests_stays_up_and_scales_by_them() -> None:
    spec = of_kind("ScaledObject", ASKED)["spec"]
    assert spec["minReplicaCount"] == 1
    assert [each["type"] for each in spec["triggers"]] == ["prometheus"]


def test_a_service_that_brings_copies_stays_up_and_scales_by_what_it_sends_and_what_waits() -> None:
    spec = of_kind("ScaledObject", BRINGING)["spec"]
    assert spec["minReplicaCount"] == 1, "nobody else tells what waits, and it asks whether endpoints are back"
    told = [each["metadata"] for each in spec["triggers"] if each["type"] == "prometheus"]
    assert [each["query"] for each in told] == [scaling.posts_a_second(), scaling.copies_that_wait()]
    for query in (scaling.posts_a_second(), scaling.copies_that_wait()):
        assert named(query) <= set(declared())
        assert wrong_labels(query) <= {"track"}


def test_of_what_waits_that_alone_calls_for_replicas_which_they_could_send(tmp_path: Path) -> None:
    """Lines of two targets that are well count, the long one cut; that two processes tell of it does not."""
    rules = {
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    *_target("long", "healthy", waiting=9_000),
                    *_target("long", "healthy", waiting=9_000, instance="b"),
                    *_target("short", "healthy", waiting=40),
                    *_target("down", "failing", waiting=7_000),
                    *_target("paused", "paused", waiting=7_000),
                    *_target("of-its-partner", "healthy", waiting=7_000)[:2],
                ],
                "promql_expr_test": [
                    {
                        "expr": scaling.copies_that_wait(),
                        "eval_time": "1m",
                        "exp_samples": [{"labels": "{}", "value": figures.LINE + 40}],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "copies.yml"
    file.write_text(yaml.safe_dump(rules))
    done = subprocess.run([program("promtool"), "test", "rules", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def _target(name: str, state: str, *, waiting: int, instance: str = "a") -> list[dict[str, str]]:
    of = f'bus="fuel", target="{name}", instance="{instance}"'
    told = {f"waiting{{{of}}}": waiting, f'state{{{of}, state="{state}"}}': 1, f"oldest_seconds{{{of}}}": 5}
    return [{"series": f"milesaga_target_{series}", "values": f"{value} {value}"} for series, value in told.items()]


def test_what_a_kubelet_asks_is_no_work_and_hides_no_failure() -> None:
    (trigger,) = of_kind("ScaledObject", ASKED)["spec"]["triggers"]
    assert 'route!="process"' in trigger["metadata"]["query"]
    asked = {each["name"]: each["provider"]["prometheus"]["query"] for each in canary.analysis()["spec"]["metrics"]}
    assert "milesaga_http_requests_total" not in asked["message-error-rate"]
    assert asked["request-error-rate"].count("milesaga_http_requests_total") == 2
    assert asked["request-error-rate"].count('route!="process"') == 2


def test_a_roll_out_is_said_to_wait_when_all_its_timed_pauses_together_would_be_over() -> None:
    timed = sum(
        int(step["pause"]["duration"].removesuffix("s"))
        for step in canary.strategy(ASKED)["canary"]["steps"]
        if "pause" in step
    )
    patience = alerts()["MilesagaRolloutWaits"]["for"]
    assert timed > 0
    assert int(patience.removesuffix("m")) * 60 > 2 * timed


def test_only_who_asks_a_service_and_the_gateway_of_a_public_one_may_come() -> None:
    def comers(policy: Any) -> list[dict[str, str]]:
        return [
            each["podSelector"]["matchLabels"] for each in policy["spec"]["ingress"][0]["from"] if "podSelector" in each
        ]

    def places(policy: Any) -> list[str]:
        found = [each.get("namespaceSelector") for each in policy["spec"]["ingress"][0]["from"]]
        return [each["matchLabels"]["kubernetes.io/metadata.name"] for each in found if each]

    monitoring = {"milesaga.example/role": "monitoring"}
    asked = of_kind("NetworkPolicy", ASKED, ASKING)
    assert comers(asked) == [monitoring, {"app.kubernetes.io/name": "asking"}]
    assert places(asked) == ["monitoring"]
    asking = of_kind("NetworkPolicy", ASKING, ASKED)
    assert places(asking) == ["monitoring", "gateways"]
    assert comers(asking) == [monitoring, {"milesaga.example/role": "gateway"}]
    reached = [each["to"][0].get("podSelector", {}).get("matchLabels") for each in asking["spec"]["egress"]]
    assert {"app.kubernetes.io/name": "asked"} in reached


def test_a_name_is_written_as_kubernetes_allows_it() -> None:
    assert {each["metadata"]["name"] for each in objects_of(OTHER, house(OTHER))} == {
        "parcel-desk",
        "parcel-desk-stable",
        "parcel-desk-canary",
    }
