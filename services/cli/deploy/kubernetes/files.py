"""What people write for a service to read: a ConfigMap that each overlay makes of its own files.

Its name has the hash of what is in it, so that other words in a file are a new version of the service, and roll out as
one.
"""

from typing import Final

from services.cli.deploy.kubernetes.objects import Object, resource
from shared.runtime.description import Description

MOUNTED: Final = "/etc/milesaga"
VOLUME: Final = "files"
REFERENCE: Final = "spec/template/spec/volumes/configMap/name"
"""Where a Rollout says the ConfigMap's name, for Kustomize."""


def files_of(name: str) -> str:
    """The ConfigMap of a service's files."""
    return f"{resource(name)}-files"


def files_patch(description: Description) -> list[Object]:
    """A JSON patch that mounts them, and says where: Kustomize cannot merge a Rollout's lists."""
    if not description.files:
        return []
    pod, container = "/spec/template/spec", "/spec/template/spec/containers/0"
    volume = {"name": VOLUME, "configMap": {"name": files_of(description.name), "defaultMode": 0o444}}
    mount = {"name": VOLUME, "mountPath": f"{MOUNTED}/{description.name}", "readOnly": True}
    variables = [
        {"name": variable, "value": f"{MOUNTED}/{description.name}/{name}"} for variable, name in description.files
    ]
    return [
        _added(f"{pod}/volumes/-", volume),
        _added(f"{container}/volumeMounts/-", mount),
        *(_added(f"{container}/env/-", variable) for variable in variables),
    ]


def _added(path: str, value: Object) -> Object:
    return {"op": "add", "path": path, "value": value}
