"""The examples for other people's pipelines, run: their own words, before the same office, with a `kubectl` that notes
what it is told."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml

from services.releases.domain.request import State
from tests.component.gate.conftest import GATES, REPOSITORY, Gate, ended
from tests.kit.office import Office
from tests.unit.deploy.manifests import faults

STATES = {*get_args(State)}
EXAMPLES = REPOSITORY / "deploy" / "examples"
KUBECTL = """#!/bin/sh
RAN={ran}
printf '%s\\n' "$*" >>"$RAN/kubectl"
[ "$1" != apply ] || cat -- "$3/kustomization.yaml" >"$RAN/overlay"
"""


@pytest.fixture
def pipeline(office: Office, tmp_path: Path) -> Iterator[Gate]:
    """A machine of continuous integration with a clone of the repository."""
    ran = tmp_path / "ran"
    ran.mkdir()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").write_text(KUBECTL.format(ran=ran))
    (tmp_path / "bin" / "kubectl").chmod(0o755)
    made = Gate(office, GATES["sh"], REPOSITORY, ran)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def start(pipeline: Gate, words: list[str], **environment: str) -> subprocess.Popen[str]:
    pipeline.words = words
    path = f"{pipeline.ran.parent / 'bin'}:/usr/local/bin:/usr/bin:/bin"
    return pipeline.start(PATH=path, MILESAGA_GATE_PATH=path, **environment)


def config(pipeline: Gate) -> Path:
    """Which cluster."""
    file = pipeline.ran.parent / "kubeconfig"
    file.write_text("current-context: production\n")
    return file


def job() -> Any:
    return yaml.safe_load((EXAMPLES / "github-actions" / "deploy.yml").read_text())["jobs"]["production"]


def test_the_job_of_github_actions_deploys_what_was_agreed_to(pipeline: Gate, office: Office) -> None:
    [step] = [each for each in job()["steps"] if "run" in each]
    given = {name: "given" for name in step["env"] if not name.startswith("MILESAGA_")}
    links = {
        "KUBECONFIG": str(config(pipeline)),
        "DIFFERENCE": "https://github.example/commit/1",
        "MILESAGA_GATE_KEY": "github-1",
    }
    process = start(pipeline, ["bash", "-e", "-c", step["run"]], **given | links)
    pipeline.asked()
    said = office.only.said
    assert office.only.key == "github-1"
    assert (said["payload"]["parameters"], said["authors"]) == ({"commit": "given"}, ["given"])
    assert said["payload"]["links"] == {"difference": "https://github.example/commit/1"}
    assert "deploy/kubernetes/overlays/prod/kustomization.yaml" in [each["path"] for each in said["payload"]["files"]]
    [cluster] = said["payload"]["environment"]
    assert (cluster["name"], sorted(cluster)) == ("KUBECONFIG", ["file_sha256", "name"])
    office.decide("approved")
    ended(process, 0)
    assert (pipeline.ran / "kubectl").read_text() == "apply -k deploy/kubernetes/overlays/prod\n"
    overlay = REPOSITORY / "deploy" / "kubernetes" / "overlays" / "prod" / "kustomization.yaml"
    assert (pipeline.ran / "overlay").read_text() == overlay.read_text()


def test_a_step_of_github_actions_says_nothing_of_strangers_in_its_script() -> None:
    """What stands between `${{ }}` would be put into the script's text: it comes by the environment."""
    for step in job()["steps"]:
        assert "${{" not in step.get("run", "")


def test_the_job_of_github_actions_pins_what_it_uses() -> None:
    for step in job()["steps"]:
        assert len(step.get("uses", "@" + "0" * 40).partition("@")[2]) == 40


def test_the_job_of_rundeck_ends_with_the_gates_code(pipeline: Gate, office: Office) -> None:
    [described] = yaml.safe_load((EXAMPLES / "rundeck" / "deploy.yaml").read_text())
    [command] = described["sequence"]["commands"]
    assert {each["name"] for each in described["options"]} == {"reason", "version", "token"}
    given = {"RD_OPTION_REASON": "a fix", "RD_OPTION_VERSION": "1.4.2", "RD_OPTION_TOKEN": "of-rundeck"}
    about = {"RD_JOB_EXECID": "7", "RD_JOB_USERNAME": "ana", "MILESAGA_CHECKOUT": str(REPOSITORY)}
    about |= {"MILESAGA_KUBECONFIG": str(config(pipeline))}
    process = start(pipeline, ["sh", "-c", command["script"]], **given | about)
    pipeline.asked()
    assert (office.only.key, office.only.said["authors"]) == ("rundeck-7", ["ana"])
    assert office.headers[0]["authorization"] == "Bearer of-rundeck"
    office.decide("denied")
    ended(process, 91)
    assert not pipeline.has_run()


def test_a_canary_is_promoted_by_its_script(pipeline: Gate, office: Office) -> None:
    pipeline.here = EXAMPLES / "argo-rollouts"
    about = ("--action", "deploy", "--environment", "production", "--target", "checkout", "--reason", "r")
    words = [
        "sh",
        str(REPOSITORY / "deploy" / "gate.sh"),
        *about,
        "--file",
        "promote.sh",
        "--",
        "./promote.sh",
        "checkout",
    ]
    process = start(pipeline, words)
    pipeline.asked()
    office.decide("approved")
    ended(process, 0)
    told = (pipeline.ran / "kubectl").read_text().splitlines()
    within = "argo rollouts -n milesaga"
    assert told == [f"{within} promote checkout", f"{within} status checkout --timeout 30m"]


def test_the_analysis_of_argo_rollouts_is_what_its_schema_takes() -> None:
    template = yaml.safe_load((EXAMPLES / "argo-rollouts" / "approval.yaml").read_text())
    assert [*faults(template)] == []


def test_the_analysis_of_argo_rollouts_knows_every_state() -> None:
    [metric] = yaml.safe_load((EXAMPLES / "argo-rollouts" / "approval.yaml").read_text())["spec"]["metrics"]
    known = {word for name in ("successCondition", "failureCondition") for word in metric[name].split('"')[1::2]}
    assert known | {"pending"} == STATES
