"""What every object of ours in a cluster has in common: names, labels, addresses."""

from typing import Any, Final, TypeAlias

Object: TypeAlias = dict[str, Any]

NAMESPACE: Final = "milesaga"
PART_OF: Final = "milesaga"
IMAGE: Final = "milesaga"
"""An overlay says where it comes from and of which version it is."""
PORT: Final = 8000
ROLE: Final = "milesaga.example/role"
"""`service`, `gateway`, `broker`, `store`, `monitoring`, `outside`: what rules between pods go by."""
USER: Final = 10001
"""The image's user, by number."""


def named(kind: str, api_version: str, name: str, *, service: str | None = None, **more: Any) -> Object:
    """An object of a service, or of the whole where none is given."""
    metadata = {"name": name, "labels": labels(service or name)}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def labels(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": PART_OF}


def selected(name: str) -> dict[str, str]:
    """What tells a service's pods from all others, for ever: a selector cannot be changed."""
    return {"app.kubernetes.io/name": name}


def resource(name: str) -> str:
    """A service's name as Kubernetes allows it."""
    return name.replace("_", "-")


def inside(name: str, port: int, scheme: str = "http") -> str:
    """The address of a Service, for whoever asks from another namespace."""
    return f"{scheme}://{name}.{NAMESPACE}.svc.cluster.local:{port}"
