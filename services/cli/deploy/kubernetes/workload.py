"""A service's pods: a Rollout, its Service, its ServiceAccount, and how many of it may be taken away at once."""

from typing import Any, Final

from services.cli.deploy.kubernetes import figures
from services.cli.deploy.kubernetes.canary import TRACK, TRACKS, strategy, track_of
from services.cli.deploy.kubernetes.objects import (
    IMAGE,
    PORT,
    ROLE,
    USER,
    Object,
    labels,
    named,
    resource,
    selected,
)
from services.cli.deploy.kubernetes.secrets import MOUNTED, secret_variables, secrets_of
from shared.runtime.description import Description

SETTINGS: Final = "milesaga"
"""The ConfigMap that all services read."""
HOME: Final = "/var/lib/milesaga"


def account(name: str) -> Object:
    """A service asks Kubernetes nothing, so it has no token."""
    return named("ServiceAccount", "v1", resource(name), automountServiceAccountToken=False)


def service(description: Description) -> Object:
    spec = {
        "selector": selected(description.name),
        "ports": [{"name": "http", "port": PORT, "targetPort": "http", "appProtocol": "http"}],
    }
    return named("Service", "v1", resource(description.name), spec=spec)


def tracks(description: Description) -> list[Object]:
    """Each version's pods by a name of their own, for whoever reads their counters: Argo Rollouts turns them."""
    found = []
    for track in TRACKS:
        each = named(
            "Service",
            "v1",
            track_of(description, track),
            service=description.name,
            spec={
                "clusterIP": "None",
                "publishNotReadyAddresses": True,
                "selector": selected(description.name),
                "ports": [{"name": "http", "port": PORT, "targetPort": "http"}],
            },
        )
        each["metadata"]["labels"][TRACK] = track
        found.append(each)
    return found


def disruption_budget(description: Description) -> Object:
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": selected(description.name)}}
    return named("PodDisruptionBudget", "policy/v1", resource(description.name), spec=spec)


def rollout(description: Description) -> Object:
    """Without a number of replicas: that is its ScaledObject's business."""
    spec = {
        "revisionHistoryLimit": 3,
        "progressDeadlineSeconds": 300,
        "selector": {"matchLabels": selected(description.name)},
        "strategy": strategy(description),
        "template": {
            "metadata": {"labels": {**labels(description.name), ROLE: "service"}},
            "spec": pod(
                description.name,
                arguments=["run", description.name],
                variables=secret_variables(description),
                secret=secrets_of(description.name),
                keeps=description.keeps,
            ),
        },
    }
    return named("Rollout", "argoproj.io/v1alpha1", resource(description.name), spec=spec)


def kept(description: Description) -> list[Object]:
    """The volume of a service that has files of its own. All of its pods have it, of both versions."""
    if not description.keeps:
        return []
    spec = {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": figures.KEPT}}}
    return [named("PersistentVolumeClaim", "v1", resource(description.name), spec=spec)]


def pod(name: str, *, arguments: list[str], variables: list[Object], secret: str, keeps: bool = False) -> Object:
    claim = {"name": "kept", "persistentVolumeClaim": {"claimName": resource(name)}}
    return {
        "serviceAccountName": resource(name),
        "automountServiceAccountToken": False,
        # or a variable like CHECKOUT_PORT would come from the Service of that name
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": figures.GRACE_SECONDS,
        "securityContext": security(USER),
        "affinity": {"nodeAffinity": arm_first()},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": key,
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": selected(name)},
            }
            for key in ("topology.kubernetes.io/zone", "kubernetes.io/hostname")
        ],
        "containers": [_container(arguments, variables, [_mounted(name)] if keeps else [])],
        "volumes": [
            {"name": "home", "emptyDir": {"sizeLimit": "64Mi"}},
            {"name": "tmp", "emptyDir": {"sizeLimit": "64Mi"}},
            {"name": "secrets", "secret": {"secretName": secret, "defaultMode": 0o440}},
            *([claim] if keeps else []),
        ],
    }


def _mounted(name: str) -> Object:
    return {"name": "kept", "mountPath": f"{HOME}/{name}"}


def _container(arguments: list[str], variables: list[Object], more: list[Object]) -> Object:
    return {
        "name": "milesaga",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "args": arguments,
        "envFrom": [{"configMapRef": {"name": SETTINGS}}],
        "env": variables,
        "ports": [{"name": "http", "containerPort": PORT}],
        "resources": {
            "requests": {"cpu": figures.CPU, "memory": figures.MEMORY},
            "limits": {"memory": figures.MEMORY_LIMIT},
        },
        **probes(),
        "lifecycle": {"preStop": {"sleep": {"seconds": figures.ROUTE_SECONDS}}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "home", "mountPath": HOME},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108 - the container's own
            {"name": "secrets", "mountPath": MOUNTED, "readOnly": True},
            *more,
        ],
    }


def probes() -> dict[str, Any]:
    """Alive is who answers at all. Ready asks broker and store as well, so it must never kill."""

    def asks(path: str, **more: int) -> Object:
        return {"httpGet": {"path": path, "port": "http"}, **more}

    return {
        "startupProbe": asks("/healthz", periodSeconds=1, timeoutSeconds=2, failureThreshold=120),
        "livenessProbe": asks("/healthz", periodSeconds=10, timeoutSeconds=5, failureThreshold=6),
        "readinessProbe": asks("/readyz", periodSeconds=2, timeoutSeconds=5, failureThreshold=2),
    }


def security(user: int) -> Object:
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def arm_first() -> Object:
    """The image is for both; Arm costs less for the same work."""
    wanted = {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}
    return {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": 100, "preference": {"matchExpressions": [wanted]}}
        ]
    }
