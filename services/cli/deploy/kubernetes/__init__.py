"""The manifests for Kubernetes: `deploy/kubernetes`, as far as it repeats what the services say of themselves."""

from collections.abc import Sequence
from typing import Final

from services.cli.deploy.kubernetes import (
    alerts,
    broker,
    canary,
    figures,
    gateway,
    judging,
    network,
    operators,
    prometheus,
    scaling,
    workload,
)
from services.cli.deploy.kubernetes.development import secrets as development_secrets
from services.cli.deploy.kubernetes.files import REFERENCE, files_patch
from services.cli.deploy.kubernetes.objects import NAMESPACE, PORT, Object, resource
from services.cli.deploy.kubernetes.secrets import external_secrets, scaler_secrets
from services.cli.deploy.tree import REPOSITORY, Tree, documents
from shared.runtime.description import Description

TOP: Final = "deploy/kubernetes"
KUSTOMIZATION: Final = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}
COMPONENT: Final = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}
REFERENCES: Final = "references.yaml"
ALERTS: Final = "alerts.yaml"
OVERLAYS: Final = ("dev", "staging", "prod")


def tree(house: Sequence[Description]) -> Tree:
    """Every file, by its path in the repository."""
    below = {**_base(house), **_operators(house), **_overlays(house)}
    return {f"{TOP}/{path}": text for path, text in below.items()}


def objects_of(description: Description, house: Sequence[Description]) -> list[Object]:
    """Everything that there is for one service."""
    served = description.public or description.internal
    return [
        workload.account(description.name),
        *([workload.service(description)] if served else []),
        *workload.tracks(description),
        workload.rollout(description),
        *judging.own_analysis(description),
        workload.disruption_budget(description),
        *workload.kept(description),
        scaling.scaled_object(description),
        network.of_service(description, house),
    ]


def _base(house: Sequence[Description]) -> dict[str, str]:
    services = {f"{resource(each.name)}.yaml": documents(objects_of(each, house)) for each in house}
    common = [canary.analysis(), scaling.authentication(), network.default_deny(), network.names()]
    kustomization = {
        **KUSTOMIZATION,
        "namespace": NAMESPACE,
        "resources": ["namespace.yaml", "common.yaml", *services],
        "configurations": [REFERENCES],
        "configMapGenerator": [{"name": workload.SETTINGS, "literals": _settings(house)}],
    }
    files = {
        **services,
        "namespace.yaml": documents([_namespace()]),
        "common.yaml": documents(common),
        REFERENCES: documents([_references()]),
        "kustomization.yaml": documents([kustomization]),
    }
    return {f"base/{name}": text for name, text in files.items()}


def _settings(house: Sequence[Description]) -> list[str]:
    """What all services are told; whatever differs from place to place stands in the overlays."""
    asked = sorted({name for each in house for name in each.asks})
    return [
        "ENVIRONMENT=production",
        "SANDBOX=off",
        "HOST=0.0.0.0",
        f"PORT={PORT}",
        f"MILESAGA_HOME={workload.HOME}",
        f"DRAIN_SECONDS={figures.DRAIN_SECONDS}",
        *(f"{name.upper()}_URL=http://{resource(name)}:{PORT}" for name in asked),
    ]


def _namespace() -> Object:
    modes = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "audit", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": modes}}


def _references() -> Object:
    """Where a Rollout names a ConfigMap: Kustomize knows that of Kubernetes' own kinds only."""
    paths = ("spec/template/spec/containers/envFrom/configMapRef/name", REFERENCE)
    fields = [{"kind": "Rollout", "group": "argoproj.io", "path": path} for path in paths]
    return {"nameReference": [{"kind": "ConfigMap", "version": "v1", "fieldSpecs": fields}]}


def _operators(house: Sequence[Description]) -> dict[str, str]:
    patches = _patches(house)
    configuration = (REPOSITORY / TOP / "components/operators/rabbitmq.conf").read_text()
    resources = {
        "rabbitmq.yaml": [operators.rabbitmq(configuration), *broker.users(house)],
        "mongodb.yaml": [operators.mongodb(house)],
        "secrets.yaml": [found for each in house for found in external_secrets(each)] + scaler_secrets(),
        "route.yaml": [operators.route(house)],
        "monitoring.yaml": [operators.service_monitor(), operators.rollouts_monitor()],
        "issuer.yaml": [network.issuer(house)],
    }
    kustomization = {
        **COMPONENT,
        "resources": [*resources, ALERTS, "prometheus.yaml"],
        "configMapGenerator": [
            {"name": operators.DEFINITIONS, "files": ["definitions.json"], "options": {"disableNameSuffixHash": True}}
        ],
        "patches": [
            *(_patch("Rollout", name.partition("-")[2].removesuffix(".yaml"), name) for name in patches),
            *(_fewest(each) for each in house if not each.may_rest),
        ],
    }
    files = {
        **{name: documents(found) for name, found in resources.items()},
        **{name: documents([patch]) for name, patch in patches.items()},
        ALERTS: documents([alerts.prometheus_rule()], alerts.SOURCE),
        "definitions.json": broker.as_json(broker.described(house)),
        "kustomization.yaml": documents([kustomization]),
    }
    return {f"components/operators/{name}": text for name, text in files.items()}


def _patches(house: Sequence[Description]) -> dict[str, list[Object]]:
    """What nobody has beside the sandbox: providers' secrets, and the files that somebody must have written."""
    found = {f"providers-{resource(each.name)}.yaml": operators.provider_patch(each) for each in house}
    found |= {f"files-{resource(each.name)}.yaml": files_patch(each) for each in house}
    return {name: patch for name, patch in found.items() if patch}


def _patch(kind: str, name: str, path: str) -> Object:
    return {"target": {"kind": kind, "name": name}, "path": path}


def _fewest(description: Description) -> Object:
    operation = f"- op: replace\n  path: /spec/minReplicaCount\n  value: {figures.FEWEST_IN_PRODUCTION}\n"
    return {"target": {"kind": "ScaledObject", "name": resource(description.name)}, "patch": operation}


def _overlays(house: Sequence[Description]) -> dict[str, str]:
    """Kustomize reads nothing above an overlay's folder."""
    return {f"overlays/{each}/{REFERENCES}": documents([_references()]) for each in OVERLAYS} | _development(house)


def _development(house: Sequence[Description]) -> dict[str, str]:
    files = {
        "secrets.yaml": documents(development_secrets(house)),
        "prometheus.yml": prometheus.configuration(house),
        prometheus.ALERTS: documents([{"groups": alerts.groups()}], alerts.SOURCE),
        "definitions.json": broker.development_definitions(house),
        "gateway.conf": gateway.configuration(house),
    }
    return {f"overlays/dev/{name}": text for name, text in files.items()}
