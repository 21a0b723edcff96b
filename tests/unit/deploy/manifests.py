"""What the API server would say of manifests, without one."""

import json
import shutil
import subprocess
import warnings
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import jsonschema
import kubernetes_validate
import pytest
import yaml

from services.cli.deploy.tree import REPOSITORY

Object = dict[str, Any]

VERSION: Final = "1.35"
SCHEMAS: Final = Path(__file__).parent / "schemas"
UNKNOWN: Final = frozenset(
    {
        "external-secrets.io",
        "gateway.networking.k8s.io",
        "mongodbcommunity.mongodb.com",
        "monitoring.coreos.com",
        "rabbitmq.com",
    }
)
"""Groups whose schemas are not here: only the names in them are checked."""


@cache
def built(overlay: str) -> list[Object]:
    """An overlay as Kustomize makes it."""
    kubectl = shutil.which("kubectl") or pytest.skip("there is no `kubectl` on the PATH")
    command = [kubectl, "kustomize", str(REPOSITORY / "deploy" / "kubernetes" / "overlays" / overlay)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def faults(document: Object) -> Iterable[str]:
    """What is wrong with an object: a field that no schema names is wrong too."""
    return _faults(json.dumps(document))


@cache
def _faults(text: str) -> tuple[str, ...]:
    """Overlays have most of their objects in common."""
    return tuple(_found(json.loads(text)))


def _found(document: Object) -> Iterator[str]:
    group = document["apiVersion"].rpartition("/")[0]
    own = _schemas().get((document["apiVersion"], document["kind"]))
    if own is not None:
        yield from (f"{place(document)}: {each.json_path}: {each.message[:200]}" for each in own.iter_errors(document))
        if document["kind"] == "Rollout":
            yield from _builtin(_as_deployment(document))
    elif group not in UNKNOWN:
        yield from _builtin(document)


def place(document: Object) -> str:
    return f"{document['kind']}/{document['metadata']['name']}"


def _builtin(document: Object) -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            kubernetes_validate.validate(document, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            yield f"{place(document)}: {'.'.join(map(str, error.path))}: {error.message[:200]}"


def _as_deployment(rollout: Object) -> Object:
    spec = {name: rollout["spec"][name] for name in ("selector", "template")}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": rollout["metadata"], "spec": spec}


def _schemas() -> dict[tuple[str, str], jsonschema.Draft4Validator]:
    read = [json.loads(each.read_text()) for each in SCHEMAS.glob("*.json")]
    return {
        (each["apiVersion"], each["kind"]): jsonschema.Draft4Validator(_strict(each["schema"], top=True))
        for each in read
    }


def _strict(schema: Any, *, top: bool = False) -> Any:
    """As the API server reads a CRD's schema with `fieldValidation=Strict`."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        name: {key: _strict(each) for key, each in value.items()} if name == "properties" else _strict(value)
        for name, value in schema.items()
    }
    if found.pop("x-kubernetes-int-or-string", False):
        found.pop("type", None)
        found["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    if found.pop("nullable", False) and "type" in found:
        found["type"] = [found["type"], "null"]
    if top:
        found["properties"] |= {key: {} for key in ("apiVersion", "kind", "metadata")}
    if "properties" in found and not found.get("x-kubernetes-preserve-unknown-fields"):
        found.setdefault("additionalProperties", False)
    return found


def pod_specs(documents: list[Object]) -> Iterator[tuple[str, Object]]:
    """Every pod that is described, by what describes it."""
    for each in documents:
        template = each.get("spec", {}).get("template")
        if each["kind"] in ("Rollout", "Deployment", "StatefulSet", "Job") and template:
            yield place(each), template


def unresolved(documents: list[Object]) -> Iterator[str]:
    """Names that one object says and no other has, and workloads that two scalers drive."""
    there = {(each["kind"], each["metadata"]["name"]) for each in documents}
    brought = {("Secret", each["spec"]["target"]["name"]) for each in documents if each["kind"] == "ExternalSecret"}
    there |= brought
    scaled: dict[tuple[str, str], str] = {}
    for each in documents:
        for wanted in _references(each):
            if wanted not in there:
                yield f"{place(each)}: {wanted[0]}/{wanted[1]} is not there"
        if each["kind"] in ("ScaledObject", "HorizontalPodAutoscaler"):
            target = each["spec"]["scaleTargetRef"]
            key = target.get("kind", "Deployment"), target["name"]
            if key in scaled:
                yield f"{place(each)}: {key[0]}/{key[1]} is scaled by {scaled[key]} already"
            scaled[key] = place(each)


def _references(document: Object) -> Iterator[tuple[str, str]]:
    spec = document.get("spec") or {}
    match document["kind"]:
        case "ScaledObject":
            yield spec["scaleTargetRef"]["kind"], spec["scaleTargetRef"]["name"]
            for trigger in spec["triggers"]:
                if "authenticationRef" in trigger:
                    yield "TriggerAuthentication", trigger["authenticationRef"]["name"]
        case "TriggerAuthentication":
            yield from (("Secret", each["name"]) for each in spec["secretTargetRef"])
        case "Rollout":
            canary = spec["strategy"]["canary"]
            yield from (("Service", canary[name]) for name in ("stableService", "canaryService"))
            analyses = [canary["analysis"], *(each["analysis"] for each in canary["steps"] if "analysis" in each)]
            yield from (("AnalysisTemplate", each["templateName"]) for one in analyses for each in one["templates"])
        case "HTTPRoute":
            yield from (("Service", each["name"]) for rule in spec["rules"] for each in rule["backendRefs"])
    for _, template in pod_specs([document]):
        yield from _pod_references(template["spec"])


def _pod_references(pod: Object) -> Iterator[tuple[str, str]]:
    yield "ServiceAccount", pod["serviceAccountName"]
    for volume in pod.get("volumes", ()):
        for source in (volume, *volume.get("projected", {}).get("sources", ())):
            if "configMap" in source:
                yield "ConfigMap", source["configMap"]["name"]
            if "secret" in source:
                yield "Secret", source["secret"].get("secretName") or source["secret"]["name"]
    for container in pod["containers"]:
        yield from (("ConfigMap", each["configMapRef"]["name"]) for each in container.get("envFrom", ()))
